/** What a client may do; all by default. */
export const SCOPES = [
  'chat',
  'observability:read',
  'observability:write',
  'files',
  'proxy',
] as const;
export type Scope = (typeof SCOPES)[number];

/** The POST calls of the observability API that change nothing: searches, counts and live judgements. */
const READING_POST = new RegExp(
  `^/v1/observability/(?:${[
    'chat-completion-events/(?:search|search-ids|[^/]+/live-judging)',
    'chat-completion-fields/[^/]+/options-counts',
    '(?:judges|dataset-records)/[^/]+/live-judging',
    '(?:logs|traces|spans)/search',
    '(?:traces|spans)/aggregate',
    'spans/evaluations/search(?:/latest)?',
  ].join('|')})/?$`,
);

/** As often as an escape may be escaped again and still be undone. */
const MAX_DECODINGS = 5;

/**
 * A path as routers and upstreams may come to read it: escapes decoded, dot segments resolved, backslashes turned,
 * slashes not repeated. What a request is allowed to do is judged by this spelling, so that `/v1/%66iles` or
 * `/v1/x/..%2ffiles` does not pass for something else.
 * @param path without the query, as the client sent it
 */
export function plainPath(path: string): string {
  let decoded = path;
  for (let round = 0; round < MAX_DECODINGS; round++) {
    const next = decodedOnce(decoded);
    if (next === decoded) break;
    decoded = next;
  }
  const slashed = decoded.replaceAll('\\', '/').replaceAll('?', '%3F').replaceAll('#', '%23');
  return new URL(`http://x${slashed}`).pathname.replaceAll(/\/{2,}/g, '/');
}

function decodedOnce(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // A stray `%` stands for itself.
    return path;
  }
}

/**
 * The scope that a `/v1` path asks for.
 * @param path as {@link plainPath} gives it
 */
export function scopeOfPath(method: string, path: string): Scope {
  if (path.startsWith('/v1/chat/')) return 'chat';
  if (path === '/v1/files' || path.startsWith('/v1/files/')) return 'files';
  if (!path.startsWith('/v1/observability/')) return 'proxy';
  const reads =
    method === 'GET' || method === 'HEAD' || (method === 'POST' && READING_POST.test(path));
  return reads ? 'observability:read' : 'observability:write';
}
