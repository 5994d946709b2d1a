import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as z from 'zod';
import { NOWHERE } from '../support/builtin.ts';
import { deleteSamples, newEvent, recordEvents, type NewEvent } from '../support/events.ts';
import { Facade, refusalOf } from '../support/facade.ts';
import { JUDGE } from '../support/routes-facade.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

const COUNT = 7;

const preview = z.looseObject({ event_id: z.string(), extra_fields: z.looseObject({}) });
const found = z.strictObject({ events: z.array(preview), next_cursor: z.string().nullable() });
const ids = z.strictObject({ ids: z.array(z.string()), count: z.int() });
const whole = preview.extend({ request_messages: z.array(z.unknown()) });
const similar = z.strictObject({ events: z.array(preview) });
const judgement = z.strictObject({ answer: z.string(), analysis: z.string() });

let worker: TestWorker;
let facade: Facade;
let events: NewEvent[];

before(async () => {
  worker = await startWorker();
  facade = new Facade(worker.url, (await worker.createClient()).key);
  await deleteSamples(worker);
  events = Array.from({ length: COUNT }, (_, n) =>
    newEvent({
      modelName: `model-${n % 2}`,
      createdAt: Date.UTC(2026, 1, 1, n),
      lastUserMessage: `what is the wind in harbour ${n}`,
    }),
  );
  await recordEvents(worker, events);
});
after(() => worker.dispose());

/** The newest first, as a search gives them. */
const expectedIds = (keep: (event: NewEvent) => boolean = () => true) =>
  events
    .filter(keep)
    .map(({ eventId }) => eventId)
    .toReversed();

const idsOf = (list: z.infer<typeof preview>[]) => list.map(({ event_id }) => event_id);

const search = (body: object) => facade.expect([200, found], 'POST', '/events/search', body);

const MODEL_0 = { field: 'model_name', op: 'eq', value: 'model-0' };
const isModel0 = ({ modelName }: NewEvent) => modelName === 'model-0';

describe('POST /events/search', () => {
  test('without a filter, or with null, finds every event', async () => {
    for (const body of [{}, { where: null }]) {
      const { events, next_cursor } = await search(body);
      assert.deepEqual(idsOf(events), expectedIds());
      assert.equal(next_cursor, null);
    }
  });

  test('with a filter tree finds what it matches', async () => {
    for (const where of [MODEL_0, { AND: [MODEL_0] }, { OR: [MODEL_0] }]) {
      assert.deepEqual(idsOf((await search({ where })).events), expectedIds(isModel0));
    }
  });

  test('with a text in the Explorer language finds what it matches', async () => {
    const one = await search({ where: 'model_name = "model-0"' });
    assert.deepEqual(idsOf(one.events), expectedIds(isModel0));
    const all = 'model_name = "model-0" OR last_user_message_preview contains "harbour"';
    assert.deepEqual(idsOf((await search({ where: all })).events), expectedIds());
    const { events } = await search({ where: 'timestamp < "now-1m" AND model_name = "model-1"' });
    assert.deepEqual(
      idsOf(events),
      expectedIds((event) => !isModel0(event)),
    );
  });

  test('that finds nothing answers an empty list', async () => {
    const where = { ...MODEL_0, value: 'no such model' };
    assert.deepEqual(await search({ where }), { events: [], next_cursor: null });
  });

  test('goes through all pages by the cursor, and meets each event once', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: z.infer<typeof found> = await search({ limit: 3, cursor });
      assert.ok(page.events.length <= 3);
      seen.push(...idsOf(page.events));
      cursor = page.next_cursor;
    } while (cursor !== null);
    assert.deepEqual(seen, expectedIds());
  });

  test('a next page has no link: it is another body', async () => {
    const answer = await facade.send('POST', '/events/search', { limit: 3 });
    assert.equal(answer.headers.get('link'), null);
  });

  test('asks for further fields by name', async () => {
    const [event] = (await search({ fields: ['model_name'], limit: 1 })).events;
    assert.deepEqual(event?.extra_fields, { model_name: `model-${(COUNT - 1) % 2}` });
  });

  test('refuses a cursor that no search gave', async () => {
    const body = { cursor: 'nonsense' };
    await facade.refused([400, 'invalid_request'], 'POST', '/events/search', body);
  });

  for (const [limit, at] of [
    [0, '/limit'],
    [101, '/limit'],
    [1.5, '/limit'],
    ['5', '/limit'],
    [null, '/limit'],
  ] as const) {
    test(`refuses the limit ${JSON.stringify(limit)}`, async () => {
      const error = await facade.refused([400, 'invalid_request'], 'POST', '/events/search', {
        limit,
      });
      assert.deepEqual(
        error.details?.map(({ path }) => path),
        [at],
      );
    });
  }
});

