import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { NOWHERE } from '../support/builtin.ts';
import { refusalOf } from '../support/facade.ts';
import { until } from '../support/until.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

const KEY = 'mistral-key-0123456789';
const LINES = '{"payload":{"n":1},"properties":{}}\n{"payload":{"n":2},"properties":{}}\n';
const DATASET = 'd2719a4c-8f0e-4d5f-9c51-0d4f3f7c1a11';
const AS_JSON = { accept: 'application/json' };

/** Waits until an answer is over, whole or broken. */
async function closed(answer: IncomingMessage): Promise<void> {
  answer.on('error', () => undefined);
  await new Promise((resolve) => answer.on('close', resolve));
}

/** Reads an answer over a socket of its own to wherever it ends. */
async function read(url: string, key: string) {
  const request = httpRequest(url, { headers: { authorization: `Bearer ${key}` } }).end();
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  answer.setEncoding('utf8').on('data', (part: string) => (text += part));
  await closed(answer);
  return { status: answer.statusCode, headers: answer.headers, text, isWhole: answer.complete };
}

describe('on the built-in backend', () => {
  let worker: TestWorker;
  let client: TestClient;

  before(async () => {
    worker = await startWorker();
    client = await worker.createClient();
  });
  after(() => worker.dispose());

  const ask = (method: string, path: string, body?: object, headers?: Record<string, string>) =>
    send(worker.url + path, client.key, method, body, headers);

  async function datasetWith(payloads: object[], name = 'a dataset'): Promise<string> {
    const made = (await (await ask('POST', '/datasets', { name })).json()) as { id: string };
    for (const payload of payloads) {
      const answer = await ask('POST', `/datasets/${made.id}/records`, { payload });
      assert.equal(answer.status, 201);
    }
    return made.id;
  }

  test('an export is the dataset’s records as JSONL, under the dataset’s name', async () => {
    const payloads = [{ n: 1 }, { text: 'é\n' }, { messages: [] }];
    const id = await datasetWith(payloads, 'Réponses "2026"');
    const { status, headers, text, isWhole } = await read(
      `${worker.url}/datasets/${id}/export`,
      client.key,
    );
    assert.deepEqual([status, isWhole], [200, true]);
    assert.equal(headers['content-type'], 'application/x-ndjson');
    assert.equal(
      headers['content-disposition'],
      `attachment; filename="R_ponses _2026_.jsonl"; filename*=UTF-8''R%C3%A9ponses%20%222026%22.jsonl`,
    );
    assert.match(headers.vary ?? '', /accept/i);
    const lines = text.split('\n');
    assert.equal(lines.pop(), '');
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { payload: object }).payload),
      payloads,
    );
  });

  test('an export of more than a chunk comes whole', async () => {
    const payloads = Array.from({ length: 3 }, (_, n) => ({ n, text: 'x'.repeat(700_000) }));
    const id = await datasetWith(payloads);
    const { text, isWhole } = await read(`${worker.url}/datasets/${id}/export`, client.key);
    assert.ok(isWhole);
    const read_ = text.trimEnd().split('\n');
    assert.deepEqual(
      read_.map((line) => (JSON.parse(line) as { payload: object }).payload),
      payloads,
    );
  });

  test('an export of no records is empty', async () => {
    const { status, text, isWhole } = await read(
      `${worker.url}/datasets/${await datasetWith([])}/export`,
      client.key,
    );
    assert.deepEqual([status, text, isWhole], [200, '', true]);
  });

  test('who prefers JSON gets the link, which needs no key', async () => {
    const path = `/datasets/${await datasetWith([{ n: 1 }])}/export`;
    const answer = await ask('GET', path, undefined, { accept: 'application/json, */*' });
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
    assert.match(answer.headers.get('vary') ?? '', /accept/i);
    const { url, ...rest } = (await answer.json()) as { url: string };
    assert.deepEqual(rest, {});
    assert.ok(url.startsWith(`${worker.url}/downloads/`));
    assert.match(await (await fetch(url)).text(), /"n":1/);
  });

  test('an export of no dataset is 404, in either form', async () => {
    const path = `/datasets/${NOWHERE}/export`;
    await refusalOf(await ask('GET', path), 404, 'not_found');
    await refusalOf(await ask('GET', path, undefined, AS_JSON), 404, 'not_found');
  });

  test('an export whose file is deleted while it is read breaks off', async () => {
    const payloads = Array.from({ length: 12 }, (_, n) => ({ n, text: 'x'.repeat(1_500_000) }));
    const id = await datasetWith(payloads);
    const request = httpRequest(`${worker.url}/datasets/${id}/export`, {
      headers: { authorization: `Bearer ${client.key}` },
    }).end();
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    // Nothing is read of the answer: it waits in the sockets' buffers, and the rest in the store.
    const files = (await (await ask('GET', '/v1/files?page_size=1')).json()) as {
      data: { id: string }[];
    };
    assert.equal((await ask('DELETE', `/v1/files/${files.data[0]?.id}`)).status, 200);
    answer.resume();
    await closed(answer);
    assert.equal(answer.complete, false);
  });
});

