import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import type { KeptDataset } from '../support/dataset-upstream.ts';
import { copiesOf, importsUnderTest, times, UPSTREAM_KEY } from '../support/imports.ts';

const it = await importsUnderTest();
const { upstream, start, started, ended, refused } = it;

beforeEach(() => {
  upstream.matches = [];
  upstream.searches.splice(0);
});

const bodies = (dataset: KeptDataset) =>
  dataset.starts.map(({ body }) => JSON.parse(body) as Record<string, string[]>);
const idsOf = (count: number) => Array.from({ length: count }, () => randomUUID());
const sizes = (dataset: KeptDataset) =>
  bodies(dataset).map((body) => Object.values(body)[0]?.length);
const allStarted = (id: string, tasks: number) =>
  it.once(`to have ${tasks} tasks`, id, (view) => view.tasks.length === tasks);

const SOURCES = [
  ['campaign', { campaign_id: 'c-1' }, { campaign_id: 'c-1' }],
  ['explorer', { event_ids: ['e-1', 'e-2'] }, { completion_event_ids: ['e-1', 'e-2'] }],
  ['file', { file_id: 'f-1' }, { file_id: 'f-1' }],
  ['playground', { conversation_ids: ['p-1'] }, { conversation_ids: ['p-1'] }],
  ['dataset', { record_ids: ['r-2', 'r-1'] }, { dataset_record_ids: ['r-2', 'r-1'] }],
] as const;

for (const [source, asked, expected] of SOURCES) {
  test(`a ${source} import goes to its own path with the body the API wants, and completes`, async () => {
    const dataset = upstream.dataset();
    dataset.steps = [{ status: 'COMPLETED', progress: 100 }];
    const view = await started(dataset, { source, ...asked });
    assert.equal(view.source, source);
    const [call] = dataset.starts;
    assert.equal(call?.path, `/v1/observability/datasets/${dataset.id}/imports/from-${source}`);
    assert.deepEqual(JSON.parse(call.body), expected);
    assert.equal(call.headers['content-type'], 'application/json');
    assert.equal(call.headers.authorization, 'Bearer mistral-key-that-stays-inside');
    const end = await ended(view.id);
    assert.deepEqual([end.status, end.progress, end.tasks.length], ['completed', 100, 1]);
  });
}

test('a where as text becomes the tree that is searched, and what matches is imported', async () => {
  const dataset = upstream.dataset();
  upstream.matches = ['e-1', 'e-2'];
  await started(dataset, {
    source: 'explorer',
    where: 'model_name = "m" AND total_time_elapsed > 5',
  });
  assert.deepEqual(upstream.searches, [
    {
      search_params: {
        filters: {
          AND: [
            { field: 'model_name', op: 'eq', value: 'm' },
            { field: 'total_time_elapsed', op: 'gt', value: 5 },
          ],
        },
      },
    },
  ]);
  assert.deepEqual(bodies(dataset), [{ completion_event_ids: ['e-1', 'e-2'] }]);
});

test('a where as a tree goes as it is, its relative times resolved', async () => {
  const dataset = upstream.dataset();
  upstream.matches = ['e-1'];
  const before = Date.now();
  const where = {
    OR: [
      { field: 'timestamp', op: 'gte', value: 'now-7d' },
      { field: 'model_name', op: 'eq', value: 'now-7d' },
    ],
  };
  await started(dataset, { source: 'explorer', where });
  const [search] = upstream.searches as {
    search_params: { filters: { OR: { field: string; op: string; value: string }[] } };
  }[];
  const [time, model] = search?.search_params.filters.OR ?? [];
  assert.deepEqual(model, where.OR[1], 'only a timestamp is a time');
  const weekAgo = Date.parse(time?.value ?? '') + 7 * 86_400_000;
  assert.ok(weekAgo >= before - 1000 && weekAgo <= Date.now() + 1000, time?.value);
});

test('a where of null is every event', async () => {
  const dataset = upstream.dataset();
  upstream.matches = ['e-1'];
  await started(dataset, { source: 'explorer', where: null });
  assert.deepEqual(upstream.searches, [{ search_params: { filters: null } }]);
});

test('a mistaken where is told with its position, and nothing is asked of the upstream', async () => {
  const dataset = upstream.dataset();
  const answer = await start(dataset, { source: 'explorer', where: 'model_name = ' });
  await refused(answer, 400, 'invalid_filter');
  assert.deepEqual([dataset.calls, upstream.searches], [[], []]);
});

test('a where that matches nothing is answered 202, completed, and says so', async () => {
  const dataset = upstream.dataset();
  const headers = { 'idempotency-key': randomUUID() };
  const view = await started(dataset, { source: 'explorer', where: null }, headers);
  assert.deepEqual([view.status, view.progress, view.tasks], ['completed', 100, []]);
  assert.match(view.message ?? '', /[Nn]othing match/);
  assert.ok(view.finished_at);
  assert.equal(dataset.starts.length, 0);
  const replay = await start(dataset, { source: 'explorer', where: null }, headers);
  assert.deepEqual([replay.status, replay.headers.get('idempotency-replayed')], [202, 'true']);
});

