import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { withoutHeartbeats } from '../support/heartbeats.ts';
import { until } from '../support/until.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

const API_KEY = 'mistral-key-that-stays-inside';
let upstream: ScriptedUpstream;
let worker: TestWorker;
let client: TestClient;

before(async () => {
  upstream = await startUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: API_KEY,
    STREAM_HEARTBEAT_MS: '100',
    UPSTREAM_HEADERS_TIMEOUT_MS: '400',
  });
  client = await worker.createClient();
});
beforeEach(() => void upstream.seen.splice(0));
after(async () => {
  await worker.dispose();
  upstream.close();
});

test('method, path, query and body bytes reach the upstream unchanged', async () => {
  upstream.script((_, response) => json(response, 200, {}));
  const body = randomBytes(100_000);
  const path = '/v1/agents/a%2Fb/completions?x=1&x=%20two&y=';
  await fetch(worker.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${client.key}`, 'content-type': 'application/octet-stream' },
    body,
  });
  const [seen] = upstream.seen;
  assert.equal(seen?.method, 'POST');
  assert.equal(seen.path, path);
  assert.deepEqual(seen.body, body);
  assert.equal(seen.headers['content-length'], String(body.length));
});

test('a multipart upload streams through with its bytes', async () => {
  upstream.script((_, response) => json(response, 200, { id: 'x' }));
  const form = new FormData();
  form.set('file', new Blob([randomBytes(3_000_000)]), 'big.bin');
  const sent = Buffer.from(await new Response(form).clone().arrayBuffer());
  const response = await fetch(`${worker.url}/v1/files`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${client.key}`,
      'content-type': 'multipart/form-data; boundary=x',
    },
    body: sent,
  });
  assert.equal(response.status, 200);
  assert.equal(upstream.seen[0]?.headers['content-type'], 'multipart/form-data; boundary=x');
  assert.deepEqual(upstream.seen[0].body, sent);
});

test('the upstream gets its own key and nothing that tells about the client or about Windsock', async () => {
  upstream.script((_, response) => json(response, 200, {}));
  await send(`${worker.url}/v1/models`, client.key, 'GET', undefined, {
    cookie: 'a=b',
    'x-forwarded-for': '1.2.3.4',
    'x-real-ip': '1.2.3.4',
    'cf-connecting-ip': '1.2.3.4',
    'windsock-callback': 'https://example.com',
    'x-custom': 'kept',
  });
  const headers = upstream.seen[0]?.headers ?? {};
  assert.equal(headers.authorization, `Bearer ${API_KEY}`);
  assert.equal(headers['x-custom'], 'kept');
  const left = Object.keys(headers).filter((name) =>
    /^(?:cookie|cf-|x-forwarded-|x-real-ip|windsock-)/.test(name),
  );
  // The platform itself marks each request of a Worker, after all code has run.
  assert.deepEqual(left, ['cf-worker']);
  assert.ok(!JSON.stringify(headers).includes(client.key));
});

test('status, body bytes and the listed headers of an answer pass, cookies and banners do not', async () => {
  const body = '{"unknown":  "field", "n": 1.0}';
  upstream.script((_, response) => {
    response.writeHead(418, {
      'content-type': 'application/json; charset=utf-8',
      'retry-after': '7',
      'x-ratelimit-limit-req-minute': '60',
      'ratelimitbysize-limit': '9',
      'mistral-correlation-id': 'c-1',
      'x-model-deprecation-timestamp': '2027-01-01T00:00:00Z',
      'content-disposition': 'attachment',
      'set-cookie': '__cf_bm=1',
      server: 'cloudflare',
      'x-kong-proxy-latency': '3',
    });
    response.end(body);
  });
  const response = await send(`${worker.url}/v1/models`, client.key, 'GET');
  assert.equal(response.status, 418);
  assert.equal(await response.text(), body);
  const passed = Object.fromEntries(response.headers);
  assert.equal(passed['retry-after'], '7');
  assert.equal(passed['x-ratelimit-limit-req-minute'], '60');
  assert.equal(passed['ratelimitbysize-limit'], '9');
  assert.equal(passed['mistral-correlation-id'], 'c-1');
  assert.equal(passed['x-model-deprecation-timestamp'], '2027-01-01T00:00:00Z');
  assert.equal(passed['content-disposition'], 'attachment');
  assert.equal(passed['content-type'], 'application/json; charset=utf-8');
  assert.match(passed['server-timing'] ?? '', /^upstream;dur=[\d.]+, windsock;dur=[\d.]+$/);
  for (const name of ['set-cookie', 'server', 'x-kong-proxy-latency']) assert.ok(!(name in passed));
});

