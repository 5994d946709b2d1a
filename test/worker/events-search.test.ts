import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as z from 'zod';
import { answered, BuiltinApi, NOWHERE, observabilityError } from '../support/builtin.ts';
import { deleteSamples, newEvent, recordEvents, type NewEvent } from '../support/events.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

const EVENTS = '/v1/observability/chat-completion-events';
const FIELDS = '/v1/observability/chat-completion-fields';

const time = z.iso.datetime({ precision: 3 });
const value = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.array(z.string()),
  z.record(z.string(), z.string()),
]);
const preview = z.strictObject({
  event_id: z.string(),
  correlation_id: z.string(),
  created_at: time,
  extra_fields: z.record(z.string(), value),
  nb_input_tokens: z.int(),
  nb_output_tokens: z.int(),
});
const objects = z.array(z.record(z.string(), z.unknown()));
const fullEvent = preview.extend({
  enabled_tools: objects,
  request_messages: objects,
  response_messages: objects,
  nb_messages: z.int(),
  chat_transcription_events: z.array(z.unknown()).length(0),
});
const feed = z.strictObject({
  completion_events: z.strictObject({
    results: z.array(preview),
    next: z.string().nullable(),
    cursor: z.string().nullable(),
  }),
});
const idList = z.strictObject({ completion_event_ids: z.array(z.string()) });

const START = Date.UTC(2026, 1, 1);

/** One with every field, one with as few as there can be, and a crowd. */
const RICH = newEvent({
  createdAt: START + 10_000,
  modelName: 'mistral-large-latest',
  inputTokens: 12,
  outputTokens: 34,
  totalTimeElapsed: 1.25,
  lastUserMessage: 'Which way does the windsock on the aerodrome point?',
  responseText: 'The windsock points away from where the wind blows.',
  firstSystemMessage: 'You are a pilot.',
  apiAgentId: 'ag_pilot',
  invokedTools: ['web_search', 'weather'],
  metadata: JSON.stringify({ team: 'sky', count: 3, nested: { a: [1] }, none: null }),
  streamed: true,
  nbMessages: 3,
  requestMessages: '[{"role":"system","content":"You are a pilot."},{"role":"user","content":"?"}]',
  responseMessages: '[{"role":"assistant","content":"The windsock"}]',
  enabledTools: '[{"type":"web_search"}]',
});
const BARE = newEvent({
  createdAt: START + 9000,
  inputTokens: null,
  outputTokens: null,
  totalTimeElapsed: null,
  lastUserMessage: null,
  responseText: null,
});
const CROWD: NewEvent[] = Array.from({ length: 250 }, (_, index) =>
  newEvent({
    // Several in the same millisecond.
    createdAt: START + Math.floor(index / 7),
    modelName: index % 5 === 0 ? 'codestral-latest' : 'mistral-small-latest',
    lastUserMessage: `question ${index} about the weather`,
    responseText: index % 50 === 1 ? 'see the windsock at the aerodrome' : 'sunny',
    inputTokens: index,
  }),
);

let worker: TestWorker;
let api: BuiltinApi;

before(async () => {
  worker = await startWorker();
  api = new BuiltinApi(worker, await worker.createClient());
  await deleteSamples(worker);
  await recordEvents(worker, [RICH, BARE, ...CROWD]);
});
after(() => worker.dispose());

interface Asked {
  fields?: string[];
  query?: string;
}

async function search(filters: object | null, { fields, query = '' }: Asked = {}) {
  const body = { search_params: { filters }, ...(fields && { extra_fields: fields }) };
  const found = await api.expect([200, feed], 'POST', `${EVENTS}/search${query}`, body);
  return found.completion_events;
}

async function refused(
  response: Promise<Response>,
  status: number,
  code: string,
  message: RegExp,
): Promise<void> {
  const { detail } = await answered(await response, status, observabilityError);
  assert.equal(detail.error_code, code, detail.message);
  assert.match(detail.message, message);
}

const is = (field: string, op: string, given: unknown) => ({ field, op, value: given });
const RICH_ONLY = is('event_id', 'eq', RICH.eventId);

