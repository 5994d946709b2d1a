import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Mistral } from '@mistralai/mistralai';
import { ObservabilityError } from '@mistralai/mistralai/models/errors';
import { NOWHERE } from '../support/builtin.ts';
import { newEvent, recordEvents } from '../support/events.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

// The searches as the official SDK makes them, which checks the shape of every answer.

const EVENTS = Array.from({ length: 7 }, (_, index) =>
  newEvent({
    createdAt: Date.UTC(2026, 1, 1) + index,
    modelName: index < 4 ? 'mistral-small-latest' : 'codestral-latest',
    lastUserMessage: 'a question about windsocks',
    inputTokens: index,
    metadata: '{"team":"sky"}',
    invokedTools: ['web_search'],
  }),
);
const IDS = EVENTS.map(({ eventId }) => eventId);
const SMALL = {
  filters: { and: [{ field: 'model_name', op: 'eq' as const, value: 'mistral-small-latest' }] },
};

let worker: TestWorker;
let mistral: Mistral;

before(async () => {
  worker = await startWorker();
  const { key } = await worker.createClient();
  mistral = new Mistral({ serverURL: worker.url, apiKey: key });
  await recordEvents(worker, EVENTS);
});
after(() => worker.dispose());

const events = () => mistral.beta.observability.chatCompletionEvents;

test('search pages through what matches', async () => {
  const found: string[] = [];
  for (let cursor: string | null = null; ;) {
    const { completionEvents } = await events().search({
      pageSize: 3,
      cursor,
      searchChatCompletionEventsRequest: {
        searchParams: SMALL,
        extraFields: ['model_name', 'metadata', 'invoked_tools', 'timestamp', 'input_tokens'],
      },
    });
    const results = completionEvents.results ?? [];
    for (const { eventId, createdAt, extraFields } of results) {
      assert.ok(createdAt instanceof Date);
      assert.equal(extraFields['model_name'], 'mistral-small-latest');
      assert.deepEqual(extraFields['metadata'], { team: 'sky' });
      assert.deepEqual(extraFields['invoked_tools'], ['web_search']);
      found.push(eventId);
    }
    cursor = completionEvents.next ?? null;
    if (cursor === null) break;
  }
  assert.deepEqual(found, IDS.slice(0, 4).toReversed());
});

test('searchIds gives all ids at once', async () => {
  const all = await events().searchIds({ searchParams: { filters: null } });
  assert.deepEqual(all.completionEventIds, IDS.toReversed());
  const some = await events().searchIds({ searchParams: SMALL });
  assert.deepEqual(some.completionEventIds, IDS.slice(0, 4).toReversed());
});

test('fetch shows an event, fetchSimilarEvents its like', async () => {
  const [eventId = ''] = IDS;
  const event = await events().fetch({ eventId });
  assert.equal(event.eventId, eventId);
  assert.deepEqual(event.requestMessages, [{ role: 'user', content: 'hello' }]);
  assert.equal(event.nbMessages, 2);
  const { completionEvents } = await events().fetchSimilarEvents({ eventId });
  const similar = (completionEvents.results ?? []).map((one) => one.eventId);
  assert.deepEqual(similar.toSorted(), IDS.slice(1).toSorted());
});

test('fields are listed, with their options and how often each occurs', async () => {
  const { fieldDefinitions, fieldGroups } = await events().fields.list();
  assert.ok(fieldGroups.length > 0);
  const model = fieldDefinitions.find(({ name }) => name === 'model_name');
  assert.equal(model?.type, 'TEXT');
  assert.ok(model?.supportedOperators?.includes('icontains'));
  const { options } = await events().fields.fetchOptions({
    fieldName: 'model_name',
    operator: 'eq',
  });
  assert.deepEqual(options, ['mistral-small-latest', 'codestral-latest']);
  const { counts } = await events().fields.fetchOptionCounts({
    fieldName: 'model_name',
    fetchFieldOptionCountsRequest: { filterParams: SMALL },
  });
  assert.deepEqual(counts, [{ value: 'mistral-small-latest', count: 4 }]);
});

test('mistakes arrive as ObservabilityError with their code', async () => {
  const code = (expected: string) => (error: unknown) => {
    assert.ok(error instanceof ObservabilityError);
    assert.equal(error.detail.errorCode, expected);
    return true;
  };
  await assert.rejects(events().fetch({ eventId: NOWHERE }), code('SEARCH_NOT_FOUND'));
  const filters = { field: 'colour', op: 'eq' as const, value: 'red' };
  await assert.rejects(
    events().searchIds({ searchParams: { filters } }),
    code('SEARCH_BAD_REQUEST'),
  );
  await assert.rejects(
    events().fields.fetchOptions({ fieldName: 'colour', operator: 'eq' }),
    code('FIELDS_NOT_FOUND'),
  );
});
