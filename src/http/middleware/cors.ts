import { cors as honoCors } from 'hono/cors';
import type { AppContext } from '../context.ts';

/** CORS for the origins of `CORS_ORIGINS`, on every path, refusals and preflights included. */
export const cors = honoCors({
  origin: (origin, c: AppContext) => {
    const { corsOrigins } = c.get('config');
    if (corsOrigins.includes('*')) return '*';
    return corsOrigins.includes(origin) ? origin : null;
  },
  allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  exposeHeaders: [
    'x-request-id',
    'server-timing',
    'retry-after',
    'location',
    'link',
    'content-disposition',
    'idempotency-replayed',
    'mistral-correlation-id',
    'windsock-attempts',
    'windsock-import-id',
  ],
  maxAge: 86_400,
});
