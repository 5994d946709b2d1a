import type { MiddlewareHandler } from 'hono';
import { logInfo } from '../../platform/log.ts';
import type { AppEnv } from '../context.ts';

/** Adds `server-timing` (https://www.w3.org/TR/server-timing/) and writes one log line a request, without content. */
export const observe: MiddlewareHandler<AppEnv> = async function observe(c, next) {
  const startedAt = performance.now();
  await next();
  const totalMs = performance.now() - startedAt;
  const upstreamMs = c.get('upstreamMs') as number | undefined;
  const own = `windsock;dur=${round(totalMs - (upstreamMs ?? 0))}`;
  const timing = upstreamMs === undefined ? own : `upstream;dur=${round(upstreamMs)}, ${own}`;
  c.res.headers.set('server-timing', timing);
  logInfo('request', {
    request_id: c.get('requestId'),
    client_id: (c.get('grant') as { clientId: string } | undefined)?.clientId ?? null,
    method: c.req.method,
    path: c.req.path,
    status: c.res.status,
    duration_ms: round(totalMs),
    upstream_ms: upstreamMs === undefined ? null : round(upstreamMs),
  });
};

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
