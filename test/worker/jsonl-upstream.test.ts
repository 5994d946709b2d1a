import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { NOWHERE } from '../support/builtin.ts';
import { read, startFilesUpstream, type FilesUpstream } from '../support/files-upstream.ts';
import { importJsonl, openImport, refusedWith } from '../support/jsonl.ts';
import { json } from '../support/upstream.ts';
import { until } from '../support/until.ts';
import { startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

const ROW = '{"messages":[{"role":"user","content":"Hi"}]}\n';
const UPSTREAM_KEY = 'upstream-key-0123456789';
const ANSWER_TIMEOUT_MS = 700;

let upstream: FilesUpstream;
let worker: TestWorker;
let client: TestClient;
let url: string;

before(async () => {
  upstream = await startFilesUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: UPSTREAM_KEY,
    UPSTREAM_HEADERS_TIMEOUT_MS: String(ANSWER_TIMEOUT_MS),
    STREAM_IDLE_TIMEOUT_MS: '1500',
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

const theUpload = () => until('the upload', () => upstream.uploads[0]);

/** Another import goes its way meanwhile. */
async function upstreamIsAskedAgain(): Promise<'asked'> {
  assert.equal((await post(ROW)).status, 202);
  return 'asked';
}

describe('an upload', () => {
  /** The form as it came, read by an independent reader. */
  async function fileOf({ headers, body }: FilesUpstream['uploads'][number]): Promise<File> {
    const type = headers['content-type'] ?? '';
    const form = await new Response(Buffer.concat(body), {
      headers: { 'content-type': type },
    }).formData();
    assert.deepEqual([...form.keys()], ['file'], 'no purpose: the docs leave it out');
    const file = form.get('file');
    assert.ok(file instanceof File);
    return file;
  }

  test('of a declared length has one itself, and holds the very bytes that were sent', async () => {
    const sent = `\uFEFF${ROW}\r\n\n${ROW.repeat(40_000)}{"payload":{"a":"é"}}`;
    const { status, body } = await post(sent);
    assert.equal(status, 202);
    const upload = await theUpload();
    assert.equal(Number(upload.headers['content-length']), upload.size);
    assert.equal(upload.headers['transfer-encoding'], undefined);
    assert.equal(upload.headers.authorization, `Bearer ${UPSTREAM_KEY}`);
    const file = await fileOf(upload);
    assert.equal(file.name, `${body.id}.jsonl`);
    assert.deepEqual(Buffer.from(await file.arrayBuffer()), Buffer.from(sent));
    assert.equal(upstream.starts.length, 1);
    assert.match(JSON.stringify(upstream.starts[0]), /^\{"file_id":"file-\d+"\}$/);
    assert.deepEqual(upstream.deleted, []);
  });

  test('of a body without a length is chunked, and begins before that body has ended', async () => {
    const open = openImport(url, client.key);
    await open.write(ROW);
    const upload = await theUpload();
    await until('the first row to be there', () => Buffer.concat(upload.body).includes(ROW));
    assert.equal(upload.headers['content-length'], undefined);
    await open.write(ROW);
    open.end();
    assert.equal((await open.answer).status, 202);
    assert.equal(await (await fileOf(upload)).text(), ROW + ROW);
  });

  test('may take longer than the answer to it may', async () => {
    const open = openImport(url, client.key);
    const startedAt = performance.now();
    while (performance.now() - startedAt < 2 * ANSWER_TIMEOUT_MS) {
      const sent = upstream.uploads[0]?.size ?? 0;
      await open.write(ROW);
      await until('the row to be there', () => (upstream.uploads[0]?.size ?? 0) > sent);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    open.end();
    assert.equal((await open.answer).status, 202);
  });

  test('is broken off at the first bad line; the lines after it are still read', async () => {
    const open = openImport(url, client.key);
    await open.write(ROW.repeat(1000));
    const upload = await theUpload();
    await until('the first rows to be there', () => upload.size > 1000 * ROW.length);
    await open.write('{}\n');
    await until('the upload to break', () => upload.isBroken);
    await open.write(`${ROW}[]\n`);
    open.end();
    const answer = await open.answer;
    refusedWith(answer, 422, 'invalid_jsonl');
    assert.deepEqual(
      answer.body.error?.details?.map(({ line }) => line),
      [1001, 1003],
    );
    assert.equal(upload.isWhole, false);
    assert.deepEqual(upstream.starts, []);
    assert.equal(upstream.uploads.length, 1, 'it is not begun again');
  });

  test('is never closed when the last line is bad', async () => {
    refusedWith(await post(`${ROW.repeat(100_000)}{"messages":[`), 422, 'invalid_jsonl');
    const upload = await theUpload();
    await until('the upload to break', () => upload.isBroken);
    assert.equal(upload.isWhole, false);
  });

  test('is not even begun when there is nothing to upload', async () => {
    refusedWith(await post('{}\n'), 422, 'invalid_jsonl');
    refusedWith(await post(''), 422, 'invalid_jsonl');
    assert.deepEqual(upstream.uploads, []);
  });

  test('that was answered before its end is deleted when a mistake follows', async () => {
    upstream.onUpload = (request, response, upload) => {
      read(request, upload, () => undefined);
      request.once('data', () => json(response, 200, { id: 'early', object: 'file' }));
    };
    const open = openImport(url, client.key);
    await open.write(ROW);
    const upload = await theUpload();
    await until('the first row to be there', () => upload.size > ROW.length);
    // The Worker has to have seen the answer, which nothing tells.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await open.write('{}\n');
    open.end();
    refusedWith(await open.answer, 422, 'invalid_jsonl');
    await until('the file to be deleted', () => upstream.deleted.includes('/v1/files/early'));
    assert.deepEqual(upstream.starts, []);
  });
});

describe('the dataset', () => {
  test('is asked for first: an unknown one costs no upload', async () => {
    upstream.onDataset = (response) =>
      json(response, 404, { detail: { message: 'No such dataset', error_code: null } });
    const answer = await post(ROW);
    refusedWith(answer, 404, 'not_found');
    assert.match(answer.body.error?.message ?? '', /No such dataset/);
    assert.deepEqual(upstream.uploads, []);
  });

  test('may be unknown for the moment: an upstream out of order is asked to take the file', async () => {
    for (const status of [500, 503, 429]) {
      upstream.onDataset = (response) => json(response, status, { message: 'Later' });
      assert.equal((await post(ROW)).status, 202);
    }
    assert.equal(upstream.uploads.length, 3);
  });

  test('that the key may not see is an upstream error', async () => {
    upstream.onDataset = (response) => json(response, 401, { detail: 'Unauthorized' });
    const answer = await post(ROW);
    refusedWith(answer, 502, 'upstream_error');
    assert.equal(answer.body.error?.upstream?.status, 401);
  });
});

describe('an upstream that does not take the upload', () => {
  /** 12 MB: more than sockets hold, so that who does not read is felt. */
  const LARGE = Buffer.from(ROW.repeat(250_000));

  for (const [status, answered, code] of [
    [401, 502, 'upstream_error'],
    [413, 502, 'upstream_error'],
    [500, 502, 'upstream_error'],
    [422, 422, 'invalid_request'],
    [429, 429, 'rate_limited'],
  ] as const) {
    test(`and answers ${status} in the middle is told as ${answered} ${code}`, async () => {
      upstream.onUpload = (request, response) => {
        request.once('data', () => {
          request.pause();
          json(response, status, { message: 'Not this one' }, { 'retry-after': '7' });
        });
      };
      const open = openImport(url, client.key, { 'content-length': LARGE.byteLength });
      void open.write(LARGE);
      const answer = await open.answer;
      open.leave();
      refusedWith(answer, answered, code);
      assert.match(answer.body.error?.message ?? '', /Not this one/);
      if (code === 'upstream_error') assert.equal(answer.body.error?.upstream?.status, status);
      if (status === 429) assert.equal(answer.headers['retry-after'], '7');
      assert.deepEqual(upstream.starts, []);
    });

    test(`and answers ${status} at the end is told alike`, async () => {
      upstream.onUpload = (request, response, upload) =>
        read(request, upload, () => json(response, status, { message: 'Not this one' }));
      refusedWith(await post(ROW), answered, code);
      assert.deepEqual(upstream.starts, []);
    });
  }

  test('and closes the connection is told as an upstream error', async () => {
    upstream.onUpload = (request) => request.once('data', () => request.destroy());
    const open = openImport(url, client.key, { 'content-length': LARGE.byteLength });
    void open.write(LARGE);
    const { status, body } = await open.answer;
    open.leave();
    assert.ok(status === 502 || status === 503, `${status}`);
    assert.match(body.error?.code ?? '', /^upstream_/);
  });

  test('and never answers is given up so long after the last byte', async () => {
    upstream.onUpload = (request, _, upload) => read(request, upload, () => undefined);
    const startedAt = performance.now();
    refusedWith(await post(ROW), 504, 'upstream_timeout');
    assert.ok(performance.now() - startedAt >= ANSWER_TIMEOUT_MS);
  });

  test('and stops reading is given up', async () => {
    upstream.onUpload = (request) => void request.pause();
    const open = openImport(url, client.key, { 'content-length': LARGE.byteLength });
    void open.write(LARGE);
    refusedWith(await open.answer, 504, 'upstream_timeout');
    open.leave();
  });

  test('and answers with no file is told as an upstream error', async () => {
    upstream.onUpload = (request, response, upload) =>
      read(request, upload, () => json(response, 200, { object: 'file' }));
    refusedWith(await post(ROW), 502, 'upstream_error');
  });
});

describe('a client', () => {
  for (const [kind, headers] of [
    ['a chunked body', {}],
    ['a body of a declared length', { 'content-length': 10 * ROW.length }],
  ] as const) {
    test(`that leaves in the middle of ${kind} has imported nothing`, async () => {
      const open = openImport(url, client.key, headers);
      await open.write(ROW);
      const upload = await theUpload();
      await until('the first row to be there', () => upload.size > ROW.length);
      open.leave();
      await until('the upload to break', () => upload.isBroken);
      assert.equal(upload.isWhole, false);
      assert.deepEqual(upstream.starts, []);
    });

    test(`that falls silent in the middle of ${kind} is not waited for`, async () => {
      const open = openImport(url, client.key, headers);
      await open.write(ROW);
      const answer = await open.answer;
      refusedWith(answer, 400, 'invalid_request');
      assert.match(answer.body.error?.message ?? '', /silent for 1500 ms/);
      open.leave();
      const upload = await theUpload();
      await until('the upload to break', () => upload.isBroken);
      assert.equal(upload.isWhole, false);
    });
  }

  test('that leaves when all was sent has its import nonetheless', async () => {
    const { promise: goOn, resolve: letGoOn } = Promise.withResolvers<void>();
    upstream.onUpload = (request, response, upload) =>
      read(request, upload, () => {
        void goOn.then(() => json(response, 200, { id: 'late', object: 'file' }));
      });
    const open = openImport(url, client.key);
    await open.write(ROW);
    open.end();
    const upload = await theUpload();
    await until('the upload to be whole', () => upload.isWhole);
    open.leave();
    letGoOn();
    await until('the import to start', () => upstream.starts.length === 1);
    assert.deepEqual(upstream.starts, [{ file_id: 'late' }]);
    assert.deepEqual(upstream.deleted, []);
  });

  test('that sends more than 512 MB without saying so is stopped', async () => {
    const open = openImport(url, client.key);
    // One line that never ends: the upload is over at once, and the bytes are only counted.
    const piece = Buffer.alloc(1024 * 1024, 'x');
    for (let sent = 0; sent < 512; sent++) await open.write(piece);
    // No answer to as much as is taken; the client may go on.
    assert.equal(await Promise.race([open.answer, upstreamIsAskedAgain()]), 'asked');
    await open.write('x');
    refusedWith(await open.answer, 413, 'payload_too_large');
    open.leave();
  });
});
