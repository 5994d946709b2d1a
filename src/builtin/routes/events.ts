import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { workspaceOf, type BuiltinEnv } from '../context.ts';
import type { EventPlace } from '../event-cursor.ts';
import { notFound, observabilityInvalid, searchRefused } from '../errors.ts';
import { anyObject, filtersText, readBody, readQuery, readUuid, wholeNumber } from '../validate.ts';

const searchRequest = z.lazy(() =>
  z.object({
    search_params: z.object({ filters: z.nullable(anyObject) }),
    extra_fields: z.nullish(z.array(z.string())),
  }),
);
const searchQuery = z.lazy(() =>
  z.object({ page_size: wholeNumber(0, 100, 50), cursor: z.optional(z.string()) }),
);

/** Some 800 kB of ids a call: SQLite's texts have at most 2 MB. */
const IDS_BATCH = 20_000;

const AS_JSON = { 'content-type': 'application/json' };

/** `/v1/observability/chat-completion-events`: the search and the events it finds. */
export const eventRoutes = new Hono<BuiltinEnv>()
  .post('/search', async (c) => {
    const { page_size, cursor } = readQuery(c, searchQuery, observabilityInvalid);
    const { search_params, extra_fields } = await readBody(c, searchRequest, observabilityInvalid);
    const found = await workspaceOf(c.env).events.search(
      filtersText(search_params.filters),
      page_size,
      cursor || null,
      extra_fields ?? null,
    );
    if (!found.ok) throw searchRefused(found);
    const { events, next } = found.value;
    return c.body(feed(events, next), 200, AS_JSON);
  })
  .post('/search-ids', async (c) => {
    const { search_params, extra_fields } = await readBody(c, searchRequest, observabilityInvalid);
    const filters = filtersText(search_params.filters);
    const batches: string[] = [];
    let after: EventPlace | null = null;
    do {
      const found = await workspaceOf(c.env).events.ids(
        filters,
        extra_fields ?? null,
        IDS_BATCH,
        after,
      );
      if (!found.ok) throw searchRefused(found);
      if (found.value.ids !== '[]') batches.push(found.value.ids.slice(1, -1));
      after = found.value.next;
    } while (after !== null);
    return c.body(`{"completion_event_ids":[${batches.join(',')}]}`, 200, AS_JSON);
  })
  .get('/:event_id', async (c) => {
    const id = readUuid(c, 'event_id', observabilityInvalid);
    const event = await workspaceOf(c.env).events.get(id);
    if (event === null) throw notFound('Event', id, 'SEARCH_NOT_FOUND');
    return c.body(event, 200, AS_JSON);
  })
  .get('/:event_id/similar-events', async (c) => {
    const id = readUuid(c, 'event_id', observabilityInvalid);
    const events = await workspaceOf(c.env).events.similar(id);
    if (events === null) throw notFound('Event', id, 'SEARCH_NOT_FOUND');
    return c.body(feed(events, null), 200, AS_JSON);
  });

/** `FeedResult`. Which of `next` and `cursor` a client sends back is not documented: they are the same. */
function feed(results: string, next: string | null): string {
  const token = JSON.stringify(next);
  return `{"completion_events":{"results":${results},"next":${token},"cursor":${token}}}`;
}
