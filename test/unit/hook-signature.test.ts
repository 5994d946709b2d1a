import './workerd-globals.ts';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { NOT_SIGNED, readSignature, type Proof } from '../../src/domain/hook-signature.ts';
import type { Verification } from '../../src/domain/hook.ts';
import { sha256Hex } from '../../src/platform/crypto.ts';
import { isProved } from '../../src/webhook/verify.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const BODY = '{"test": 2432232314}';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const SENT_S = 1_614_265_330;

type Headers = Record<string, string>;

const read = (verify: Verification, headers: Headers, now = SENT_S * 1000) =>
  readSignature(verify, (name) => headers[name], now);

/** Whether a call passes. */
async function passes(
  verify: Verification,
  headers: Headers,
  secrets: string[],
  body: string | Uint8Array = BODY,
): Promise<boolean> {
  const seen = read(verify, headers);
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return seen.ok && isProved(seen.proof, bytes, secrets);
}

function signed(secret = SECRET, at = SENT_S, body = BODY): Headers {
  return {
    'webhook-id': ID,
    'webhook-timestamp': String(at),
    'webhook-signature': new Webhook(secret).sign(ID, new Date(at * 1000), body),
  };
}

describe('Standard Webhooks', () => {
  test('the vector of the specification passes', async () => {
    const headers = {
      ...signed(),
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    };
    assert.equal(await passes('standard-webhooks', headers, [SECRET]), true);
  });

  test('what the standardwebhooks package signs passes, for any text and any current secret', async () => {
    for (const body of [BODY, '', '{"name":"é€😀"}', ' {}\n']) {
      for (const secret of [SECRET, OTHER_SECRET]) {
        const headers = signed(secret, SENT_S, body);
        const secrets = [OTHER_SECRET, SECRET];
        assert.equal(await passes('standard-webhooks', headers, secrets, body), true, body);
      }
    }
  });

  test('another body, id, time or secret does not, and no secret at all neither', async () => {
    const headers = signed();
    const fails = async (given: Headers, secrets = [SECRET], body = BODY) =>
      assert.equal(await passes('standard-webhooks', given, secrets, body), false);
    await fails(headers, [OTHER_SECRET]);
    await fails(headers, []);
    await fails(headers, [SECRET], `${BODY} `);
    await fails({ ...headers, 'webhook-id': 'msg_2' });
    await fails({ ...headers, 'webhook-timestamp': String(SENT_S + 1) });
    await fails({ ...headers, 'webhook-timestamp': `0${SENT_S}` });
  });

  test('the body is signed as bytes, even those that are no text', async () => {
    const bytes = Uint8Array.from([0xff, 0x00, 0xfe]);
    const key = Buffer.from(SECRET.slice(6), 'base64');
    const signature = createHmac('sha256', key).update(`${ID}.${SENT_S}.`).update(bytes);
    const headers = { ...signed(), 'webhook-signature': `v1,${signature.digest('base64')}` };
    assert.equal(await passes('standard-webhooks', headers, [SECRET], bytes), true);
  });

  test('one right signature among several is enough, and only those of v1 count', async () => {
    const right = signed()['webhook-signature'] ?? '';
    const wrong = signed(OTHER_SECRET)['webhook-signature'] ?? '';
    const tried = (signature: string) =>
      passes('standard-webhooks', { ...signed(), 'webhook-signature': signature }, [SECRET]);
    assert.equal(await tried(`${wrong} v1a,abc ${right}`), true);
    assert.equal(await tried(`${right} ${wrong}`), true);
    for (const signature of [
      wrong,
      right.replace('v1,', 'v1a,'),
      right.replace('v1,', 'v2,'),
      right.replace('v1,', ''),
      right.slice(0, -1),
      `${right}=`,
      'v1,',
      ',',
      ' ',
    ]) {
      assert.equal(await tried(signature), false, signature);
    }
  });

  for (const [offS, passesThen] of [
    [0, true],
    [300, true],
    [-300, true],
    [301, false],
    [-301, false],
    [86_400 * 365, false],
  ] as const) {
    test(`a timestamp ${offS} s off is ${passesThen ? 'taken' : 'stale'}`, () => {
      const seen = read('standard-webhooks', signed(SECRET, SENT_S + offS));
      assert.equal(seen.ok, passesThen);
      if (!seen.ok) assert.equal(seen.outcome, 'stale');
    });
  }

  test('a timestamp that is no number of seconds is refused', () => {
    for (const timestamp of ['now', '1e9', '-1', '1614265330.5', ' ', '0x10', '9'.repeat(13)]) {
      const seen = read('standard-webhooks', { ...signed(), 'webhook-timestamp': timestamp });
      assert.equal(seen.ok, false, timestamp);
    }
  });

  test('a header that is missing is named, and nothing else is told', () => {
    for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
      const { [name]: _, ...rest } = signed();
      const seen = read('standard-webhooks', rest);
      assert.ok(!seen.ok);
      assert.equal(seen.outcome, 'unauthorized');
      assert.equal(seen.message, `Send ${name} as well.`);
    }
  });
});

