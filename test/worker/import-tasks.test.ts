import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Fault, KeptDataset } from '../support/dataset-upstream.ts';
import { importsUnderTest, times } from '../support/imports.ts';
import { until } from '../support/until.ts';

const { upstream, started, view, once, ended } = await importsUnderTest();

/** Starts an import of three tasks of 500, 500 and 200 ids, and waits until all are noted. */
async function ofThree(dataset: KeptDataset): Promise<string> {
  const event_ids = Array.from({ length: 1200 }, () => randomUUID());
  const { id } = await started(dataset, { source: 'explorer', event_ids });
  await once('to have three tasks', id, ({ tasks }) => tasks.length === 3);
  return id;
}

const set = (dataset: KeptDataset, index: number, fields: object) =>
  dataset.update(fields, dataset.tasks[index]?.id);

const ENDS: [string[], string][] = [
  [['COMPLETED', 'COMPLETED', 'COMPLETED'], 'completed'],
  [['COMPLETED', 'CANCELED', 'COMPLETED'], 'canceled'],
  [['CANCELED', 'TERMINATED', 'COMPLETED'], 'terminated'],
  [['CANCELED', 'TERMINATED', 'TIMED_OUT'], 'timed_out'],
  [['FAILED', 'TIMED_OUT', 'COMPLETED'], 'failed'],
];
for (const [ends, status] of ENDS) {
  test(`tasks that end as ${ends.join(', ')} make the import ${status}`, async () => {
    const dataset = upstream.dataset();
    const id = await ofThree(dataset);
    for (const [index, end] of ends.entries()) set(dataset, index, { status: end });
    const end = await ended(id);
    assert.equal(end.status, status);
    assert.deepEqual(
      end.tasks.map((task) => task.status),
      ends,
    );
  });
}

test('a failed task does not end the import before the others have ended', async () => {
  const dataset = upstream.dataset();
  const id = await ofThree(dataset);
  set(dataset, 1, { status: 'FAILED', message: 'line 3' });
  const seen = await once('to know of it', id, ({ tasks }) => tasks[1]?.status === 'FAILED');
  assert.equal(seen.status, 'running');
  set(dataset, 0, { status: 'COMPLETED' });
  set(dataset, 2, { status: 'COMPLETED' });
  const end = await ended(id);
  assert.deepEqual([end.status, end.message], ['failed', 'line 3']);
});

test('progress is the mean by the number of ids, and never goes back', async () => {
  const dataset = upstream.dataset();
  const id = await ofThree(dataset);
  set(dataset, 2, { progress: 60 });
  // 200 of 1200 ids at 60 %.
  await once('to be at 10 %', id, ({ progress }) => progress === 10);
  set(dataset, 0, { progress: 96 });
  await once('to be at 50 %', id, ({ progress }) => progress === 50);
  set(dataset, 0, { progress: 12 });
  const after = await once('to see the step back', id, ({ tasks }) => tasks[0]?.progress === 12);
  assert.equal(after.progress, 50);
});

test('several open tasks are asked for with one list call a poll, and a single one by its id', async () => {
  const dataset = upstream.dataset();
  const id = await ofThree(dataset);
  const { polls } = await view(id);
  const fetchesBefore = dataset.count('fetch');
  const listsBefore = dataset.count('list');
  const later = await once('to have been polled', id, (seen) => seen.polls >= polls + 5);
  assert.equal(dataset.count('fetch'), fetchesBefore, 'none was asked for by itself');
  const lists = dataset.count('list') - listsBefore;
  assert.ok(lists >= 4 && lists <= later.polls - polls + 2, `${lists} lists`);
  set(dataset, 0, { status: 'COMPLETED' });
  set(dataset, 1, { status: 'COMPLETED' });
  await until('the last one to be fetched', () => dataset.count('fetch') > fetchesBefore + 3);
  set(dataset, 2, { status: 'COMPLETED' });
  assert.equal((await ended(id)).status, 'completed');
});

for (const listOrder of ['newest first', 'oldest first'] as const) {
  test(`tasks are found in a long list, ${listOrder}`, async () => {
    const dataset = upstream.dataset();
    dataset.listOrder = listOrder;
    for (let n = 0; n < 250; n++) dataset.addTask({ status: 'COMPLETED', createdAt: 1e12 + n });
    const id = await ofThree(dataset);
    for (let n = 0; n < 250; n++) dataset.addTask({ status: 'COMPLETED' });
    dataset.update({ status: 'COMPLETED' });
    assert.equal((await ended(id)).status, 'completed');
  });
}

/** Pages of one task each, as an upstream might give them that counts otherwise. */
const ODD_PAGES: [string, (isLast: boolean) => object][] = [
  ['counts its own tasks alone', (isLast) => ({ count: 1, next: isLast ? null : '?page=2' })],
  ['has no count', () => ({})],
  ['counts more than there are', () => ({ count: 1000, next: null })],
];
for (const [what, rest] of ODD_PAGES) {
  test(`no task is missed in a list of which each page ${what}`, async () => {
    const dataset = upstream.dataset();
    const id = await ofThree(dataset);
    const task = (index: number) => ({ id: dataset.tasks[index]?.id, status: 'RUNNING' });
    const pages = [0, 1, 2].map((index) => ({
      answer: 200,
      body: { tasks: { results: [task(index)], ...rest(index === 2) } },
    }));
    dataset.fail('list', ...times(4, pages).flat());
    const { polls } = await view(id);
    const seen = await once('to be polled on', id, (one) => one.polls > polls + 4);
    assert.equal(seen.status, 'running');
    assert.ok(dataset.calls.some(({ path }) => path.endsWith('page=3')));
    dataset.update({ status: 'COMPLETED' });
    assert.equal((await ended(id)).status, 'completed');
  });
}

