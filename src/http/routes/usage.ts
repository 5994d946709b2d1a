import { Hono } from 'hono/tiny';
import { defaultSince, usageQuery } from '../../domain/usage.ts';
import type { AppEnv } from '../context.ts';
import { clientWith } from '../middleware/auth.ts';
import { valid } from '../middleware/json-body.ts';

/** `GET /usage`: what the client itself used; every key may ask, whatever its scopes. */
export const usageRoutes = new Hono<AppEnv>()
  .use(clientWith(null))
  .get('/', valid('query', usageQuery), async (c) => {
    const since = c.req.valid('query').since ?? defaultSince(Date.now());
    return c.json(await c.env.USAGE_LEDGER.getByName(c.get('grant').clientId).report(since));
  });