for (const [source, key] of [
  ['explorer', 'event_ids'],
  ['playground', 'conversation_ids'],
  ['dataset', 'record_ids'],
] as const) {
  test(`an empty list of ${key} is refused`, async () => {
    const dataset = upstream.dataset();
    const error = await refused(
      await start(dataset, { source, [key]: [] }),
      400,
      'invalid_request',
    );
    assert.equal(error.details?.[0]?.path, `/${key}`);
    assert.deepEqual(dataset.calls, []);
  });
}

test('both event_ids and where, or neither, are refused', async () => {
  const dataset = upstream.dataset();
  for (const body of [
    {},
    { event_ids: ['e'], where: null },
    { event_ids: ['e'], where: 'a = 1' },
  ]) {
    await refused(await start(dataset, { source: 'explorer', ...body }), 400, 'invalid_request');
  }
  assert.deepEqual(dataset.calls, []);
});

test('event ids go in tasks of at most 500, each id once and in order', async () => {
  const dataset = upstream.dataset();
  const ids = idsOf(1201);
  const view = await started(dataset, {
    source: 'explorer',
    event_ids: [...ids, ...ids.slice(5, 9)],
  });
  await allStarted(view.id, 3);
  assert.deepEqual(sizes(dataset), [500, 500, 201]);
  assert.deepEqual(
    bodies(dataset).flatMap((body) => body['completion_event_ids']),
    ids,
  );
});

test('what a search finds goes in tasks of at most 500 too', async () => {
  const dataset = upstream.dataset();
  upstream.matches = idsOf(501);
  const view = await started(dataset, { source: 'explorer', where: null });
  await allStarted(view.id, 2);
  assert.deepEqual(sizes(dataset), [500, 1]);
});

test('record ids go in tasks of at most 10,000', async () => {
  const dataset = upstream.dataset();
  const record_ids = idsOf(20_001);
  const view = await started(dataset, { source: 'dataset', record_ids });
  await allStarted(view.id, 3);
  assert.deepEqual(sizes(dataset), [10_000, 10_000, 1]);
});

test('a search that fails for a while is made again in the background', async () => {
  const dataset = upstream.dataset();
  dataset.steps = [{ status: 'COMPLETED' }];
  upstream.matches = ['e-1'];
  upstream.failSearch(...times(3, { answer: 503 as const }));
  const view = await started(dataset, { source: 'explorer', where: null });
  assert.equal(view.status, 'starting');
  assert.equal((await ended(view.id)).status, 'completed');
  assert.equal(dataset.starts.length, 1);
});

test('a search that the upstream refuses is answered at once, and nothing is kept', async () => {
  const dataset = upstream.dataset();
  upstream.failSearch({ answer: 400 });
  const error = await refused(
    await start(dataset, { source: 'explorer', where: null }),
    400,
    'invalid_request',
  );
  assert.equal(error.message, 'scripted 400');
  assert.equal(dataset.starts.length, 0);
});

test('a list of conversation ids that is larger than a row of the store goes in one task all the same', async () => {
  const dataset = upstream.dataset();
  const conversation_ids = idsOf(100_000);
  const view = await started(dataset, { source: 'playground', conversation_ids });
  assert.equal(view.tasks.length, 1);
  assert.deepEqual(bodies(dataset), [{ conversation_ids }]);
});

test('record ids as long as they may be fit', async () => {
  const dataset = upstream.dataset();
  const record_ids = Array.from({ length: 12_000 }, () => randomUUID().padEnd(200, 'é'));
  const view = await started(dataset, { source: 'dataset', record_ids });
  await allStarted(view.id, 2);
  assert.deepEqual(sizes(dataset), [10_000, 2000]);
});

for (const status of [302, 401, 403, 413, 451]) {
  test(`an upstream ${status} to the start is a 502 that shows it, and nothing is kept`, async () => {
    const dataset = upstream.dataset();
    dataset.fail('start', { answer: status, body: { detail: `no, ${UPSTREAM_KEY}` } });
    const answer = await start(dataset);
    const text = await answer.text();
    assert.equal(answer.status, 502, text);
    const { error } = JSON.parse(text) as { error: { code: string; upstream: { status: number } } };
    assert.deepEqual([error.code, error.upstream.status], ['upstream_error', status]);
    assert.ok(!text.includes(UPSTREAM_KEY), text);
    assert.equal(dataset.calls.length, 1);
    const kept = (await copiesOf(it.worker, it.client.id)).filter(
      ({ dataset_id }) => dataset_id === dataset.id,
    );
    assert.deepEqual(kept, []);
  });
}
