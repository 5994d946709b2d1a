import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { workspaceOf } from '../../builtin/context.ts';
import { contentOf } from '../../builtin/downloads.ts';
import { Refusal } from '../../domain/failures.ts';
import type { AppEnv } from '../context.ts';

const link = z.lazy(() =>
  z.object({
    file_id: z.guid(),
    expires: z.pipe(z.coerce.number(), z.int()),
    signature: z.string(),
  }),
);

/** `GET /downloads/:file_id`: a file of the built-in backend behind a signed link. */
export const downloadRoutes = new Hono<AppEnv>().get('/:file_id', async (c) => {
  const parsed = link.safeParse({ ...c.req.query(), ...c.req.param() });
  const workspace = workspaceOf(c.env);
  const file = parsed.success
    ? await workspace.openLink(parsed.data.file_id, parsed.data.expires, parsed.data.signature)
    : null;
  if (file === null) {
    const message = 'This link is not valid, has expired, or its file was deleted.';
    throw new Refusal({ code: 'forbidden', message });
  }
  return contentOf(file, workspace);
});
