import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../support/dataset-upstream.ts';
import { importsUnderTest, times } from '../support/imports.ts';
import { startReceiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { ended as endedAt, send, startWorker } from '../support/worker.ts';

const { upstream, started, view, once, ended, attempts } = await importsUnderTest({
  UPSTREAM_HEADERS_TIMEOUT_MS: '600',
});

const typeOf = (body = '') => (JSON.parse(body) as { type: string }).type;

test('polling survives 500s, a hang, 429, a broken connection and odd words, and tells the end once', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const dataset = upstream.dataset();
  const faults: Fault[] = [
    ...times(10, { answer: 500 as const }),
    { answer: 'hang' },
    { answer: 'drop' },
    { answer: 200, body: 'no task' },
    { answer: 408 },
    { answer: 429, headers: { 'retry-after': '3' } },
  ];
  dataset.fail('fetch', ...faults);
  dataset.steps = [
    { status: 'UNKNOWN' },
    { status: 'CONTINUED_AS_NEW' },
    { status: 'SOMETHING_NEW' },
    { status: 'COMPLETED', progress: 100 },
  ];
  const { id } = await started(dataset, { callback: { url: receiver.url } });
  const end = await ended(id);
  assert.deepEqual([end.status, end.progress, end.message], ['completed', 100, null]);
  assert.equal(end.polls, faults.length + 4);
  assert.equal(dataset.count('fetch'), faults.length + 4);
  await once('to be delivered', id, ({ delivery }) => delivery.status === 'delivered');
  assert.deepEqual(
    receiver.received.map(({ body }) => typeOf(body)),
    ['import.completed'],
  );
  const [limited, next] = dataset.calls.filter(({ kind }) => kind === 'fetch').slice(14);
  assert.ok(limited && next);
  assert.ok(next.at - limited.at >= 3000, `polled ${next.at - limited.at} ms after a 429`);
});

test('the end of a task is seen though what describes it is not as documented', async () => {
  const dataset = upstream.dataset();
  const { id } = await started(dataset);
  const odd = { progress: '100', message: { text: 'done' }, created_at: 1, updated_at: false };
  const task = { id: dataset.tasks[0]?.id, status: 'COMPLETED', ...odd };
  dataset.fail('fetch', ...times(100, { answer: 200 as const, body: task }));
  const end = await ended(id);
  assert.deepEqual([end.status, end.progress, end.message], ['completed', 100, null]);
});

test('the end is seen soon after it came, and the import says how soon', async () => {
  const dataset = upstream.dataset();
  const { id } = await started(dataset);
  const running = await once('to be polled', id, ({ polls }) => polls >= 3);
  assert.equal(running.detected_after_ms, null);
  dataset.update({ status: 'COMPLETED' });
  const end = await ended(id);
  assert.equal(end.polls, dataset.count('fetch'));
  assert.ok(end.detected_after_ms !== null && end.detected_after_ms <= 1000);
  const changedAt = dataset.tasks[0]?.updatedAt ?? 0;
  assert.equal(end.detected_after_ms, Date.parse(end.finished_at ?? '') - changedAt);
});

test('the first webhook of the end leaves within 250 ms of seeing it, in the median of five', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const waits: number[] = [];
  for (let n = 1; n <= 5; n++) {
    const dataset = upstream.dataset();
    dataset.steps = [{ status: 'COMPLETED' }];
    const { id } = await started(dataset, { callback: { url: receiver.url } });
    const end = await ended(id);
    await until('the webhook', () => receiver.received.length === n);
    waits.push((receiver.received.at(-1)?.at ?? 0) - Date.parse(end.finished_at ?? ''));
  }
  const [median = Infinity] = waits.toSorted((a, b) => a - b).slice(2);
  assert.ok(median < 250, `${waits.join(', ')} ms`);
});

test('a receiver that hangs delays neither the polls of its import nor those of another', async (t) => {
  const receiver = await startReceiver(() => undefined);
  t.after(() => receiver.close());
  const [dataset, other] = [upstream.dataset(), upstream.dataset()];
  other.steps = [{ status: 'COMPLETED' }];
  const callback = { url: receiver.url, events: ['import.started'] };
  const { id } = await started(dataset, { callback });
  await until('the attempt', () => receiver.received.length === 1);
  await ended((await started(other)).id);
  dataset.update({ status: 'COMPLETED' });
  await ended(id);
  assert.deepEqual(await attempts(id), [], 'it hangs still');
});

test('nothing is polled after the end', async () => {
  const dataset = upstream.dataset();
  dataset.steps = [{ status: 'FAILED', message: 'line 3', progress: 30 }];
  const { id } = await started(dataset);
  const end = await ended(id);
  assert.deepEqual([end.status, end.message, end.progress], ['failed', 'line 3', 30]);
  // Another import is polled several times meanwhile.
  const other = upstream.dataset();
  const { id: otherId } = await started(other);
  await once('to be polled', otherId, ({ polls }) => polls > 3);
  assert.equal(dataset.count('fetch'), 1);
  assert.equal((await view(id)).sequence, end.sequence);
});

for (const status of [401, 403]) {
  test(`a poll answered ${status} makes the import lost, and says which secret to check`, async () => {
    const dataset = upstream.dataset();
    dataset.fail('fetch', { answer: 500 }, { answer: status });
    const { id } = await started(dataset);
    const end = await ended(id);
    assert.equal(end.status, 'lost');
    assert.match(end.message ?? '', new RegExp(`${status}.*MISTRAL_API_KEY`));
  });
}