describe('previews', () => {
  test('show all fields of the event where none are asked for', async () => {
    const { results, next, cursor } = await search(RICH_ONLY);
    assert.deepEqual([next, cursor], [null, null]);
    assert.deepEqual(results, [
      {
        event_id: RICH.eventId,
        correlation_id: RICH.correlationId,
        created_at: '2026-02-01T00:00:10.000Z',
        extra_fields: {
          timestamp: '2026-02-01T00:00:10.000Z',
          model_name: 'mistral-large-latest',
          last_user_message_preview: RICH.lastUserMessage,
          response_messages_preview: RICH.responseText,
          first_system_message: 'You are a pilot.',
          api_agent_id: 'ag_pilot',
          event_id: RICH.eventId,
          correlation_id: RICH.correlationId,
          invoked_tools: ['web_search', 'weather'],
          metadata: { team: 'sky', count: '3', nested: '{"a":[1]}', none: 'null' },
          total_time_elapsed: 1.25,
          input_tokens: 12,
          output_tokens: 34,
          streamed: true,
        },
        nb_input_tokens: 12,
        nb_output_tokens: 34,
      },
    ]);
  });

  test('show the fields that were asked for, null where the event has none', async () => {
    const fields = ['api_agent_id', 'input_tokens', 'invoked_tools', 'metadata'];
    const { results } = await search(is('event_id', 'eq', BARE.eventId), { fields });
    assert.deepEqual(results[0]?.extra_fields, {
      api_agent_id: null,
      input_tokens: null,
      invoked_tools: [],
      metadata: {},
    });
    assert.deepEqual([results[0]?.nb_input_tokens, results[0]?.nb_output_tokens], [0, 0]);
    const none = await search(RICH_ONLY, { fields: [] });
    assert.deepEqual(none.results[0]?.extra_fields, {});
  });

  test('are refused with a field that does not exist, in both searches', async () => {
    const body = { search_params: { filters: null }, extra_fields: ['model_name', 'colour'] };
    for (const path of ['search', 'search-ids']) {
      const answer = api.send('POST', `${EVENTS}/${path}`, body);
      await refused(answer, 400, 'SEARCH_BAD_REQUEST', /no field "colour"/);
    }
  });
});

describe('one event', () => {
  test('is shown whole', async () => {
    const { results } = await search(RICH_ONLY);
    const event = await api.expect([200, fullEvent], 'GET', `${EVENTS}/${RICH.eventId}`);
    assert.deepEqual(event, {
      ...results[0],
      enabled_tools: JSON.parse(RICH.enabledTools),
      request_messages: JSON.parse(RICH.requestMessages),
      response_messages: JSON.parse(RICH.responseMessages),
      nb_messages: 3,
      chat_transcription_events: [],
    });
    const shouted = await api.send('GET', `${EVENTS}/${RICH.eventId.toUpperCase()}`);
    assert.equal(shouted.status, 200);
  });

  test('is similar to those that share its telling words, not to itself', async () => {
    const path = `${EVENTS}/${RICH.eventId}/similar-events`;
    const { completion_events } = await api.expect([200, feed], 'GET', path);
    const expected = CROWD.filter((_, index) => index % 50 === 1).map(({ eventId }) => eventId);
    const found = completion_events.results.map(({ event_id }) => event_id);
    assert.deepEqual(found.slice(0, 5).toSorted(), expected.toSorted());
    assert.ok(!found.includes(RICH.eventId) && found.length <= 10);
    const bare = `${EVENTS}/${BARE.eventId}/similar-events`;
    const nothing = await api.expect([200, feed], 'GET', bare);
    assert.deepEqual(nothing.completion_events, { results: [], next: null, cursor: null });
  });

  test('that does not exist is a 404, and an id that is none a 422', async () => {
    for (const rest of ['', '/similar-events']) {
      const gone = api.send('GET', `${EVENTS}/${NOWHERE}${rest}`);
      await refused(gone, 404, 'SEARCH_NOT_FOUND', /not found/);
      const bad = api.send('GET', `${EVENTS}/no-uuid${rest}`);
      await refused(bad, 422, 'VALIDATION_ERROR', /path\.event_id/);
    }
  });
});

