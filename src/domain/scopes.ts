/** What a client may do; all by default. */
export const SCOPES = [
  'chat',
  'observability:read',
  'observability:write',
  'files',
  'proxy',
] as const;
export type Scope = (typeof SCOPES)[number];

/** Searches and judgements are POST upstream but change nothing. */
const READING_POST =
  /\/(?:search|search\/latest|search-ids|aggregate|options-counts|live-judging)\/?$/;

/**
 * A path as routers and upstreams may come to read it: escapes decoded, slashes not repeated. What a request is
 * allowed to do is judged by this spelling, so that `/v1/%66iles` does not pass for something else.
 * @param path without the query, as the client sent it
 */
export function plainPath(path: string): string {
  let decoded = path;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    // A stray `%` stands for itself.
  }
  return decoded.replaceAll(/\/{2,}/g, '/');
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
