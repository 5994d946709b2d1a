import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { strictJudgeDefinition } from '../../domain/judge.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { clientWith } from '../middleware/auth.ts';
import { jsonBody, valid } from '../middleware/json-body.ts';
import { observabilityOf } from '../observability.ts';
import { uuidOf } from '../path-id.ts';
import { filtersOf, withPlace } from '../search-filter.ts';

const searchFields = () => ({
  // A filter's mistakes have a place of their own in the answer, see `filtersOf`.
  where: z.optional(z.unknown()),
  fields: z.nullish(z.array(z.string().check(z.maxLength(500))).check(z.maxLength(500))),
});

/** The body of `POST /events/search`. */
export const eventSearchBody = z.lazy(() =>
  z.strictObject({
    ...searchFields(),
    limit: z._default(z.int().check(z.minimum(1), z.maximum(100)), 50),
    cursor: z.nullish(z.string().check(z.maxLength(4096))),
  }),
);

/** The body of `POST /events/ids`. */
export const eventIdsBody = z.lazy(() => z.strictObject(searchFields()));

const reader = clientWith('observability:read');

const eventIdOf = (c: AppContext) => uuidOf(c, 'event_id', 'event');

/** `/events`: searches over the recorded chats of the workspace, the events themselves, and judgements of them. */
export const eventRoutes = new Hono<AppEnv>()
  .post('/search', reader, jsonBody, valid('json', eventSearchBody, '/where'), async (c) => {
    const { where, fields, limit, cursor } = c.req.valid('json');
    const query = { filters: filtersOf(where), fields: fields ?? null };
    const found = await observabilityOf(c)
      .searchEvents(query, limit, cursor || null)
      .catch((error: unknown) => {
        throw withPlace(error, where);
      });
    return c.json({ events: found.events, next_cursor: found.nextCursor });
  })
  .post('/ids', reader, jsonBody, valid('json', eventIdsBody, '/where'), async (c) => {
    const { where, fields } = c.req.valid('json');
    const query = { filters: filtersOf(where), fields: fields ?? null };
    const ids = await observabilityOf(c)
      .searchEventIds(query)
      .catch((error: unknown) => {
        throw withPlace(error, where);
      });
    return c.json({ ids, count: ids.length });
  })
  // An id has no letters but these: a GET of `/search` or `/ids` is one of the wrong method.
  .get('/:event_id{[0-9A-Fa-f-]+}', reader, async (c) =>
    c.json(await observabilityOf(c).fetchEvent(eventIdOf(c))),
  )
  .get('/:event_id/similar', reader, async (c) =>
    c.json({ events: await observabilityOf(c).similarEvents(eventIdOf(c)) }),
  )
  .post('/:event_id/judge', reader, jsonBody, valid('json', strictJudgeDefinition), async (c) => {
    const definition = c.req.valid('json');
    return c.json(await observabilityOf(c).judgeEvent(eventIdOf(c), definition));
  });