describe('pages', () => {
  const ALL = [RICH, BARE, ...CROWD];

  test('give every event once, the newest first, while others arrive', async () => {
    const seen: string[] = [];
    const late: string[] = [];
    let query = '?page_size=20';
    for (;;) {
      const { results, next, cursor } = await search(null, { fields: [], query });
      assert.equal(next, cursor);
      seen.push(...results.map(({ event_id }) => event_id));
      if (next === null) break;
      query = `?page_size=20&cursor=${encodeURIComponent(next)}`;
      const arrived = [newEvent({ createdAt: START + 60_000 }), newEvent({ createdAt: START + 3 })];
      await recordEvents(worker, arrived);
      late.push(...arrived.map(({ eventId }) => eventId));
    }
    assert.equal(new Set(seen).size, seen.length, 'no event twice');
    const before = seen.filter((id) => !late.includes(id));
    const newestFirst = ALL.map((event, seq) => ({ ...event, seq })).toSorted(
      (left, right) => right.createdAt - left.createdAt || right.seq - left.seq,
    );
    assert.deepEqual(
      before,
      newestFirst.map(({ eventId }) => eventId),
    );
  });

  test('of size 0 are empty; the last has no cursor even when it is full', async () => {
    const empty = await search(null, { query: '?page_size=0' });
    assert.deepEqual(empty, { results: [], next: null, cursor: null });
    const codestral = is('model_name', 'eq', 'codestral-latest');
    const full = await search(codestral, { query: '?page_size=50' });
    assert.deepEqual([full.results.length, full.next], [50, null]);
    const first = await search(codestral, { query: '?page_size=49' });
    assert.deepEqual([first.results.length, first.next === null], [49, false]);
  });

  test('have 50 events by default, and the cursor may be empty', async () => {
    const { results } = await search(null, { query: '?cursor=' });
    assert.equal(results.length, 50);
  });

  for (const cursor of ['x', 'nonsense', '%00', 'e30', btoa('1'), btoa('-1.2'), btoa('1.2.3')]) {
    test(`the cursor ${cursor} is refused`, async () => {
      const body = { search_params: { filters: null } };
      const answer = api.send('POST', `${EVENTS}/search?cursor=${cursor}`, body);
      await refused(answer, 400, 'SEARCH_BAD_REQUEST', /cursor/);
    });
  }

  for (const size of ['101', '-1', 'ten', '1.5']) {
    test(`the page size ${size} is refused`, async () => {
      const body = { search_params: { filters: null } };
      const answer = api.send('POST', `${EVENTS}/search?page_size=${size}`, body);
      await refused(answer, 422, 'VALIDATION_ERROR', /query\.page_size/);
    });
  }
});

