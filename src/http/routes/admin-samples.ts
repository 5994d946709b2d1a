import { Hono } from 'hono/tiny';
import { workspaceOf } from '../../builtin/context.ts';
import type { AppEnv } from '../context.ts';
import { admin } from '../middleware/auth.ts';

/** `DELETE /admin/samples`: takes the sample events of the built-in backend away. */
export const adminSampleRoutes = new Hono<AppEnv>().use(admin).delete('/', async (c) => {
  await workspaceOf(c.env).deleteSamples();
  return c.body(null, 204);
});