describe('POST /events/ids', () => {
  test('gives the ids of all matching events, and how many they are', async () => {
    const all = await facade.expect([200, ids], 'POST', '/events/ids', {});
    assert.deepEqual(all, { ids: expectedIds(), count: COUNT });
    const some = await facade.expect([200, ids], 'POST', '/events/ids', { where: MODEL_0 });
    assert.deepEqual(some.ids, expectedIds(isModel0));
    const where = { ...MODEL_0, value: 'no such model' };
    const none = await facade.expect([200, ids], 'POST', '/events/ids', { where });
    assert.deepEqual(none, { ids: [], count: 0 });
  });
});

for (const path of ['/events/search', '/events/ids']) {
  const refused = (where: unknown) =>
    facade.refused([400, 'invalid_filter'], 'POST', path, { where });

  test(`POST ${path} tells where the mistake of a text is`, async () => {
    for (const [where, position] of [
      ['model_name ~ "m"', 11],
      ['model_name = "m', 13],
      ['model_name = "\u{1F390}" AND', 21],
    ] as const) {
      const error = await refused(where);
      assert.equal(error.position, position, error.message);
      assert.equal(error.details, undefined);
    }
  });

  test(`POST ${path} tells where the mistake of a tree is`, async () => {
    for (const [where, at] of [
      [{}, '/where'],
      [[], '/where'],
      [7, '/where'],
      [{ AND: [] }, '/where'],
      [{ and: [MODEL_0] }, '/where'],
      [{ AND: [MODEL_0, { ...MODEL_0, op: '=' }] }, '/where/AND/1/op'],
    ] as const) {
      const { details, message, position } = await refused(where);
      assert.equal(position, undefined);
      assert.equal(details?.length, 1);
      assert.ok(details[0]?.path.startsWith(at), JSON.stringify(details));
      assert.equal(details[0]?.message, message);
    }
  });

  test(`POST ${path} tells where in a text the backend found a mistake`, async () => {
    for (const [where, position] of [
      ['no_such_field = 1', 0],
      ['model_name = "\u{1F390}" AND no_such_field = 1', 22],
      ['streamed = true OR (model_name = "x" AND input_tokens > "5")', 56],
      ['streamed = true OR timestamp contains "x"', 29],
      ['timestamp > 5', 12],
      ['model_name\n matches "("', 20],
    ] as const) {
      const error = await refused(where);
      assert.equal(error.position, position, error.message);
      assert.equal(error.details, undefined);
    }
  });

  test(`POST ${path} tells where in a tree the backend found a mistake`, async () => {
    const unknown = { ...MODEL_0, field: 'no_such_field' };
    for (const [where, at] of [
      [unknown, '/where/field'],
      [{ OR: [MODEL_0, { AND: [{ ...MODEL_0, value: 7 }] }] }, '/where/OR/1/AND/0/value'],
      [{ AND: [MODEL_0, { ...MODEL_0, op: 'includes' }] }, '/where/AND/1/op'],
      // It is sent as another tree.
      [{ AND: [MODEL_0], OR: [unknown] }, undefined],
    ] as const) {
      const { details, message, position } = await refused(where);
      assert.equal(position, undefined);
      assert.deepEqual(details, at && [{ path: at, message }]);
    }
  });

  test(`POST ${path} names the field of the workspace that was probably meant`, async () => {
    const { message } = await refused({ ...MODEL_0, field: 'model_nam' });
    assert.match(message, /"model_nam"; did you mean model_name\?$/);
  });

  test(`POST ${path} tells a mistake in the filter as one beside fields, too`, async () => {
    const body = { where: 'no_such_field = 1', fields: ['model_name'] };
    const error = await facade.refused([400, 'invalid_filter'], 'POST', path, body);
    assert.equal(error.position, 0);
    const other = { where: 'model_name = "x"', fields: ['no_such_field'] };
    const { position } = await facade.refused([400, 'invalid_request'], 'POST', path, other);
    assert.equal(position, undefined);
  });
}

