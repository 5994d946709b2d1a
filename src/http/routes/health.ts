import { Hono } from 'hono/tiny';
import type { AppEnv } from '../context.ts';

/** `GET /health`: that Windsock runs, and what it stands in front of. No key needed. */
export const healthRoutes = new Hono<AppEnv>().get('/', (c) => {
  const { chatBackend, observabilityBackend } = c.get('config');
  return c.json({
    status: 'ok',
    backends: { chat: chatBackend, observability: observabilityBackend },
  });
});
