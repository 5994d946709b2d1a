import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as z from 'zod';
import { dataset, NOWHERE, record } from '../support/builtin.ts';
import { Facade } from '../support/facade.ts';
import { ended, send, startWorker, type TestWorker } from '../support/worker.ts';

const USER = { role: 'user', content: 'hello' };
const DATASETS = z.strictObject({
  datasets: z.array(dataset),
  count: z.int(),
  next_page: z.int().nullable(),
});
const RECORDS = z.strictObject({
  records: z.array(record),
  count: z.int(),
  next_page: z.int().nullable(),
});

let worker: TestWorker;
let key: string;
let facade: Facade;

before(async () => {
  worker = await startWorker({ POLL_MIN_MS: '20' });
  ({ key } = await worker.createClient());
  facade = new Facade(worker.url, key);
});
after(() => worker.dispose());

const create = (body: object) => facade.expect([201, dataset], 'POST', '/datasets', body);

/** Follows the `Link` headers from a list to its end. @return the bodies of all pages */
async function follow(path: string): Promise<Record<string, unknown>[]> {
  const pages: Record<string, unknown>[] = [];
  let next: string | null = path;
  while (next !== null) {
    const answer = await facade.send('GET', next);
    assert.equal(answer.status, 200);
    pages.push((await answer.json()) as Record<string, unknown>);
    const link: string | null = answer.headers.get('link');
    const target = /^<([^>]+)>; rel="next"$/.exec(link ?? '')?.[1];
    assert.equal(link === null, target === undefined, `${link} is a link`);
    next = target ?? null;
  }
  return pages;
}

describe('/datasets', () => {
  test('a dataset is made, read, changed and deleted', async () => {
    const answer = await facade.send('POST', '/datasets', { name: 'a dataset' });
    const made = dataset.parse(await answer.json());
    assert.equal(answer.status, 201);
    assert.equal(made.description, '');
    const path = answer.headers.get('location') ?? '';
    assert.equal(path, `/datasets/${made.id}`);
    assert.deepEqual(await facade.expect([200, dataset], 'GET', path), made);
    const changes = [{ name: 'renamed' }, { description: 'of mine' }];
    for (const change of changes) {
      const changed = await facade.expect([200, dataset], 'PATCH', path, change);
      assert.deepEqual({ ...changed, ...change }, changed);
    }
    const { name, description } = await facade.expect([200, dataset], 'GET', path);
    assert.deepEqual([name, description], ['renamed', 'of mine']);
    const gone = await facade.send('DELETE', path);
    assert.deepEqual([gone.status, await gone.text()], [204, '']);
    await facade.refused([404, 'not_found'], 'GET', path);
    await facade.refused([404, 'not_found'], 'DELETE', path);
  });

  for (const [what, body, at] of [
    ['no name', {}, '/name'],
    ['a name of 4 characters', { name: 'four' }, '/name'],
    ['a name of 51 characters', { name: 'n'.repeat(51) }, '/name'],
    [
      'a description of 201 characters',
      { name: 'a name', description: 'd'.repeat(201) },
      '/description',
    ],
    ['an unknown field', { name: 'a name', owner: 'me' }, '/owner'],
  ] as const) {
    test(`a dataset with ${what} is refused`, async () => {
      const error = await facade.refused([400, 'invalid_request'], 'POST', '/datasets', body);
      assert.deepEqual(
        error.details?.map(({ path }) => path),
        [at],
      );
    });
  }

  test('the shortest and longest names and the longest description are taken', async () => {
    await create({ name: 'five!' });
    await create({ name: 'n'.repeat(50), description: 'd'.repeat(200) });
  });

  test('a change of nothing, or of something else, is refused', async () => {
    const { id } = await create({ name: 'unchanged' });
    for (const [change, at] of [
      [{}, ['']],
      [{ name: null }, ['/name']],
      [{ id: NOWHERE }, ['/id']],
    ] as const) {
      const error = await facade.refused(
        [400, 'invalid_request'],
        'PATCH',
        `/datasets/${id}`,
        change,
      );
      assert.ok(error.details?.some(({ path }) => (at as readonly string[]).includes(path)));
    }
  });

  test('what is no id answers 404', async () => {
    for (const id of ['nonsense', `${NOWHERE}0`, '%00', 'a%2Fb']) {
      for (const path of ['', '/records', '/export']) {
        await facade.refused([404, 'not_found'], 'GET', `/datasets/${id}${path}`);
      }
    }
  });
});

describe('GET /datasets', () => {
  test('goes through all pages by number or by link, in an order that holds', async () => {
    const made = [];
    for (let n = 0; n < 5; n++) made.push((await create({ name: `listed ${n}` })).id);
    const pages = await follow('/datasets?q=listed&limit=2');
    const lists = pages.map((page) => DATASETS.parse(page));
    assert.deepEqual(
      lists.map(({ count, next_page }) => [count, next_page]),
      [
        [5, 2],
        [5, 3],
        [5, null],
      ],
    );
    const ids = lists.flatMap(({ datasets }) => datasets.map(({ id }) => id));
    assert.deepEqual(ids.toSorted(), made.toSorted());
    const again = await facade.expect([200, DATASETS], 'GET', '/datasets?q=listed&limit=2&page=2');
    assert.deepEqual(again, lists[1]);
  });

  test('that finds nothing, or lies behind the end, is empty and has no next page', async () => {
    const none = await facade.expect([200, DATASETS], 'GET', '/datasets?q=no%20such%20name');
    assert.deepEqual(none, { datasets: [], count: 0, next_page: null });
    const path = '/datasets?page=1000000000&limit=100';
    const behind = await facade.expect([200, DATASETS], 'GET', path);
    assert.deepEqual([behind.datasets, behind.next_page], [[], null]);
  });

  test('an empty q looks for nothing in particular', async () => {
    await create({ name: 'any name' });
    const { count } = await facade.expect([200, DATASETS], 'GET', '/datasets?q=');
    assert.ok(count > 0);
  });

  for (const [query, at] of [
    ['limit=0', '/limit'],
    ['limit=101', '/limit'],
    ['limit=', '/limit'],
    ['limit=0x10', '/limit'],
    ['limit=1e1', '/limit'],
    ['page=0', '/page'],
    ['page=-1', '/page'],
    ['page=1.5', '/page'],
    ['page=1&page=2', '/page'],
    ['page=99999999999', '/page'],
    ['page_size=5', '/page_size'],
    ['limit=x&page=x&size=5', '/limit /page /size'],
  ] as const) {
    test(`refuses ?${query}`, async () => {
      const error = await facade.refused([400, 'invalid_request'], 'GET', `/datasets?${query}`);
      const paths = error.details?.map(({ path }) => path).toSorted() ?? [];
      assert.deepEqual([...new Set(paths)], at.split(' '));
    });
  }
});