describe('GitHub', () => {
  const secret = "It's a Secret to Everybody";
  const vector = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
  const headers = { 'x-hub-signature-256': `sha256=${vector}`, 'x-github-delivery': 'd-1' };

  test('the example of its documentation passes', async () => {
    assert.equal(await passes('github', headers, [secret], 'Hello, World!'), true);
    const upper = { 'x-hub-signature-256': `sha256=${vector.toUpperCase()}` };
    assert.equal(await passes('github', upper, ['other', secret], 'Hello, World!'), true);
  });

  test('another body, another secret and another form do not', async () => {
    assert.equal(await passes('github', headers, [secret], 'Hello, World?'), false);
    assert.equal(await passes('github', headers, ['other'], 'Hello, World!'), false);
    for (const form of [vector, `sha1=${vector}`, `sha256=${vector.slice(1)}`, 'sha256=', '']) {
      const given = { 'x-hub-signature-256': form };
      assert.equal(await passes('github', given, [secret], 'Hello, World!'), false, form);
    }
  });

  test('the id is that of the delivery, or none', () => {
    const idOf = (given: Headers) => {
      const seen = read('github', given);
      return seen.ok ? seen.webhookId : assert.fail(seen.message);
    };
    assert.equal(idOf(headers), 'd-1');
    assert.equal(idOf({ ...headers, 'x-github-delivery': '' }), null);
    assert.equal(idOf({ 'x-hub-signature-256': `sha256=${vector}`, 'webhook-id': 'w' }), null);
  });
});

describe('bearer', () => {
  test('the secret passes by its hash, another does not', async () => {
    const hashes = [await sha256Hex('other'), await sha256Hex('right')];
    const given = (authorization: string) => passes('bearer', { authorization }, hashes);
    assert.equal(await given('Bearer right'), true);
    assert.equal(await given('bearer  right '), true);
    for (const wrong of [
      'Bearer wrong',
      'Bearer Right',
      'Basic right',
      'right',
      'Bearer',
      `Bearer ${hashes[1]}`,
    ]) {
      assert.equal(await given(wrong), false, wrong);
    }
  });

  test('the id is the webhook-id, else the idempotency-key, else none', () => {
    const idOf = (more: Headers) => {
      const seen = read('bearer', { authorization: 'Bearer x', ...more });
      return seen.ok ? seen.webhookId : assert.fail(seen.message);
    };
    assert.equal(idOf({ 'webhook-id': 'w', 'idempotency-key': 'i' }), 'w');
    assert.equal(idOf({ 'idempotency-key': 'i' }), 'i');
    assert.equal(idOf({}), null);
  });
});

test('a signature that is wrong tells the same, whatever is wrong with it', () => {
  const seen = read('github', { 'x-hub-signature-256': 'sha256=short' });
  assert.deepEqual(seen, { ok: false, outcome: 'unauthorized', message: NOT_SIGNED });
});

test('signatures without number are not all looked at', () => {
  const signatures = Array.from({ length: 500 }, () => 'v1,AAAA').join(' ');
  const seen = read('standard-webhooks', { ...signed(), 'webhook-signature': signatures });
  assert.ok(seen.ok);
  const proof: Proof = seen.proof;
  assert.ok(proof.kind === 'hmac' && proof.signatures.length === 10);
});
