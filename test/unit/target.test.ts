import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgeTarget, type TargetPolicy } from '../../src/domain/target.ts';

const DEPLOYED: TargetPolicy = {
  allowPrivate: false,
  ownOrigin: 'https://windsock.example.com',
};
const LOCAL: TargetPolicy = { allowPrivate: true, ownOrigin: 'http://localhost:8787' };

/** The reason of a refusal, or `allowed`. */
function verdict(text: string, policy = DEPLOYED): string {
  const judged = judgeTarget(text, policy);
  return judged.ok ? 'allowed' : judged.reason;
}

function allAllowed(name: string, urls: readonly string[], policy = DEPLOYED): void {
  describe(`${name}: allowed`, () => {
    for (const url of urls) test(url, () => assert.equal(verdict(url, policy), 'allowed'));
  });
}

function allRefused(
  name: string,
  reason: RegExp,
  urls: readonly string[],
  policy = DEPLOYED,
): void {
  describe(`${name}: refused`, () => {
    for (const url of urls) test(url, () => assert.match(verdict(url, policy), reason));
  });
}

allAllowed('a public name', [
  'https://hooks.partner.com/windsock?token=1#top',
  'https://hooks.partner.com./windsock',
  'HTTPS://HOOKS.PARTNER.COM/',
  'https://xn--bcher-kva.example/',
  'https://bücher.example/',
  'https://a.very.deep.name.of.partner.com/',
  'https://localhost.partner.com/',
  'https://mylocal.com/',
  'https://notinternal.com/',
  'https://arpa.partner.com/',
  'https://xhome.arpa/',
  'https://10.0.0.1.partner.com/',
]);

allRefused('no absolute URL', /not an absolute URL, such as https:\/\//, [
  '',
  'hooks.partner.com',
  '//hooks.partner.com/',
  '/hooks',
  'https://',
  'https://hooks.partner.com:65536/',
  'https://hooks .partner.com/',
  'https://256.1.1.1/',
  'https://[::1/',
  'https://[fe80::1%25eth0]/',
]);

allRefused('another scheme', /begin with https:\/\/$/, [
  'http://hooks.partner.com/',
  'http://8.8.8.8/',
  'ftp://hooks.partner.com/',
  'ws://hooks.partner.com/',
  'file:///etc/passwd',
  'data:text/plain,x',
  'javascript:alert(1)',
]);

allRefused('user info', /user info/, [
  'https://user@hooks.partner.com/',
  'https://user:pass@hooks.partner.com/',
  'https://:pass@hooks.partner.com/',
  'https://hooks.partner.com@evil.com/',
]);

allAllowed('a port', [
  'https://hooks.partner.com:443/',
  'https://hooks.partner.com:1024/',
  'https://hooks.partner.com:8443/',
  'https://hooks.partner.com:65535/',
  'https://8.8.8.8:8443/',
]);

allRefused('a port', /port 443/, [
  'https://hooks.partner.com:0/',
  'https://hooks.partner.com:1/',
  'https://hooks.partner.com:22/',
  'https://hooks.partner.com:25/',
  'https://hooks.partner.com:80/',
  'https://hooks.partner.com:442/',
  'https://hooks.partner.com:444/',
  'https://hooks.partner.com:1023/',
]);

allRefused('a private name', /private host/, [
  'https://localhost/',
  'https://localhost./',
  'https://LOCALHOST/',
  'https://localhost%2e/',
  'https://ⓛocalhost/',
  'https://app.localhost/',
  'https://App.LocalHost./',
  'https://printer.local/',
  'https://PRINTER.LOCAL./',
  'https://metadata.google.internal/',
  'https://metadata.google.internal./',
  'https://DB.INTERNAL/',
  'https://nas.home.arpa/',
  'https://nas.Home.Arpa./',
  'https://home.arpa/',
]);

