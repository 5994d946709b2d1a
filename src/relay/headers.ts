// Which headers cross the relay. Hop-by-hop ones belong to one connection (RFC 9110, 7.6.1); the others named here
// tell about the client or about us, or would let one side act for the other.

const DROPPED_FROM_REQUEST = new Set([
  'authorization',
  'host',
  'cookie',
  'x-real-ip',
  'forwarded',
  'true-client-ip',
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  // Set anew for the body that is sent.
  'content-length',
  'upgrade',
  // The body is looked at, so it must come as it is.
  'accept-encoding',
]);
const DROPPED_PREFIXES = ['cf-', 'x-forwarded-', 'windsock-'];

const PASSED_FROM_ANSWER = new Set([
  'content-type',
  'content-disposition',
  'retry-after',
  'location',
  'mistral-correlation-id',
  'x-model-deprecation-timestamp',
]);
const PASSED_PREFIXES = ['ratelimit', 'x-ratelimit'];

/** The client's headers that go upstream; `authorization` is for the upstream to add. */
export function requestHeaders(client: Headers): Headers {
  const named = (client.get('connection') ?? '').toLowerCase().split(/\s*,\s*/);
  const sent = new Headers();
  for (const [name, value] of client) {
    if (DROPPED_FROM_REQUEST.has(name) || named.includes(name)) continue;
    if (DROPPED_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    sent.append(name, value);
  }
  return sent;
}

/** The upstream's headers that go to the client; `set-cookie` and server banners are not among them. */
export function answerHeaders(upstream: Headers): Headers {
  const passed = new Headers();
  for (const [name, value] of upstream) {
    const isPassed =
      PASSED_FROM_ANSWER.has(name) || PASSED_PREFIXES.some((prefix) => name.startsWith(prefix));
    if (isPassed) passed.append(name, value);
  }
  return passed;
}
