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
 * The scope that a `/v1` path asks for.
 * @param path without the query, as the client sent it
 */
export function scopeOfPath(method: string, path: string): Scope {
  if (path.startsWith('/v1/chat/')) return 'chat';
  if (path === '/v1/files' || path.startsWith('/v1/files/')) return 'files';
  if (!path.startsWith('/v1/observability/')) return 'proxy';
  const reads =
    method === 'GET' || method === 'HEAD' || (method === 'POST' && READING_POST.test(path));
  return reads ? 'observability:read' : 'observability:write';
}