/** Three tasks behind a list so long that they are asked for one by one; the next fetch of the second goes wrong so. */
async function ofThreeOneByOne(fault: Fault) {
  const dataset = upstream.dataset();
  dataset.listOrder = 'oldest first';
  for (let n = 0; n < 500; n++) dataset.addTask({ status: 'COMPLETED', createdAt: 1e12 + n });
  const id = await ofThree(dataset);
  const failed = await new Promise<number>((resolve) => {
    dataset.heard = () => {
      const at = dataset.calls.length;
      if (!dataset.calls[at - 1]?.path.endsWith(`tasks/${dataset.tasks[501]?.id}`)) return;
      dataset.heard = () => undefined;
      dataset.fail('fetch', fault);
      resolve(at);
    };
  });
  return { dataset, id, failed };
}

test('of tasks that are asked for one by one any can put the next poll off', async () => {
  const fault = { answer: 429, headers: { 'retry-after': '1' } } as const;
  const { dataset, id, failed } = await ofThreeOneByOne(fault);
  dataset.update({ status: 'COMPLETED' });
  assert.equal((await ended(id)).status, 'completed');
  const [refused, next] = dataset.calls.slice(failed - 1);
  assert.ok(refused && next);
  assert.ok(next.at - refused.at >= 990, `${next.at - refused.at} ms`);
});

test('of tasks that are asked for one by one any that may not be seen makes the import lost', async () => {
  const { id } = await ofThreeOneByOne({ answer: 403 });
  assert.match((await ended(id)).message ?? '', /403/);
});

test('a task that is gone twice running makes the import lost, once the others have ended', async () => {
  const dataset = upstream.dataset();
  const id = await ofThree(dataset);
  dataset.tasks.splice(1, 1);
  const seen = await once('to be polled on', id, ({ polls }) => polls > 6);
  assert.equal(seen.status, 'running');
  dataset.update({ status: 'COMPLETED' });
  const end = await ended(id);
  assert.equal(end.status, 'lost');
  assert.match(end.message ?? '', /no longer knows.*404/);
});

test('a list that misses a task once is not believed', async () => {
  const dataset = upstream.dataset();
  const id = await ofThree(dataset);
  dataset.fail('list', {
    answer: 200,
    body: { tasks: { results: [], count: 0, next: null, previous: null } },
  });
  const { polls } = await view(id);
  await once('to be polled on', id, (seen) => seen.polls > polls + 3);
  dataset.update({ status: 'COMPLETED' });
  assert.equal((await ended(id)).status, 'completed');
});

/** Lists that do not tell of all tasks, or not as documented, though each is there when it is asked for by its id. */
const AMISS: [string, (first: object) => object][] = [
  ['leaves tasks out for good', (first) => ({ results: [first], count: 1, next: null })],
  ['is the same page whichever is asked for', (first) => ({ results: [first], count: 3 })],
  [
    'has entries that are none',
    (first) => ({ results: [null, 'task', {}, { id: 7 }, { id: randomUUID() }, first], count: 6 }),
  ],
  ['counts in words', (first) => ({ results: [first], count: 'one', next: null })],
  ['has no results', () => ({ results: { first: null }, count: 3 })],
];
for (const [what, tasks] of AMISS) {
  test(`an import of several tasks goes on and ends where the list ${what}`, async () => {
    const dataset = upstream.dataset();
    const id = await ofThree(dataset);
    const first = { id: dataset.tasks[0]?.id, status: 'RUNNING' };
    dataset.fail('list', ...times(1000, { answer: 200 as const, body: { tasks: tasks(first) } }));
    const { polls } = await view(id);
    const seen = await once('to be polled on', id, (one) => one.polls > polls + 5);
    assert.equal(seen.status, 'running');
    dataset.update({ status: 'COMPLETED' });
    Object.assign(first, { status: 'COMPLETED' });
    assert.equal((await ended(id)).status, 'completed');
  });
}

for (const answer of [404, 410, 500]) {
  test(`an import of several tasks goes on and ends where the list is answered ${answer} for good`, async () => {
    const dataset = upstream.dataset();
    const id = await ofThree(dataset);
    dataset.fail('list', ...times(1000, { answer }));
    const { polls } = await view(id);
    const seen = await once('to be polled on', id, (one) => one.polls > polls + 5);
    assert.equal(seen.status, 'running');
    dataset.update({ status: 'COMPLETED' });
    assert.equal((await ended(id)).status, 'completed');
  });
}

test('a later task that is refused fails the import when the first ones have ended', async () => {
  const dataset = upstream.dataset();
  dataset.fail('start', { answer: 'ok' }, { answer: 422 });
  const event_ids = Array.from({ length: 1200 }, () => randomUUID());
  const { id } = await started(dataset, { source: 'explorer', event_ids });
  await until('the second start', () => dataset.starts.length === 2);
  const { polls } = await view(id);
  const seen = await once('to be polled on', id, (one) => one.polls > polls + 2);
  assert.equal(seen.status, 'running');
  dataset.update({ status: 'COMPLETED' });
  const end = await ended(id);
  assert.deepEqual([end.status, end.message, end.tasks.length], ['failed', 'scripted 422', 1]);
  assert.equal(dataset.starts.length, 2, 'what comes after a refused one is not started');
});

test('later tasks survive failures on the way, each started once', async () => {
  const dataset = upstream.dataset();
  dataset.fail(
    'start',
    { answer: 'ok' },
    { answer: 500, takes: true },
    ...times(2, { answer: 503 as const }),
  );
  const id = await ofThree(dataset);
  assert.equal(dataset.tasks.length, 3);
  dataset.update({ status: 'COMPLETED' });
  assert.equal((await ended(id)).status, 'completed');
});