allRefused('a single label', /full domain name/, [
  'https://intranet/',
  'https://intranet./',
  'https://INTRANET/',
  'https://com/',
  'https://intranet:8443/',
]);

allRefused('Windsock itself', /Windsock itself/, [
  'https://windsock.example.com/',
  'https://windsock.example.com/webhooks',
  'https://windsock.example.com:443/',
  'https://WINDSOCK.example.com/',
  'https://windsock.example.com./',
]);

allAllowed('beside Windsock', [
  'https://windsock.example.com:8443/',
  'https://hooks.windsock.example.com/',
  'https://example.com/',
]);

test('an own origin with a port is that port alone', () => {
  const policy = { allowPrivate: false, ownOrigin: 'https://windsock.example.com:8443' };
  assert.match(verdict('https://windsock.example.com:8443/', policy), /Windsock itself/);
  assert.equal(verdict('https://windsock.example.com/', policy), 'allowed');
});

allRefused('loopback, however it is spelled', /not a public address/, [
  'https://127.0.0.1/',
  'https://127.0.0.1./',
  'https://127.1/',
  'https://127.0.1/',
  'https://2130706433/',
  'https://0x7f000001/',
  'https://0X7F.0.0.1/',
  'https://0177.0.0.1/',
  'https://017700000001/',
  'https://0x7f.0.0x0.01/',
  'https://%31%32%37.0.0.1/',
  'https://１２７.0.0.1/',
  'https://①②⑦.⓪.⓪.①/',
  'https://127。0。0。1/',
  'https://0/',
  'https://127.0.0.1:8443/',
]);

allAllowed('a public address, however it is spelled', [
  'https://8.8.8.8/',
  'https://134744072/',
  'https://0x08080808/',
  'https://010.010.010.010/',
  'https://8.526344/',
]);

function addressOf(text: string): number {
  return text.split('.').reduce((address, octet) => address * 256 + Number(octet), 0);
}

