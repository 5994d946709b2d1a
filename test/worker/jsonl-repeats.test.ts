import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { NOWHERE } from '../support/builtin.ts';
import { startFilesUpstream, type FilesUpstream } from '../support/files-upstream.ts';
import { importJsonl, openImport, refusedWith } from '../support/jsonl.ts';
import { json } from '../support/upstream.ts';
import { until } from '../support/until.ts';
import { startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

const ROW = '{"messages":[{"role":"user","content":"Hi"}]}\n';

let upstream: FilesUpstream;
let worker: TestWorker;
let client: TestClient;
let url: string;

before(async () => {
  upstream = await startFilesUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'upstream-key',
    // Nothing is polled while a test looks on.
    POLL_MIN_MS: '60000',
    POLL_MAX_MS: '60000',
  });
  client = await worker.createClient();
  url = `${worker.url}/datasets/${NOWHERE}/imports`;
});
after(async () => {
  await worker.dispose();
  upstream.close();
});
beforeEach(() => upstream.reset());

const post = (body: string | Uint8Array, headers: Record<string, string | number> = {}) =>
  importJsonl(url, client.key, body, headers);

describe('under an Idempotency-Key', () => {
  test('the same body again answers the same import, and is not uploaded again', async () => {
    const headers = { 'idempotency-key': 'replay' };
    const first = await post(ROW, headers);
    const again = await post(ROW, headers);
    assert.deepEqual([first.status, again.status], [202, 202]);
    assert.equal(first.headers['idempotency-replayed'], undefined);
    assert.equal(again.headers['idempotency-replayed'], 'true');
    assert.equal(again.body.id, first.body.id);
    assert.equal(again.headers.location, first.headers.location);
    assert.equal(upstream.uploads.length, 1);
    assert.equal(upstream.starts.length, 1);
    assert.deepEqual(upstream.deleted, []);
  });

  test('another body, a bad one too, or another callback is a conflict, and is not uploaded', async () => {
    const headers = { 'idempotency-key': 'conflict' };
    assert.equal((await post(ROW, headers)).status, 202);
    for (const body of [`${ROW}\n`, '{}', '']) {
      refusedWith(await post(body, headers), 409, 'idempotency_conflict');
    }
    const query = `?${new URLSearchParams({ callback_url: 'https://example.com/hook' }).toString()}`;
    const called = await importJsonl(url + query, client.key, ROW, headers);
    refusedWith(called, 409, 'idempotency_conflict');
    assert.equal(upstream.uploads.length, 1);
    assert.deepEqual(upstream.deleted, []);
  });

  test('of another client the same key is another import', async () => {
    const other = await worker.createClient();
    const headers = { 'idempotency-key': 'mine' };
    const mine = await post(ROW, headers);
    const theirs = await importJsonl(url, other.key, ROW, headers);
    assert.notEqual(mine.body.id, theirs.body.id);
    assert.equal(upstream.starts.length, 2);
  });

  test('a body that was refused keeps nothing: once mended it is imported', async () => {
    const headers = { 'idempotency-key': 'mended' };
    refusedWith(await post('{}\n', headers), 422, 'invalid_jsonl');
    assert.equal((await post(ROW, headers)).status, 202);
  });

  test('a repeated request whose import is refused meanwhile starts nothing without a file', async () => {
    const { promise: goOn, resolve: letGoOn } = Promise.withResolvers<void>();
    upstream.onStart = (response) =>
      void goOn.then(() => json(response, 422, { detail: { message: 'No', error_code: null } }));
    const headers = { 'idempotency-key': 'meanwhile' };
    const first = post(ROW, headers);
    await until('the start', () => upstream.starts.length === 1);
    const calls = upstream.datasetCalls;
    const again = openImport(url, client.key, headers);
    await again.write(ROW);
    // Nothing tells that it has found the import; it has once a later request has come as far.
    refusedWith(await post('', { 'idempotency-key': 'later' }), 422, 'invalid_jsonl');
    letGoOn();
    refusedWith(await first, 422, 'invalid_request');
    again.end();
    refusedWith(await again.answer, 503, 'upstream_unavailable');
    assert.equal(upstream.starts.length, 1);
    assert.equal(upstream.uploads.length, 1);
    assert.equal(upstream.datasetCalls, calls + 1, 'the later request alone asked for the dataset');
  });

  test('fifty at once start one import, and only its file stays', async () => {
    const headers = { 'idempotency-key': 'fifty' };
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(ROW, headers)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array.from({ length: 50 }, () => 202),
    );
    assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1);
    const fresh = answers.filter((answer) => !answer.headers['idempotency-replayed']);
    assert.equal(fresh.length, 1);
    assert.equal(upstream.starts.length, 1);
    const [start] = upstream.starts as { file_id: string }[];
    const spare = upstream.uploads.length - 1;
    await until('the spare files to be deleted', () => upstream.deleted.length === spare);
    assert.equal(new Set(upstream.deleted).size, spare);
    assert.ok(!upstream.deleted.includes(`/v1/files/${start?.file_id}`));
  });
});

test('a start that the upstream refuses leaves no file behind', async () => {
  upstream.onStart = (response) =>
    json(response, 404, { detail: { message: 'Dataset is gone', error_code: null } });
  refusedWith(await post(ROW), 404, 'not_found');
  const [start] = upstream.starts as { file_id: string }[];
  await until('the file to be deleted', () => upstream.deleted.length === 1);
  assert.deepEqual(upstream.deleted, [`/v1/files/${start?.file_id}`]);
});