describe('GET /events/:event_id', () => {
  test('gives the event, in any case of its id', async () => {
    const id = events[0]?.eventId ?? '';
    for (const spelled of [id, id.toUpperCase()]) {
      const event = await facade.expect([200, whole], 'GET', `/events/${spelled}`);
      assert.equal(event.event_id, id);
      assert.deepEqual(event.request_messages, [{ role: 'user', content: 'hello' }]);
    }
  });
});

test('GET /events/:event_id/similar gives other events like it', async () => {
  const id = events[0]?.eventId ?? '';
  const like = await facade.expect([200, similar], 'GET', `/events/${id}/similar`);
  assert.ok(like.events.length > 0);
  assert.ok(!idsOf(like.events).includes(id));
});

describe('POST /events/:event_id/judge', () => {
  const judge = (output: object, schema: z.ZodType = judgement) =>
    facade.expect([200, schema], 'POST', `/events/${events[0]?.eventId}/judge`, {
      ...JUDGE,
      output,
    });
  const option = { value: 'yes', description: 'it is' };
  const described = { min_description: 'not at all', max_description: 'very much' };
  const number = judgement.extend({ answer: z.number() });

  test('takes an output whose type is left out where the rest tells it', async () => {
    await judge({ type: 'CLASSIFICATION', options: [option] });
    await judge({ options: [option] });
    await judge({ type: 'REGRESSION', min: 0, max: 5, ...described }, number);
    await judge({ min: 0, max: 5, ...described }, number);
  });

  test('refuses instructions that cannot be filled in, with the reason', async () => {
    const path = `/events/${events[0]?.eventId}/judge`;
    const body = { ...JUDGE, instructions: '{{ no_such_variable }}' };
    const error = await facade.refused([400, 'invalid_request'], 'POST', path, body);
    assert.match(error.message, /no_such_variable/);
  });
});

for (const [method, path] of [
  ['GET', ''],
  ['GET', '/similar'],
  ['POST', '/judge'],
] as const) {
  test(`${method} /events/:event_id${path} of no event, or of what is no id: 404`, async () => {
    const body = method === 'POST' ? JUDGE : undefined;
    for (const id of [NOWHERE, 'nonsense', `${NOWHERE}0`, '%00', 'a%2Fb']) {
      await facade.refused([404, 'not_found'], method, `/events/${id}${path}`, body);
    }
  });
}

test('every client sees the same events', async () => {
  const other = new Facade(
    worker.url,
    (await worker.createClient({ scopes: ['observability:read'] })).key,
  );
  const { events } = await other.expect([200, found], 'POST', '/events/search', {});
  assert.deepEqual(idsOf(events), expectedIds());
});

test('a browser may read what the answers say in their headers', async () => {
  const answer = await facade.send('GET', `/events/${NOWHERE}`, undefined, {
    'x-request-id': 'mine',
  });
  const error = await refusalOf(answer, 404, 'not_found');
  assert.equal(error.request_id, 'mine');
  assert.match(answer.headers.get('server-timing') ?? '', /upstream;dur=/);
});
