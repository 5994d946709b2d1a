import type { MiddlewareHandler } from 'hono';
import { randomToken } from '../../platform/ids.ts';
import type { AppEnv } from '../context.ts';

const ACCEPTED = /^[A-Za-z0-9._-]{1,128}$/;

/** Names every request: by the caller's own `x-request-id` where it is well formed, else by a new one. */
export const requestId: MiddlewareHandler<AppEnv> = async function requestId(c, next) {
  const given = c.req.header('x-request-id') ?? '';
  const id = ACCEPTED.test(given) ? given : randomToken(16);
  c.set('requestId', id);
  await next();
  c.res.headers.set('x-request-id', id);
};