function v4Text(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

/** First and last address of each range that is not public; its neighbours are. */
const SPECIAL_V4: readonly (readonly [string, string, string])[] = [
  ['this network', '0.0.0.0', '0.255.255.255'],
  ['private, class A', '10.0.0.0', '10.255.255.255'],
  ['carrier-grade NAT', '100.64.0.0', '100.127.255.255'],
  ['loopback', '127.0.0.0', '127.255.255.255'],
  ['link-local', '169.254.0.0', '169.254.255.255'],
  ['private, class B', '172.16.0.0', '172.31.255.255'],
  ['protocol assignments', '192.0.0.0', '192.0.0.255'],
  ['documentation 1', '192.0.2.0', '192.0.2.255'],
  ['6to4 relays', '192.88.99.0', '192.88.99.255'],
  ['private, class C', '192.168.0.0', '192.168.255.255'],
  ['benchmarks', '198.18.0.0', '198.19.255.255'],
  ['documentation 2', '198.51.100.0', '198.51.100.255'],
  ['documentation 3', '203.0.113.0', '203.0.113.255'],
  ['multicast and reserved', '224.0.0.0', '255.255.255.255'],
];

describe('special IPv4 ranges are refused from the first to the last address', () => {
  for (const [name, first, last] of SPECIAL_V4) {
    test(`${name}: ${first} to ${last}`, () => {
      const middle = v4Text(Math.floor((addressOf(first) + addressOf(last)) / 2));
      for (const address of [first, middle, last]) {
        assert.match(verdict(`https://${address}/`), /not a public address/, address);
      }
      for (const neighbour of [addressOf(first) - 1, addressOf(last) + 1]) {
        if (neighbour < 0 || neighbour >= 2 ** 32) continue;
        const address = v4Text(neighbour);
        assert.equal(verdict(`https://${address}/`), 'allowed', address);
      }
    });
  }

  test('within multicast and reserved: the last of one, the first of the other', () => {
    for (const address of ['239.255.255.255', '240.0.0.0']) {
      assert.match(verdict(`https://${address}/`), /not a public address/, address);
    }
  });
});

allRefused('IPv6', /not a public address/, [
  'https://[::]/',
  'https://[::1]/',
  'https://[0:0:0:0:0:0:0:1]/',
  'https://[::1]:8443/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:7f00:1]/',
  'https://[::FFFF:8.8.8.8]/',
  'https://[::ffff:0:8.8.8.8]/',
  'https://[::8.8.8.8]/',
  'https://[64:ff9b::8.8.8.8]/',
  'https://[64:ff9b:1::10.0.0.1]/',
  'https://[100::1]/',
  'https://[1fff:ffff::1]/',
  'https://[2001::1]/',
  'https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
  'https://[2001:2::1]/',
  'https://[2001:10::1]/',
  'https://[2001:20::1]/',
  'https://[2001:1ff:ffff::1]/',
  'https://[2001:db8::1]/',
  'https://[2001:DB8:ffff:ffff:ffff:ffff:ffff:ffff]/',
  'https://[2002::1]/',
  'https://[2002:7f00:1::1]/',
  'https://[2002:808:808::1]/',
  'https://[2002:ffff:ffff::1]/',
  'https://[3fff::1]/',
  'https://[3fff:fff:ffff::1]/',
  'https://[4000::1]/',
  'https://[5f00::1]/',
  'https://[fc00::1]/',
  'https://[fd12:3456:789a::1]/',
  'https://[fdff:ffff::1]/',
  'https://[fe80::1]/',
  'https://[febf::1]/',
  'https://[fec0::1]/',
  'https://[ff02::1]/',
]);

allAllowed('IPv6', [
  'https://[2606:4700:4700::1111]/',
  'https://[2606:4700:4700:0:0:0:0:1111]:8443/',
  'https://[2001:4860:4860::8888]/',
  'https://[2001:200::1]/',
  'https://[2001:db7:ffff::1]/',
  'https://[2001:db9::1]/',
  'https://[2003::1]/',
  'https://[3fff:1000::1]/',
  'https://[2a00:1450:4001:830::200e]/',
]);

allAllowed(
  'with private targets admitted',
  [
    'http://localhost:3000/hook',
    'http://localhost/',
    'http://127.0.0.1:9/',
    'http://[::1]:3000/',
    'http://192.168.1.10/',
    'http://receiver:80/',
    'https://nas.home.arpa:444/',
    'https://hooks.partner.com/',
    'http://localhost:8788/',
  ],
  LOCAL,
);

describe('with private targets admitted, these are refused still', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['receiver', /not an absolute URL/],
    ['ftp://localhost/', /begin with http:\/\/ or https:\/\//],
    ['file:///etc/passwd', /begin with http:\/\/ or https:\/\//],
    ['localhost:3000/hook', /begin with http:\/\/ or https:\/\//],
    ['http://user@localhost:3000/', /user info/],
    ['http://localhost:8787/', /Windsock itself/],
    ['http://LOCALHOST.:8787/hook', /Windsock itself/],
  ];
  for (const [url, reason] of cases) {
    test(url, () => assert.match(verdict(url, LOCAL), reason));
  }

  test('the own origin without its default port', () => {
    const policy = { allowPrivate: true, ownOrigin: 'http://localhost' };
    assert.match(verdict('http://localhost:80/', policy), /Windsock itself/);
    assert.match(verdict('http://localhost/', policy), /Windsock itself/);
    assert.equal(verdict('http://localhost:8787/', policy), 'allowed');
  });

  test('the own host and port under another scheme, where the default port is another', () => {
    const policy = { allowPrivate: true, ownOrigin: 'https://windsock.example.com' };
    assert.match(verdict('http://windsock.example.com:443/', policy), /Windsock itself/);
    assert.equal(verdict('http://windsock.example.com/', policy), 'allowed');
  });
});