test('a redirect is handed on and not followed, so that the key goes nowhere else', async () => {
  upstream.script((_, response) => {
    response.writeHead(307, { location: 'http://127.0.0.1:1/elsewhere' }).end();
  });
  const response = await fetch(`${worker.url}/v1/models`, {
    headers: { authorization: `Bearer ${client.key}` },
    redirect: 'manual',
  });
  assert.equal(response.status, 307);
  assert.equal(response.headers.get('location'), 'http://127.0.0.1:1/elsewhere');
  assert.equal(upstream.seen.length, 1);
});

test('a gzip upstream is relayed as the text it holds', async () => {
  const { gzipSync } = await import('node:zlib');
  upstream.script((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    response.end(gzipSync('{"zipped":true}'));
  });
  const response = await send(`${worker.url}/v1/models`, client.key, 'GET');
  assert.equal(await response.text(), '{"zipped":true}');
});

const EVENTS = [
  'data: {"id":"1","choices":[{"delta":{"content":"é 東京"}}],"usage":null}\n\n',
  ': a comment of the upstream\r\n\r\n',
  'event: odd\ndata: {"p":"abc"}\n\n',
  'data: [DONE]\n\n',
];

test('the bytes of a stream are the upstream’s, however they are cut', async () => {
  const whole = Buffer.from(EVENTS.join(''));
  upstream.script(async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    for (let at = 0; at < whole.length; at += 7) {
      response.write(whole.subarray(at, at + 7));
      await new Promise(setImmediate);
    }
    response.end();
  });
  const response = await send(`${worker.url}/v1/chat/completions`, client.key, 'POST', { a: 1 });
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(response.headers.get('cache-control'), 'no-cache, no-transform');
  assert.equal(withoutHeartbeats(await response.text()), whole.toString());
});

for (const [name, isSilent] of [
  ['active', false],
  ['silent', true],
] as const) {
  test(`a client that leaves an ${name} stream closes the upstream`, async () => {
    upstream.script((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      if (isSilent) return;
      const timer = setInterval(() => response.write('data: 2\n\n'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const url = new URL(`${worker.url}/v1/chat/completions`);
    const request = httpRequest(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${client.key}`, 'content-type': 'application/json' },
    });
    request.end('{}');
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    await once(response, 'data');
    request.destroy();
    await until('the upstream to be closed', () => upstream.seen[0]?.wasAborted, 3000);
  });
}

test('no headers in time is 504, nobody there is 503, an answer that is no HTTP is 502', async () => {
  upstream.script(() => undefined);
  const late = await send(`${worker.url}/v1/models`, client.key, 'GET');
  assert.equal(late.status, 504);
  assert.deepEqual(Object.keys((await late.json()) as object), [
    'object',
    'message',
    'type',
    'param',
    'code',
  ]);

  const noHttp = createServer((socket) => {
    socket.on('error', () => undefined).on('data', () => socket.end('SSH-2.0-nope\r\n'));
  });
  noHttp.listen(0, '127.0.0.1');
  await once(noHttp, 'listening');
  const { port } = noHttp.address() as AddressInfo;
  for (const [target, status] of [
    [`http://127.0.0.1:${port}`, 502],
    ['http://127.0.0.1:1', 503],
  ] as const) {
    const other = await startWorker({ MISTRAL_BASE_URL: target, MISTRAL_API_KEY: API_KEY });
    try {
      const { key } = await other.createClient();
      const plain = await send(`${other.url}/v1/models`, key, 'GET');
      assert.equal(plain.status, status);
      const observability = await send(`${other.url}/v1/observability/datasets`, key, 'GET');
      assert.equal(observability.status, status);
      const body = (await observability.json()) as { detail: { message: string } };
      assert.ok(body.detail.message.length > 0);
      assert.ok(!JSON.stringify(body).includes(API_KEY));
    } finally {
      await other.dispose();
    }
  }
  noHttp.close();
});