describe('/datasets/:dataset_id/records', () => {
  test('a record is made of messages, or of a payload of any kind', async () => {
    const { id } = await create({ name: 'of records' });
    const path = `/datasets/${id}/records`;
    const empty = await facade.expect([200, RECORDS], 'GET', path);
    assert.deepEqual(empty, { records: [], count: 0, next_page: null });
    const properties = { lang: 'en', deep: [{ a: null }] };
    const bodies = [
      { messages: [USER], properties },
      { messages: [] },
      { payload: { messages: [USER], other: 1 } },
      { payload: {}, properties: {} },
    ];
    for (const body of bodies) {
      const answer = await facade.send('POST', path, body);
      const made = record.parse(await answer.json());
      assert.equal(answer.status, 201);
      assert.deepEqual(made.payload, body.payload ?? { messages: body.messages });
      assert.deepEqual(made.properties, body.properties ?? {});
      assert.equal(made.source, 'DIRECT_INPUT');
      const location = answer.headers.get('location') ?? '';
      assert.deepEqual(await facade.expect([200, record], 'GET', location), made);
    }
    const pages = (await follow(`${path}?limit=3`)).map((page) => RECORDS.parse(page));
    assert.deepEqual(
      pages.map(({ records, count, next_page }) => [records.length, count, next_page]),
      [
        [3, 4, 2],
        [1, 4, null],
      ],
    );
    const payloads = pages.flatMap(({ records }) => records.map(({ payload }) => payload));
    assert.deepEqual(
      payloads,
      bodies.map((body) => body.payload ?? { messages: body.messages }),
    );
  });

  for (const [what, body, at] of [
    ['neither messages nor a payload', {}, '/messages'],
    ['both', { messages: [USER], payload: {} }, '/payload'],
    ['messages that are no list', { messages: USER }, '/messages'],
    ['a message that is no object', { messages: [USER, 'hello'] }, '/messages/1'],
    ['a payload that is a list', { payload: [USER] }, '/payload'],
    ['properties that are a list', { payload: {}, properties: [] }, '/properties'],
    ['an unknown field', { payload: {}, source: 'EXPLORER' }, '/source'],
  ] as const) {
    test(`a record with ${what} is refused`, async () => {
      const path = `/datasets/${NOWHERE}/records`;
      const error = await facade.refused([400, 'invalid_request'], 'POST', path, body);
      assert.ok(error.details?.every(({ path }) => path === at || path === '/messages'));
      assert.ok(error.details?.some(({ path }) => path === at));
    });
  }

  test('a record may be nested as deeply as it likes', async () => {
    const { id } = await create({ name: 'of deep records' });
    const path = `${worker.url}/datasets/${id}/records`;
    const payload = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    const answer = await send(path, key, 'POST', `{"payload":${payload}}`);
    assert.equal(answer.status, 201);
    const list = await send(path, key, 'GET');
    assert.ok((await list.text()).includes(`"payload":${payload}`));
  });

  test('a query has no q: records have no names', async () => {
    const path = `/datasets/${NOWHERE}/records?q=a`;
    await facade.refused([400, 'invalid_request'], 'GET', path);
  });
});

test('what one client makes, every other sees and may change', async () => {
  const { id } = await create({ name: 'of all clients' });
  const other = new Facade(worker.url, (await worker.createClient()).key);
  await other.expect([200, dataset], 'GET', `/datasets/${id}`);
  await other.expect([201, record], 'POST', `/datasets/${id}/records`, { messages: [USER] });
  const { count } = await facade.expect([200, RECORDS], 'GET', `/datasets/${id}/records`);
  assert.equal(count, 1);
});

test('the list of imports links to its next page too', async () => {
  const { id } = await create({ name: 'imported into' });
  const { id: fileId } = await upload();
  for (let n = 0; n < 3; n++) {
    const body = { source: 'file', file_id: fileId };
    const answer = await facade.send('POST', `/datasets/${id}/imports`, body);
    assert.equal(answer.status, 202);
    await ended(worker.url, key, ((await answer.json()) as { id: string }).id);
  }
  const pages = await follow(`/imports?dataset_id=${id}&limit=2`);
  const lists = pages.map(({ imports }) => (imports as unknown[]).length);
  assert.equal(
    lists.reduce((sum, length) => sum + length, 0),
    3,
  );
  assert.ok(pages.length > 1);
});

async function upload(): Promise<{ id: string }> {
  const form = new FormData();
  form.set('file', new Blob([JSON.stringify({ messages: [USER] })]), 'rows.jsonl');
  const answer = await fetch(`${worker.url}/v1/files`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: form,
  });
  return (await answer.json()) as { id: string };
}
