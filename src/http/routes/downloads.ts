import { Hono } from 'hono/tiny';
import { workspaceOf } from '../../builtin/context.ts';
import { contentOf, openLink } from '../../builtin/downloads.ts';
import { Refusal } from '../../domain/failures.ts';
import type { AppEnv } from '../context.ts';

/** `GET /downloads/:file_id`: a file of the built-in backend behind a signed link. */
export const downloadRoutes = new Hono<AppEnv>().get('/:file_id', async (c) => {
  const workspace = workspaceOf(c.env);
  const file = await openLink(new URL(c.req.url), workspace);
  if (file === null) {
    const message = 'This link is not valid, has expired, or its file was deleted.';
    throw new Refusal({ code: 'forbidden', message });
  }
  return contentOf(file, workspace);
});