describe('of the Mistral API', () => {
  let upstream: ScriptedUpstream;
  /** Where the links lead: another host. */
  let storage: ScriptedUpstream;
  let worker: TestWorker;
  let client: TestClient;
  let fileUrl: string;

  before(async () => {
    [upstream, storage] = [await startUpstream(), await startUpstream()];
    worker = await startWorker({
      MISTRAL_BASE_URL: upstream.url,
      MISTRAL_API_KEY: KEY,
      UPSTREAM_HEADERS_TIMEOUT_MS: '1000',
      STREAM_IDLE_TIMEOUT_MS: '1000',
    });
    client = await worker.createClient();
    upstream.script((request, response) => {
      if (request.path.endsWith('/to-jsonl')) json(response, 200, { file_url: fileUrl });
      else json(response, 200, { id: DATASET, name: 'a dataset' });
    });
  });
  beforeEach(() => {
    upstream.seen.splice(0);
    storage.seen.splice(0);
    fileUrl = `${storage.url}/file?signature=a%2Bb`;
  });
  after(async () => {
    await worker.dispose();
    upstream.close();
    storage.close();
  });

  const url = () => `${worker.url}/datasets/${DATASET}/export`;
  const ask = (headers?: Record<string, string>) =>
    send(url(), client.key, 'GET', undefined, headers);

  const file = (begin: (response: ServerResponse) => void) =>
    storage.script((_, response) => begin(response));

  test('the file behind the link is handed on, and its host never sees a key', async () => {
    file((response) => {
      response.writeHead(200, { 'content-type': 'binary/octet-stream', 'set-cookie': 'a=b' });
      response.end(LINES);
    });
    const { status, headers, text, isWhole } = await read(url(), client.key);
    assert.deepEqual([status, text, isWhole], [200, LINES, true]);
    assert.equal(headers['content-type'], 'application/x-ndjson');
    assert.equal(
      headers['content-disposition'],
      `attachment; filename="a dataset.jsonl"; filename*=UTF-8''a%20dataset.jsonl`,
    );
    assert.equal(headers['set-cookie'], undefined);
    const [seen] = storage.seen;
    assert.equal(seen?.path, '/file?signature=a%2Bb');
    assert.equal(seen.headers.authorization, undefined);
    assert.ok(!JSON.stringify(seen.rawHeaders).includes(KEY));
    assert.ok(!JSON.stringify(seen.rawHeaders).includes(client.key));
  });

  test('who asks for the headers alone gets them, and no file is opened', async () => {
    const answer = await send(url(), client.key, 'HEAD');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/x-ndjson');
    assert.match(answer.headers.get('content-disposition') ?? '', /a dataset\.jsonl/);
    const ofLink = await send(url(), client.key, 'HEAD', undefined, AS_JSON);
    assert.equal(ofLink.status, 200);
    assert.match(ofLink.headers.get('content-type') ?? '', /^application\/json/);
    assert.deepEqual(storage.seen, []);
    const paths = upstream.seen.map(({ path }) => path);
    assert.ok(!paths.some((path) => path.endsWith('/to-jsonl')), 'no export is made');
  });

  test('who prefers JSON gets the link as it is; nobody follows it', async () => {
    assert.deepEqual(await (await ask(AS_JSON)).json(), { url: fileUrl });
    assert.deepEqual(storage.seen, []);
    assert.deepEqual(
      upstream.seen.map(({ path }) => path),
      [`/v1/observability/datasets/${DATASET}/exports/to-jsonl`],
    );
  });

  test('a relative link is one of the upstream’s, and needs no key either', async () => {
    fileUrl = '/files/one.jsonl?signature=c';
    assert.deepEqual(await (await ask(AS_JSON)).json(), { url: upstream.url + fileUrl });
    await ask();
    const [seen] = upstream.seen.filter(({ path }) => path === fileUrl);
    assert.equal(seen?.headers.authorization, undefined);
  });

  test('a link that cannot be followed is an upstream error', async () => {
    for (const link of [
      '',
      'http://',
      'ftp://storage.example/x',
      'data:,a',
      'javascript:alert(1)',
    ]) {
      fileUrl = link;
      await refusalOf(await ask(), 502, 'upstream_error');
      await refusalOf(await ask(AS_JSON), 502, 'upstream_error');
    }
  });

  test('a compressed file is handed on in the clear', async () => {
    file((response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(gzipSync(LINES));
    });
    const { text, isWhole } = await read(url(), client.key);
    assert.deepEqual([text, isWhole], [LINES, true]);
  });

  test('the first lines come before the last are there', async () => {
    let finish = () => {};
    file((response) => {
      response.writeHead(200).write(LINES);
      finish = () => void response.end(LINES);
    });
    const answer = await ask();
    const reader = answer.body?.getReader();
    const first = await reader?.read();
    assert.equal(Buffer.from(first?.value ?? []).toString(), LINES);
    finish();
    const second = await reader?.read();
    assert.equal(Buffer.from(second?.value ?? []).toString(), LINES);
  });

  const LENGTH = { 'content-length': String(LINES.length * 2) };
  for (const [what, headers, breakOff] of [
    ['of a declared length that is reset', LENGTH, (to: ServerResponse) => to.destroy()],
    ['of a declared length that ends too early', LENGTH, (to: ServerResponse) => to.socket?.end()],
    ['in chunks that is reset', {}, (to: ServerResponse) => to.destroy()],
    ['in chunks without the last', {}, (to: ServerResponse) => to.socket?.end()],
  ] as const) {
    test(`a file ${what} half way breaks the client’s too`, async () => {
      file((response) => {
        response.writeHead(200, headers);
        response.write(LINES, () => setImmediate(() => breakOff(response)));
      });
      const { status, text, isWhole } = await read(url(), client.key);
      assert.equal(status, 200);
      assert.ok(LINES.startsWith(text));
      assert.equal(isWhole, false);
    });
  }

  test('a file that falls silent half way breaks off, and its host is left', async () => {
    file((response) => void response.writeHead(200).write(LINES));
    const { text, isWhole } = await read(url(), client.key);
    assert.deepEqual([text, isWhole], [LINES, false]);
    await until('the file to be closed', () => storage.seen[0]?.wasAborted);
  });

  test('a client that leaves closes the file', async () => {
    file((response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(LINES), 20);
      response.on('close', () => clearInterval(timer));
    });
    const left = new AbortController();
    const answer = await fetch(url(), {
      headers: { authorization: `Bearer ${client.key}` },
      signal: left.signal,
    });
    await answer.body?.getReader().read();
    left.abort();
    await until('the file to be closed', () => storage.seen[0]?.wasAborted);
  });

  for (const status of [204, 301, 302, 403, 404, 429, 500, 503]) {
    test(`a link that answers ${status} is an upstream error, and is not followed`, async () => {
      file((response) => {
        response.writeHead(status, { location: `${storage.url}/elsewhere` });
        response.end(status === 204 ? undefined : `sorry, ${KEY}`);
      });
      const told = await refusalOf(await ask(), 502, 'upstream_error');
      const body = status === 204 ? '' : 'sorry, [redacted]';
      assert.deepEqual(told.upstream, { status, body });
      assert.match(told.message, new RegExp(String(status)));
      assert.equal(storage.seen.length, 1);
    });
  }

  test('a link that hangs is a timeout', async () => {
    file(() => undefined);
    await refusalOf(await ask(), 504, 'upstream_timeout');
    await until('the file to be closed', () => storage.seen[0]?.wasAborted);
  });

  test('a link that leads nowhere is an upstream that cannot be reached', async () => {
    const gone = await startUpstream();
    gone.close();
    fileUrl = gone.url;
    await refusalOf(await ask(), 503, 'upstream_unavailable');
  });
});
