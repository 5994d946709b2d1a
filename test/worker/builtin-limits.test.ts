import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { until } from '../support/until.ts';
import { send, startWorker, type TestWorker } from '../support/worker.ts';

let worker: TestWorker;
let key: string;

before(async () => {
  worker = await startWorker();
  ({ key } = await worker.createClient());
});
after(() => worker.dispose());

const call = (method: string, path: string, body?: object | string) =>
  send(`${worker.url}${path}`, key, method, body);

async function newDataset(name = 'limits'): Promise<string> {
  const response = await call('POST', '/v1/observability/datasets', { name, description: '' });
  assert.equal(response.status, 201);
  return `/v1/observability/datasets/${((await response.json()) as { id: string }).id}`;
}

interface Records {
  records: { results: { payload: Record<string, unknown> }[]; count: number; next: string | null };
}

test('a page of the largest records is answered whole, though it is more than one call can carry', async () => {
  const dataset = await newDataset();
  const text = 'x'.repeat(1_800_000);
  for (let n = 0; n < 20; n++) {
    const response = await call('POST', `${dataset}/records`, { payload: { n, text } });
    assert.equal(response.status, 201);
    await response.body?.cancel();
  }
  const response = await call('GET', `${dataset}/records?page_size=19`);
  assert.equal(response.status, 200);
  const { records } = (await response.json()) as Records;
  assert.deepEqual(
    records.results.map(({ payload }) => payload['n']),
    Array.from({ length: 19 }, (_, n) => n),
  );
  assert.equal(records.count, 20);
  assert.ok(records.next);
  const last = (await (await call('GET', records.next)).json()) as Records;
  assert.deepEqual(
    last.records.results.map(({ payload }) => payload['n']),
    [19],
  );
  assert.equal(last.records.next, null);
});

test('a record above the limit, or nested beyond what can be written, is refused and not kept', async () => {
  const dataset = await newDataset();
  const deep = (levels: number) => `{"payload":{"a":${'['.repeat(levels)}${']'.repeat(levels)}}}`;
  const accepted = await call('POST', `${dataset}/records`, deep(1000));
  assert.equal(accepted.status, 201);
  for (const body of [deep(1_000_000), `{"payload":{"a":"${'é'.repeat(1_000_000)}"}}`]) {
    const response = await call('POST', `${dataset}/records`, body);
    assert.equal(response.status, 422);
    const { detail } = (await response.json()) as { detail: { error_code: string } };
    assert.equal(detail.error_code, 'VALIDATION_ERROR');
  }
  const { records } = (await (await call('GET', `${dataset}/records`)).json()) as Records;
  assert.equal(records.count, 1);
});

test('any key of a payload is kept', async () => {
  const dataset = await newDataset();
  const payload = '{"__proto__":{"a":1},"constructor":2,"":3}';
  await call('POST', `${dataset}/records`, `{"payload":${payload}}`);
  const text = await (await call('GET', `${dataset}/records`)).text();
  assert.ok(text.includes(`"payload":${payload}`), text);
});

test('the next page of a filtered list stays filtered', async () => {
  for (const name of ['windy one', 'windy two', 'windy three']) await newDataset(name);
  await newDataset('calm one');
  let path: string | null = '/v1/observability/datasets?q=WINDY%20&page_size=2';
  const names: string[] = [];
  while (path !== null) {
    const response = await call('GET', path);
    const { datasets } = (await response.json()) as {
      datasets: { results: { name: string }[]; next: string | null };
    };
    names.push(...datasets.results.map(({ name }) => name));
    path = datasets.next;
  }
  assert.deepEqual(names.toSorted(), ['windy one', 'windy three', 'windy two']);
});

test('ids are taken in upper case too', async () => {
  const dataset = await newDataset();
  const upper = dataset.replace(/[^/]+$/, (id) => id.toUpperCase());
  assert.equal((await call('GET', upper)).status, 200);
});

const BAD_QUERIES = [
  `/v1/files?${'source=upload&'.repeat(150)}`,
  '/v1/files?source=banana',
  '/v1/files?sample_type=banana',
  '/v1/files?page_size=',
  '/v1/observability/datasets?page_size=',
  '/v1/observability/datasets?page=1e3',
];
for (const path of BAD_QUERIES) {
  test(`${path.slice(0, 60)} is refused with 422`, async () => {
    assert.equal((await call('GET', path)).status, 422);
  });
}

test('a file that is nothing but a byte order mark imports nothing, and completes', async () => {
  const dataset = await newDataset();
  const form = new FormData();
  form.set('file', new Blob([Uint8Array.of(0xef, 0xbb, 0xbf)]), 'mark.jsonl');
  const headers = { authorization: `Bearer ${key}` };
  const upload = await fetch(`${worker.url}/v1/files`, { method: 'POST', headers, body: form });
  const file = (await upload.json()) as { id: string };
  const started = await call('POST', `${dataset}/imports/from-file`, { file_id: file.id });
  const { id } = (await started.json()) as { id: string };
  const task = await until('the task to end', async () => {
    const found = (await (await call('GET', `${dataset}/tasks/${id}`)).json()) as {
      status: string;
    };
    return found.status !== 'RUNNING' && found;
  });
  assert.equal(task.status, 'COMPLETED');
});

test('a path written with escapes needs the scope of the path that it means', async () => {
  const proxy = await worker.createClient({ scopes: ['proxy'] });
  for (const path of [
    '/v1/%66iles',
    '/v1/%6fbservability/datasets',
    '/v1//files',
    '/v1/x/../files',
  ]) {
    const response = await send(worker.url + path, proxy.key, 'GET');
    assert.equal(response.status, 403, path);
  }
});

test('of a body with mistakes by the thousand the first hundred are told, of one with more that they are too many', async () => {
  const at = `/datasets/${randomUUID()}/imports`;
  const ids = (count: number) => Array.from({ length: count }, () => 7);
  const facade = async (path: string, body: object) => {
    const answer = await send(worker.url + path, key, 'POST', body);
    assert.equal(answer.status, 400);
    const told = (await answer.json()) as { error: { details: { message: string }[] } };
    return told.error.details.map(({ message }) => message);
  };
  const imported = (count: number) => facade(at, { source: 'explorer', event_ids: ids(count) });
  assert.equal((await imported(1000)).length, 100);
  assert.deepEqual(await imported(400_000), ['has more mistakes than can be told']);
  const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`f${n}`, n]));
  assert.equal((await facade('/webhooks/test', fields)).length, 100);
  for (const count of [1000, 400_000]) {
    const path = `${worker.url}/v1/observability${at}/from-explorer`;
    const answer = await send(path, key, 'POST', { completion_event_ids: ids(count) });
    assert.equal(answer.status, 422);
    assert.ok((await answer.text()).length < 20_000);
  }
});
