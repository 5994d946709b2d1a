import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatasetsClient } from '../../src/mistral/datasets.ts';

const task = (n: number) => ({ id: `t-${n}`, status: 'RUNNING' });

/** Reads a list whose pages are what `page` says of each number. */
async function read(page: (number: number) => object) {
  const asked: number[] = [];
  const client = new DatasetsClient(
    ({ path }) => {
      const number = Number(new URLSearchParams(path.split('?')[1]).get('page'));
      asked.push(number);
      return Promise.resolve(Response.json({ tasks: page(number) }));
    },
    1000,
    [],
  );
  const listed = await client.listTasks('d-1', () => false);
  assert.ok(listed.ok);
  const { tasks, isWhole } = listed.value;
  return { ids: tasks.map(({ id }) => id), isWhole, asked };
}

test('a list is read to the count of its tasks, and no further', async () => {
  const page = (n: number) => ({ results: [task(2 * n), task(2 * n + 1)], count: 4, next: null });
  const { ids, isWhole, asked } = await read(page);
  assert.deepEqual([ids.length, isWhole, asked], [4, true, [1, 2]]);
});

test('a count of one page alone does not hide the pages after it', async () => {
  const page = (n: number) => ({
    results: [task(n)],
    count: 1,
    next: n < 3 ? `?page=${n + 1}` : null,
  });
  const { ids, isWhole } = await read(page);
  assert.deepEqual([ids, isWhole], [['t-1', 't-2', 't-3'], true]);
});

test('a list without a count, or with too high a one, is read to its empty page', async () => {
  for (const count of [null, undefined, 1000]) {
    const page = (n: number) => ({ ...(n < 3 && { results: [task(n)] }), count });
    const { ids, isWhole } = await read(page);
    assert.deepEqual([ids, isWhole], [['t-1', 't-2'], true]);
  }
});

test('an upstream that gives the same page again and again is not asked for ever, nor taken for whole', async () => {
  const { ids, isWhole, asked } = await read(() => ({
    results: [task(1)],
    count: 9,
    next: '?page=2',
  }));
  assert.deepEqual([ids, isWhole, asked], [['t-1'], false, [1, 2]]);
});
