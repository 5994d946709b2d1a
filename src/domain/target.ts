/** What a callback URL is judged by. */
export interface TargetPolicy {
  /** `CALLBACK_ALLOW_PRIVATE`: admits http, any port, and private or loopback hosts. */
  allowPrivate: boolean;
  /** Windsock's own scheme, host and port: a callback there would call itself in a circle. */
  ownOrigin: string;
}

export type TargetVerdict = { ok: true } | { ok: false; reason: string };

const refuse = (reason: string): TargetVerdict => ({ ok: false, reason });

const PRIVATE_SUFFIXES = ['localhost', 'local', 'internal', 'home.arpa'];

const DEFAULT_PORT: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * Whether a webhook may be sent to a URL: a first wall against requests forged through us (OWASP, "Server Side
 * Request Forgery Prevention"). It judges what is written, not what a name resolves to: a Worker cannot pin the
 * address of a name, but reaches no private network of its own either.
 */
export function judgeTarget(text: string, policy: TargetPolicy): TargetVerdict {
  if (!URL.canParse(text)) {
    return refuse('is not an absolute URL, such as https://example.com/hook');
  }
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(policy.allowPrivate && url.protocol === 'http:')) {
    return refuse(`must begin with ${policy.allowPrivate ? 'http:// or https://' : 'https://'}`);
  }
  if (url.username !== '' || url.password !== '') return refuse('must not hold user info');
  const host = url.hostname.replace(/\.$/, '').toLowerCase();
  if (host.split('.').includes('')) return refuse('has an empty part in its host name');
  const port = url.port === '' ? DEFAULT_PORT[url.protocol] : url.port;
  const own = new URL(policy.ownOrigin);
  const ownPort = own.port === '' ? DEFAULT_PORT[own.protocol] : own.port;
  if (host === own.hostname.replace(/\.$/, '').toLowerCase() && port === ownPort) {
    return refuse('points to Windsock itself');
  }
  if (policy.allowPrivate) return { ok: true };
  if (port !== '443' && Number(port) <= 1023) return refuse('must use port 443 or one above 1023');
  return judgeHost(host);
}

function judgeHost(host: string): TargetVerdict {
  if (host.startsWith('[')) {
    const groups = parseIpv6(host.slice(1, -1));
    return groups !== null && isPublicIpv6(groups) ? { ok: true } : refuse(NOT_PUBLIC);
  }
  const octets = parseIpv4(host);
  if (octets !== null) return isPublicIpv4(octets) ? { ok: true } : refuse(NOT_PUBLIC);
  if (PRIVATE_SUFFIXES.some((suffix) => host === suffix || host.endsWith(`.${suffix}`))) {
    return refuse('names a private host');
  }
  return host.includes('.') ? { ok: true } : refuse('must be a full domain name');
}

const NOT_PUBLIC = 'is not a public address';

/** `URL` has already turned every other spelling (hexadecimal, octal, short, full-width) into dotted decimal. */
function parseIpv4(host: string): number | null {
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(host)) return null;
  return host.split('.').reduce((address, octet) => address * 256 + Number(octet), 0);
}

// IANA, "IPv4 Special-Purpose Address Registry", with multicast and the reserved class E.
const SPECIAL_IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

function isPublicIpv4(address: number): boolean {
  return !SPECIAL_IPV4.some(([network, bits]) => {
    const size = 2 ** (32 - bits);
    return Math.floor(address / size) === Math.floor((parseIpv4(network) ?? 0) / size);
  });
}

/** Reads what `URL` serialises: lower-case hexadecimal groups, at most one `::`, never a dotted tail. */
function parseIpv6(text: string): number[] | null {
  const [head = '', tail] = text.split('::');
  const read = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => parseInt(group, 16));
  const left = read(head);
  const right = tail === undefined ? [] : read(tail);
  const zeros = 8 - left.length - right.length;
  if (zeros < 0 || (tail === undefined && zeros !== 0)) return null;
  return [...left, ...Array<number>(zeros).fill(0), ...right];
}

/**
 * Only global unicast (2000::/3) is public, without the ranges of the IANA IPv6 registry that are for protocols,
 * for documentation, or carry an IPv4 address (Teredo, 6to4).
 */
function isPublicIpv6(groups: readonly number[]): boolean {
  const [first = 0, second = 0] = groups;
  if (first < 0x2000 || first > 0x3fff) return false;
  if (first === 0x2001 && second < 0x0200) return false;
  if (first === 0x2001 && second === 0x0db8) return false;
  if (first === 0x2002) return false;
  return !(first === 0x3fff && second < 0x1000);
}