for (const status of [401, 403]) {
  test(`a look for a lost start that is answered ${status} makes the import lost too`, async () => {
    const dataset = upstream.dataset();
    dataset.fail('start', { answer: 500, takes: true });
    dataset.fail('list', { answer: status });
    const { id } = await started(dataset);
    const end = await ended(id);
    assert.equal(end.status, 'lost');
    assert.match(end.message ?? '', new RegExp(`${status}.*MISTRAL_API_KEY`));
    const next = await started(dataset);
    dataset.update({ status: 'COMPLETED' });
    assert.equal((await ended(next.id)).status, 'completed', 'the turn was given on');
  });
}

test('a 404 once is no loss, twice running is', async () => {
  const dataset = upstream.dataset();
  dataset.fail('fetch', { answer: 404 }, { answer: 'ok' }, { answer: 404 }, { answer: 404 });
  const { id } = await started(dataset);
  const end = await ended(id);
  assert.deepEqual([end.status, end.polls], ['lost', 4]);
});

test('so it is in the look for a start whose answer was lost', async () => {
  const dataset = upstream.dataset();
  dataset.steps = [{ status: 'COMPLETED' }];
  dataset.fail('start', { answer: 500, takes: true });
  dataset.fail('list', { answer: 404 }, { answer: 500 }, { answer: 404 });
  const found = await ended((await started(dataset)).id);
  assert.equal(found.status, 'completed', found.message ?? '');
  assert.deepEqual([dataset.starts.length, dataset.count('list')], [1, 4]);
  const gone = upstream.dataset();
  gone.fail('start', { answer: 500 });
  gone.fail('list', ...times(2, { answer: 404 as const }));
  const failed = await ended((await started(gone)).id);
  assert.deepEqual([failed.status, failed.message], ['failed', 'scripted 404']);
  assert.equal(gone.starts.length, 1);
});

test('404s with good answers in between are not twice running', async () => {
  const dataset = upstream.dataset();
  dataset.fail('fetch', { answer: 404 }, { answer: 'ok' }, { answer: 404 }, { answer: 'ok' });
  dataset.steps = [{ status: 'RUNNING' }, { status: 'RUNNING' }, { status: 'COMPLETED' }];
  const { id } = await started(dataset);
  assert.equal((await ended(id)).status, 'completed');
});

test('an import that does not finish by its deadline is lost, running or still starting', async () => {
  const short = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'any',
    POLL_MIN_MS: '20',
    POLL_MAX_MS: '100',
    IMPORT_DEADLINE_MS: '1000',
  });
  try {
    const { key } = await short.createClient();
    const running = upstream.dataset();
    const starting = upstream.dataset();
    starting.fail('start', ...times(1000, { answer: 500 as const }));
    for (const dataset of [running, starting]) {
      const before = Date.now();
      const answer = await send(`${short.url}/datasets/${dataset.id}/imports`, key, 'POST', {
        source: 'file',
        file_id: 'f-1',
      });
      assert.equal(answer.status, 202);
      const { id } = (await answer.json()) as { id: string };
      const end = await endedAt(short.url, key, id);
      assert.equal(end['status'], 'lost');
      assert.match(String(end['message']), /IMPORT_DEADLINE_MS/);
      const took = Date.parse(String(end['finished_at'])) - before;
      assert.ok(took >= 1000 && took < 5000, `${took} ms`);
    }
  } finally {
    await short.dispose();
  }
});

test('an import that gets its turn after its deadline starts nothing, and gives it on', async () => {
  const short = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'any',
    IMPORT_DEADLINE_MS: '1500',
    UPSTREAM_HEADERS_TIMEOUT_MS: '2500',
  });
  try {
    const { key } = await short.createClient();
    const dataset = upstream.dataset();
    const path = `${short.url}/datasets/${dataset.id}/imports`;
    const ask = (file_id: string) => send(path, key, 'POST', { source: 'file', file_id });
    // The first one keeps the turn as long as its start hangs, which is longer than the others may take.
    dataset.fail('start', { answer: 'hang' });
    const first = ask('f-1');
    await until('the first start', () => dataset.starts.length === 1);
    const second = ask('f-2');
    await until('both to be lost', async () => {
      const list = await send(
        `${short.url}/imports?dataset_id=${dataset.id}&status=lost`,
        key,
        'GET',
      );
      return ((await list.json()) as { imports: unknown[] }).imports.length === 2;
    });
    assert.equal(dataset.starts.length, 1, 'the turn has not gone on yet');
    const third = ask('f-3');
    await until('the start of the third', () =>
      dataset.starts.some(({ body }) => body.includes('f-3')),
    );
    assert.ok(!dataset.starts.some(({ body }) => body.includes('f-2')));
    const ended = await Promise.all([first, second, third]);
    const status = await Promise.all(
      ended.map(async (a) => ((await a.json()) as { status: string }).status),
    );
    assert.deepEqual(status, ['lost', 'lost', 'running']);
  } finally {
    await short.dispose();
  }
});

test('a hanging poll holds up no other import', async () => {
  const [hanging, other] = [upstream.dataset(), upstream.dataset()];
  hanging.fail('fetch', ...times(50, { answer: 'hang' as const }));
  other.steps = [{ status: 'COMPLETED' }];
  const { id } = await started(hanging);
  await until('a poll that hangs', () => hanging.count('fetch') === 1);
  const { id: otherId } = await started(other);
  await ended(otherId);
  assert.equal((await view(id)).status, 'running');
});
