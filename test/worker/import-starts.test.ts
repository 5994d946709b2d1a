import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Fault, KeptDataset } from '../support/dataset-upstream.ts';
import { copiesOf, importsUnderTest, times } from '../support/imports.ts';
import { startReceiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { send } from '../support/worker.ts';

const { worker, client, upstream, start, started, view, once, ended, refused } =
  await importsUnderTest({ UPSTREAM_HEADERS_TIMEOUT_MS: '600' });

/** An import that completes as soon as it is polled. */
function quickDataset(): KeptDataset {
  const dataset = upstream.dataset();
  dataset.steps = [{ status: 'COMPLETED', progress: 100 }];
  return dataset;
}

test('50 equal requests at once under one key make one start', async () => {
  const dataset = quickDataset();
  dataset.fail('start', { answer: 'ok', delayMs: 50 });
  const headers = { 'idempotency-key': randomUUID() };
  const answers = await Promise.all(times(50, 0).map(() => start(dataset, {}, headers)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
  const ids = await Promise.all(answers.map(async (a) => ((await a.json()) as { id: string }).id));
  assert.equal(new Set(ids).size, 1);
  assert.equal(dataset.starts.length, 1);
  const replayed = answers.filter((a) => a.headers.get('idempotency-replayed') === 'true');
  assert.equal(replayed.length, 49);
  await ended(ids[0] ?? '');
  const late = await start(dataset, {}, headers);
  assert.deepEqual([late.status, late.headers.get('idempotency-replayed')], [202, 'true']);
  assert.equal(((await late.json()) as { id: string }).id, ids[0]);
  assert.equal(dataset.starts.length, 1);
});

test('another request under the same key is a conflict, whatever differs', async () => {
  const dataset = quickDataset();
  const headers = { 'idempotency-key': randomUUID() };
  await started(dataset, {}, headers);
  for (const other of [
    { file_id: 'f-2' },
    { metadata: { a: 1 } },
    { source: 'campaign', campaign_id: 'f-1' },
  ]) {
    await refused(await start(dataset, other, headers), 409, 'idempotency_conflict');
  }
  await refused(await start(quickDataset(), {}, headers), 409, 'idempotency_conflict');
  assert.equal(dataset.starts.length, 1);
});

test('the same key of another client is another import', async () => {
  const dataset = quickDataset();
  const headers = { 'idempotency-key': randomUUID() };
  const { id } = await started(dataset, {}, headers);
  const stranger = await worker.createClient();
  const theirs = await send(
    `${worker.url}/datasets/${dataset.id}/imports`,
    stranger.key,
    'POST',
    { source: 'file', file_id: 'f-1' },
    headers,
  );
  assert.equal(theirs.status, 202);
  assert.equal(theirs.headers.get('idempotency-replayed'), null);
  assert.notEqual(((await theirs.json()) as { id: string }).id, id);
});

/** Asks for an import, and leaves when its start has come to the upstream. */
async function leave(dataset: KeptDataset, headers: Record<string, string>): Promise<void> {
  const leaving = new AbortController();
  const left = fetch(`${worker.url}/datasets/${dataset.id}/imports`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${client.key}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify({ source: 'file', file_id: 'f-1' }),
    signal: leaving.signal,
  });
  await until('the start', () => dataset.starts.length === 1);
  leaving.abort();
  await assert.rejects(left);
}

test('a client that leaves while its import starts changes nothing about that', async () => {
  const dataset = quickDataset();
  dataset.fail('start', { answer: 'ok', delayMs: 150 });
  const headers = { 'idempotency-key': randomUUID() };
  await leave(dataset, headers);
  const { id } = await started(dataset, {}, headers);
  assert.equal((await ended(id)).status, 'completed');
  assert.equal(dataset.starts.length, 1);
});

test('a client that leaves while its start is put off does not stop it', async () => {
  const dataset = quickDataset();
  dataset.fail('start', { answer: 429, delayMs: 150 });
  const headers = { 'idempotency-key': randomUUID() };
  await leave(dataset, headers);
  await until('the second start', () => dataset.tasks.length === 1);
  const { id } = await started(dataset, {}, headers);
  assert.equal((await ended(id)).status, 'completed');
  assert.equal(dataset.starts.length, 2);
});

test('a task that has ended when it is started needs no poll', async () => {
  const dataset = upstream.dataset();
  const task = dataset.addTask();
  const body = { id: task.id, status: 'COMPLETED', progress: 100 };
  dataset.fail('start', { answer: 202, body });
  const seen = await started(dataset);
  assert.deepEqual([seen.status, seen.progress, seen.polls], ['completed', 100, 0]);
});

const TAKEN: [string, Fault][] = [
  ['answered 500', { answer: 500, takes: true }],
  ['answered 502, and is made a moment later', { answer: 502, takes: true, takesAfterMs: 200 }],
  [
    'answered 520 by the edge, and is made a moment later',
    { answer: 520, takes: true, takesAfterMs: 200 },
  ],
  [
    'answered 524 by the edge, and is made a moment later',
    { answer: 524, takes: true, takesAfterMs: 200 },
  ],
  ['cut off', { answer: 'drop', takes: true }],
  ['never answered', { answer: 'hang', takes: true }],
  ['answered with something else', { answer: 200, takes: true, body: 'OK' }],
];
for (const [what, fault] of TAKEN) {
  test(`a start that was taken but ${what} is found again, not made again`, async () => {
    const dataset = quickDataset();
    dataset.fail('start', fault);
    const { id, status } = await started(dataset);
    assert.equal(status, 'starting');
    const end = await ended(id);
    assert.equal(end.status, 'completed');
    assert.equal(dataset.starts.length, 1);
    assert.deepEqual(
      end.tasks.map((task) => task.id),
      dataset.tasks.map((task) => task.id),
    );
  });
}

const NOT_TAKEN: [string, Fault[]][] = [
  ['answered 500', [{ answer: 500 }]],
  ['answered 500 ten times', times(10, { answer: 500 })],
  ['answered 503, then 429', [{ answer: 503 }, { answer: 429 }]],
];
for (const [what, faults] of NOT_TAKEN) {
  test(`a start that was not taken but ${what} is made again`, async () => {
    const dataset = quickDataset();
    dataset.fail('start', ...faults);
    const { id } = await started(dataset);
    const end = await ended(id);
    assert.equal(end.status, 'completed', end.message ?? '');
    assert.equal(dataset.starts.length, faults.length + 1);
    assert.equal(dataset.tasks.length, 1);
  });
}

test('a start put off with 429 is made again after Retry-After, not before', async () => {
  const dataset = quickDataset();
  dataset.fail('start', { answer: 429, headers: { 'retry-after': '3' } });
  const { id, status } = await started(dataset);
  assert.equal(status, 'starting');
  assert.equal((await ended(id)).status, 'completed');
  const [first, second] = dataset.starts;
  assert.ok(first && second);
  const waited = second.at - first.at;
  assert.ok(waited >= 3000 && waited < 10_000, `${waited} ms`);
  assert.equal(dataset.count('list'), 0, 'a 429 is certain: nothing is looked for');
});

test('the list may fail for a while, and the start is found all the same', async () => {
  const dataset = quickDataset();
  dataset.fail('start', { answer: 500, takes: true });
  dataset.fail(
    'list',
    ...times(3, { answer: 500 as const }),
    { answer: 'hang' },
    { answer: 200, body: 'OK' },
  );
  const { id } = await started(dataset);
  assert.equal((await ended(id)).status, 'completed');
  assert.equal(dataset.starts.length, 1);
});

test('tasks of other imports and older ones are not adopted', async () => {
  const dataset = upstream.dataset();
  dataset.addTask({ createdAt: Date.now() - 60_000 });
  const first = await started(dataset);
  const second = await started(dataset);
  dataset.fail('start', { answer: 500 });
  const { id } = await started(dataset);
  const third = await once('to run', id, ({ status }) => status === 'running');
  assert.equal(dataset.starts.length, 4);
  const ids = [first, second, third].map(({ tasks }) => tasks[0]?.id);
  assert.deepEqual(
    ids,
    dataset.tasks.slice(1).map((task) => task.id),
  );
});

test('where two new tasks belong to no import, the import fails and says why', async () => {
  const dataset = upstream.dataset();
  dataset.fail('start', { answer: 500, takes: true, delayMs: 50 });
  const answer = started(dataset);
  await until('the start', () => dataset.starts.length === 1);
  const stranger = dataset.addTask();
  const { id } = await answer;
  const end = await ended(id);
  assert.equal(end.status, 'failed');
  assert.match(end.message ?? '', /cannot be told.*2 task/);
  assert.deepEqual(end.tasks, []);
  assert.equal(dataset.starts.length, 1);
  assert.ok(dataset.tasks.includes(stranger));
});

test('a list with an entry that is no task cannot tell whether a start was taken', async () => {
  const dataset = upstream.dataset();
  dataset.fail('start', { answer: 500, takes: true });
  const { id } = await started(dataset);
  const task = { id: dataset.tasks[0]?.id, created_at: new Date(0) };
  const body = { tasks: { results: [task, null], count: 2 } };
  dataset.fail('list', ...times(100, { answer: 200, body }));
  const end = await ended(id);
  assert.equal(end.status, 'failed');
  assert.match(end.message ?? '', /cannot be told.*not in order/);
  assert.equal(dataset.starts.length, 1);
});

for (const clockSkewMs of [-4800, 4800]) {
  test(`an upstream clock that is off by ${clockSkewMs} ms does not hide the task`, async () => {
    const dataset = quickDataset();
    dataset.clockSkewMs = clockSkewMs;
    dataset.fail('start', { answer: 500, takes: true });
    const { id } = await started(dataset);
    const end = await ended(id);
    assert.equal(end.status, 'completed', end.message ?? '');
    assert.equal(dataset.starts.length, 1);
  });
}

for (const listOrder of ['newest first', 'oldest first'] as const) {
  test(`the task is found in a list of 1,250, ${listOrder}`, async () => {
    const dataset = upstream.dataset();
    dataset.listOrder = listOrder;
    for (let n = 0; n < 1249; n++) dataset.addTask({ status: 'COMPLETED', createdAt: 1.7e12 + n });
    dataset.fail('start', { answer: 500, takes: true });
    const { id } = await started(dataset);
    const seen = await once('to run', id, ({ status }) => status !== 'starting');
    assert.deepEqual([seen.status, seen.tasks[0]?.id], ['running', dataset.tasks.at(-1)?.id]);
    assert.equal(dataset.starts.length, 1);
  });
}

test('ten imports into one dataset start one at a time, and each gets its own task', async () => {
  const dataset = upstream.dataset();
  dataset.fail('start', ...times(12, { answer: 'ok' as const, delayMs: 30 }));
  const views = await Promise.all(times(10, 0).map(() => started(dataset)));
  const taken = views.map(({ tasks }) => tasks[0]?.id);
  assert.equal(new Set(taken).size, 10);
  assert.deepEqual(new Set(taken), new Set(dataset.tasks.map((task) => task.id)));
  const starts = dataset.starts.map(({ at }) => at);
  for (const [index, at] of starts.slice(1).entries()) {
    assert.ok(at - (starts[index] ?? 0) >= 29, 'no start while another is open');
  }
});

test('imports into one dataset whose every start is answered 500 each find their own task', async () => {
  const dataset = upstream.dataset();
  dataset.fail(
    'start',
    ...times(5, [{ answer: 500 as const, takes: true }, { answer: 500 as const }]).flat(),
  );
  const views = await Promise.all(times(6, 0).map(() => started(dataset)));
  const seen = await Promise.all(
    views.map(({ id }) => once('to run', id, ({ status }) => status !== 'starting')),
  );
  assert.deepEqual(new Set(seen.map(({ status }) => status)), new Set(['running']));
  assert.equal(new Set(seen.map(({ tasks }) => tasks[0]?.id)).size, 6);
  assert.equal(dataset.tasks.length, 6);
});

describe('with an unknown outcome for ten seconds,', { concurrency: true }, () => {
  for (const [what, fault] of [
    ['hangs', { answer: 'hang' }],
    ['breaks off', { answer: 'drop' }],
    ['is answered 504', { answer: 504 }],
  ] as const) {
    test(`a start that ${what} without being taken is made again once it cannot be taken any more`, async () => {
      const dataset = quickDataset();
      dataset.fail('start', fault);
      const { id } = await started(dataset);
      const end = await ended(id);
      assert.equal(end.status, 'completed', end.message ?? '');
      assert.equal(dataset.tasks.length, 1);
      const [first, second] = dataset.starts;
      assert.ok(first && second);
      assert.ok(second.at - first.at >= 9000, `${second.at - first.at} ms`);
    });
  }

  test('an import that waits for its turn does not hold up those of other datasets', async () => {
    const [slow, other] = [upstream.dataset(), quickDataset()];
    slow.fail('start', { answer: 'hang' });
    const waiting = [started(slow), started(slow)];
    await until('the first start', () => slow.starts.length === 1);
    assert.equal((await started(other)).status, 'running');
    await Promise.all(waiting);
  });
});

for (const [status, code] of [
  [400, 'invalid_request'],
  [404, 'not_found'],
  [409, 'invalid_request'],
  [422, 'invalid_request'],
] as const) {
  test(`an upstream ${status} to the start is answered at once, and nothing is kept`, async () => {
    const dataset = quickDataset();
    const headers = { 'idempotency-key': randomUUID() };
    const receiver = await startReceiver();
    const body = { callback: { url: receiver.url } };
    dataset.fail('start', { answer: status });
    const answer = await start(dataset, body, headers);
    const error = await refused(answer, status, code);
    assert.equal(error.message, `scripted ${status}`);
    assert.equal(dataset.count('list'), 0);
    const kept = (await copiesOf(worker, client.id)).filter(
      ({ dataset_id }) => dataset_id === dataset.id,
    );
    assert.deepEqual(kept, []);
    const again = await start(dataset, { file_id: 'f-2' }, headers);
    assert.equal(again.status, 202, 'the key is free again');
    assert.equal(again.headers.get('idempotency-replayed'), null);
    await ended(((await again.json()) as { id: string }).id);
    assert.deepEqual(receiver.received, []);
    receiver.close();
  });
}

test('a start that was refused leaves no import under its id', async () => {
  const dataset = upstream.dataset();
  dataset.fail('start', { answer: 404 });
  const headers = { 'idempotency-key': randomUUID() };
  await refused(await start(dataset, {}, headers), 404, 'not_found');
  const list = await send(`${worker.url}/imports?dataset_id=${dataset.id}`, client.key, 'GET');
  assert.deepEqual(await list.json(), { imports: [], next_cursor: null });
  const { id } = await started(dataset, {}, headers);
  assert.equal((await view(id)).sequence, 2, 'it began anew');
});

test('equal requests at once whose start is refused are all told so, by one start', async () => {
  const dataset = upstream.dataset();
  dataset.fail('start', { answer: 422, delayMs: 100 });
  const headers = { 'idempotency-key': randomUUID() };
  const answers = await Promise.all(times(20, 0).map(() => start(dataset, {}, headers)));
  assert.ok(answers.some(({ status }) => status === 422));
  for (const { status } of answers) assert.ok(status === 422 || status === 202, `${status}`);
  assert.ok(dataset.tasks.length <= 1, 'whoever came after the refusal began anew, once');
});

test('a refusal after a failure is told by webhook: the client was answered already', async (t) => {
  const dataset = upstream.dataset();
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  dataset.fail('start', { answer: 500 }, { answer: 422 });
  const { id, status } = await started(dataset, { callback: { url: receiver.url } });
  assert.equal(status, 'starting');
  const end = await ended(id);
  assert.deepEqual([end.status, end.message], ['failed', 'scripted 422']);
  await until('the webhook', () => receiver.received.length === 1);
  assert.equal(
    (JSON.parse(receiver.received[0]?.body ?? '') as { type: string }).type,
    'import.failed',
  );
});

for (const [status, body] of [
  [404, '{"detail":"Not Found"}'],
  [410, ''],
] as const) {
  test(`a source that the upstream has retired (${status}) is refused with what still has it`, async () => {
    const dataset = upstream.dataset();
    dataset.fail('start', { answer: status, body });
    const url = `${worker.url}/datasets/${dataset.id}/imports`;
    const asked = { source: 'campaign', campaign_id: randomUUID() };
    const response = await send(url, client.key, 'POST', asked);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    assert.deepEqual([response.status, error.code], [404, 'not_found']);
    assert.match(error.message, /OBSERVABILITY_BACKEND=builtin/);
  });
}