describe('fields', () => {
  const definitions = z.strictObject({
    field_definitions: z.array(
      z.strictObject({
        name: z.string(),
        label: z.string().min(1),
        type: z.enum(['ENUM', 'TEXT', 'INT', 'FLOAT', 'BOOL', 'TIMESTAMP', 'ARRAY', 'MAP']),
        group: z.string(),
        supported_operators: z.array(z.string()).min(1),
      }),
    ),
    field_groups: z.array(z.strictObject({ name: z.string(), label: z.string().min(1) })),
  });
  const options = z.strictObject({
    options: z.array(z.union([z.string(), z.boolean(), z.null()])).nullable(),
  });
  const counts = z.strictObject({
    counts: z.array(z.strictObject({ value: z.string(), count: z.int() })),
  });
  const optionsOf = async (name: string, operator: string) => {
    const path = `${FIELDS}/${name}/options?operator=${operator}`;
    return (await api.expect([200, options], 'GET', path)).options;
  };
  const countsOf = async (name: string, filters: object | null) => {
    const body = { filter_params: filters && { filters } };
    return (await api.expect([200, counts], 'POST', `${FIELDS}/${name}/options-counts`, body))
      .counts;
  };

  test('are listed, each in a group that there is', async () => {
    const listed = await api.expect([200, definitions], 'GET', FIELDS);
    const groups = new Set(listed.field_groups.map(({ name }) => name));
    assert.ok(listed.field_definitions.every(({ group }) => groups.has(group)));
    assert.equal(listed.field_definitions.length, 14);
  });

  test('offer the values that occur, the most frequent first', async () => {
    assert.deepEqual(await optionsOf('model_name', 'eq'), [
      'mistral-small-latest',
      'codestral-latest',
      'mistral-large-latest',
    ]);
    assert.deepEqual(await optionsOf('api_agent_id', 'neq'), [null, 'ag_pilot']);
    assert.deepEqual(await optionsOf('invoked_tools', 'includes'), ['weather', 'web_search']);
    assert.deepEqual(await optionsOf('metadata', 'excludes'), ['count', 'nested', 'none', 'team']);
    assert.deepEqual(await optionsOf('streamed', 'eq'), [false, true]);
    assert.deepEqual(await optionsOf('api_agent_id', 'isnull'), [true, false]);
    assert.equal(await optionsOf('input_tokens', 'gt'), null);
    assert.equal((await optionsOf('event_id', 'eq'))?.length, 100);
    assert.ok((await optionsOf('timestamp', 'gte'))?.includes('2026-02-01T00:00:10.000Z'));
  });

  test('count the values among what a filter matches, whether SQL decides it or not', async () => {
    const codestral = is('model_name', 'startswith', 'code');
    const same = { AND: [is('model_name', 'matches', '^code')] };
    for (const filters of [codestral, same]) {
      assert.deepEqual(await countsOf('model_name', filters), [
        { value: 'codestral-latest', count: 50 },
      ]);
      assert.deepEqual(await countsOf('streamed', filters), [{ value: 'false', count: 50 }]);
      assert.deepEqual(await countsOf('api_agent_id', filters), []);
      assert.equal((await countsOf('input_tokens', filters)).length, 50);
      assert.deepEqual((await countsOf('timestamp', filters))[0], {
        value: '2026-02-01T00:00:00.000Z',
        count: 2,
      });
    }
    assert.deepEqual(await countsOf('invoked_tools', { OR: [RICH_ONLY] }), [
      { value: 'weather', count: 1 },
      { value: 'web_search', count: 1 },
    ]);
    assert.deepEqual(await countsOf('api_agent_id', null), [{ value: 'ag_pilot', count: 1 }]);
  });

  test('that do not exist, and operators that do not fit, are refused', async () => {
    const get = (rest: string) => api.send('GET', `${FIELDS}/${rest}`);
    const count = (name: string, body: object) =>
      api.send('POST', `${FIELDS}/${name}/options-counts`, body);
    await refused(get('colour/options?operator=eq'), 404, 'FIELDS_NOT_FOUND', /colour/);
    await refused(get('__proto__/options?operator=eq'), 404, 'FIELDS_NOT_FOUND', /__proto__/);
    await refused(count('colour', {}), 404, 'FIELDS_NOT_FOUND', /colour/);
    await refused(get('model_name/options'), 422, 'VALIDATION_ERROR', /query\.operator/);
    await refused(get('model_name/options?operator=is'), 422, 'VALIDATION_ERROR', /operator/);
    const unfit = get('model_name/options?operator=includes');
    await refused(unfit, 400, 'FIELDS_BAD_REQUEST', /includes; it takes .*contains/);
    const filtered = count('model_name', { filter_params: { filters: is('colour', 'eq', 1) } });
    await refused(filtered, 400, 'SEARCH_BAD_REQUEST', /colour/);
  });
});

test('a search that takes no filter key is a 422 that says so', async () => {
  const answer = api.send('POST', `${EVENTS}/search-ids`, { search_params: {} });
  await refused(answer, 422, 'VALIDATION_ERROR', /body\.search_params\.filters/);
  const { completion_event_ids: ids } = await api.expect(
    [200, idList],
    'POST',
    `${EVENTS}/search-ids`,
    { search_params: { filters: RICH_ONLY } },
  );
  assert.deepEqual(ids, [RICH.eventId]);
});
