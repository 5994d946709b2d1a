import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { Refusal } from '../../domain/failures.ts';
import { IMPORT_STATUSES } from '../../domain/import.ts';
import { ImportCopies } from '../../store/imports.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { cursorFields } from '../list-query.ts';
import { clientWith } from '../middleware/auth.ts';
import { valid } from '../middleware/json-body.ts';
import { linkNext } from '../next-link.ts';
import { badCursor } from '../refusals.ts';

/** The query of `GET /imports`. */
export const importListQuery = z.lazy(() =>
  z.strictObject({
    dataset_id: z.optional(z.string().check(z.toLowerCase())),
    status: z.optional(z.enum(IMPORT_STATUSES)),
    ...cursorFields(50, 100),
  }),
);

/** `/imports`: a client's imports, from KV as a list, from their Durable Objects one by one. */
export const importRoutes = new Hono<AppEnv>()
  .use(clientWith('observability:read'))
  .get('/', valid('query', importListQuery), async (c) => {
    const { dataset_id = null, status = null, limit, cursor = null } = c.req.valid('query');
    const filter = { datasetId: dataset_id, status };
    const { clientId } = c.get('grant');
    const page = await new ImportCopies(c.env.KV).list(clientId, filter, limit, cursor);
    if (page === 'bad_cursor') throw badCursor();
    linkNext(c, 'cursor', page.cursor);
    return c.json({ imports: page.imports, next_cursor: page.cursor });
  })
  .get('/:id', async (c) => {
    const view = await jobOf(c).read(c.get('grant').clientId);
    if (view === null) throw noSuchImport();
    return c.body(view, 200, { 'content-type': 'application/json' });
  })
  .get('/:id/events', async (c) => {
    const seen = c.req.header('last-event-id');
    const sequence = seen !== undefined && /^\d{1,15}$/.test(seen) ? Number(seen) : null;
    const stream = await jobOf(c).watch(c.get('grant').clientId, sequence);
    if (stream === null) throw noSuchImport();
    // 204 tells an EventSource that there is nothing to come back for (WHATWG HTML, 9.2.3).
    if (stream === 'nothing_more') return c.body(null, 204);
    const headers = {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
    };
    if (c.req.method !== 'HEAD') return c.body(stream, 200, headers);
    // Nobody reads the body of an answer to HEAD: its watcher would stay until the import ends.
    await stream.cancel();
    return c.body(null, 200, headers);
  })
  .get('/:id/deliveries', async (c) => {
    const deliveries = await jobOf(c).attempts(c.get('grant').clientId);
    if (deliveries === null) throw noSuchImport();
    return c.json({ deliveries });
  });

/** `POST /imports/:id/redeliver`: sends the newest webhook of an import again. */
export const redeliverRoutes = new Hono<AppEnv>().post(
  '/:id/redeliver',
  clientWith('observability:write'),
  async (c) => {
    const result = await jobOf(c).redeliver(c.get('grant').clientId);
    if (result === null) throw noSuchImport();
    if (result.kind === 'accepted') {
      return c.body(result.view, 202, { 'content-type': 'application/json' });
    }
    throw new Refusal({ code: 'invalid_request', message: NOTHING_TO_REDELIVER[result.kind] });
  },
);

const NOTHING_TO_REDELIVER = {
  no_callback: 'This import has no callback: there is nowhere to deliver to.',
  nothing_sent: 'Nothing has been sent for this import yet: none of its events has happened.',
};

function jobOf(c: AppContext) {
  const id = c.req.param('id') ?? '';
  if (!/^imp_[A-Za-z0-9_-]{22}$/.test(id)) throw noSuchImport();
  return c.env.IMPORT_JOB.getByName(id);
}

function noSuchImport(): Refusal {
  return new Refusal({ code: 'not_found', message: 'There is no such import.' });
}
