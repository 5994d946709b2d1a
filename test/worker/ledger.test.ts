import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { after, before, test } from 'node:test';
import { until } from '../support/until.ts';
import { json, startUpstream, type Script, type ScriptedUpstream } from '../support/upstream.ts';
import { send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

let upstream: ScriptedUpstream;
let worker: TestWorker;
let client: TestClient;

before(async () => {
  upstream = await startUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'key',
    STREAM_HEARTBEAT_MS: '50',
    STREAM_IDLE_TIMEOUT_MS: '300',
    UPSTREAM_HEADERS_TIMEOUT_MS: '300',
  });
  client = await worker.createClient();
});
after(async () => {
  await worker.dispose();
  upstream.close();
});

interface Row {
  request_id: string;
  model: string;
  stream: boolean;
  outcome: string;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  ttfb_ms: number | null;
  duration_ms: number;
  bytes: number;
}

async function rows(requestId: string): Promise<Row[]> {
  const response = await send(`${worker.url}/usage`, client.key, 'GET');
  const { recent } = (await response.json()) as { recent: Row[] };
  return recent.filter((row) => row.request_id === requestId);
}

const USAGE = { prompt_tokens: 9, completion_tokens: 0, total_tokens: 9 };
const FRAME = `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [], usage: USAGE })}\n\n`;
const DONE = 'data: [DONE]\n\n';

const stream =
  (text: string, end: 'end' | 'break' | 'stay'): Script =>
  (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text, () => {
      if (end === 'end') response.end();
      if (end === 'break') response.destroy();
    });
  };

const CASES: [string, Script, boolean, Partial<Row>][] = [
  [
    'a JSON answer',
    (_, r) => json(r, 200, { id: 'c', choices: [], usage: USAGE }),
    false,
    { outcome: 'completed', prompt_tokens: 9, completion_tokens: 0 },
  ],
  [
    'a JSON answer without usage',
    (_, r) => json(r, 200, { id: 'c', choices: [] }),
    false,
    { outcome: 'completed', prompt_tokens: null, completion_tokens: null },
  ],
  [
    'an error',
    (_, r) => json(r, 400, { message: 'no' }),
    false,
    { outcome: 'upstream_error', prompt_tokens: null },
  ],
  [
    'no answer in time',
    () => undefined,
    false,
    { outcome: 'upstream_error', ttfb_ms: null, bytes: 0 },
  ],
  [
    'a whole stream',
    stream(FRAME + DONE, 'end'),
    true,
    { outcome: 'completed', prompt_tokens: 9, bytes: FRAME.length + DONE.length },
  ],
  [
    'a cut stream',
    stream(`${FRAME}data: {`, 'end'),
    true,
    { outcome: 'upstream_cut', prompt_tokens: 9, bytes: FRAME.length },
  ],
  ['a broken stream', stream(FRAME, 'break'), true, { outcome: 'upstream_cut' }],
  ['a silent stream', stream(FRAME, 'stay'), true, { outcome: 'idle_timeout', prompt_tokens: 9 }],
];
for (const [name, script, isStream, expected] of CASES) {
  test(`${name} leaves exactly one row`, async () => {
    upstream.script(script);
    const requestId = name.replaceAll(' ', '-');
    const body = { model: 'asked-for', messages: [], stream: isStream };
    const headers = { 'x-request-id': requestId };
    const response = await send(
      `${worker.url}/v1/chat/completions`,
      client.key,
      'POST',
      body,
      headers,
    );
    await response.text().catch(() => undefined);
    const found = await until('the row', async () => {
      const all = await rows(requestId);
      return all.length > 0 && all;
    });
    assert.equal(found.length, 1);
    assert.deepEqual({ ...found[0], ...expected }, found[0]);
    assert.equal(found[0]?.model, 'asked-for');
    assert.equal(found[0].stream, isStream);
  });
}

test('a client that leaves leaves a row that says so', async () => {
  upstream.script(stream(FRAME, 'stay'));
  const request = httpRequest(`${worker.url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${client.key}`,
      'content-type': 'application/json',
      'x-request-id': 'left',
    },
  });
  request.end(JSON.stringify({ model: 'asked-for', messages: [], stream: true }));
  const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
  await once(response, 'data');
  request.destroy();
  const [row, ...more] = await until('the row', async () => {
    const all = await rows('left');
    return all.length > 0 && all;
  });
  assert.equal(row?.outcome, 'client_aborted');
  assert.equal(row.prompt_tokens, 9);
  assert.deepEqual(more, []);
});

test('POST /chat leaves a row too, as JSON and as text', async () => {
  upstream.script((request, response) => {
    const isStream = request.body.includes('"stream":true');
    if (isStream) void stream(FRAME + DONE, 'end')(request, response);
    else json(response, 200, { id: 'c', choices: [], usage: USAGE });
  });
  for (const accept of ['application/json', 'text/plain']) {
    const requestId = `simple-${accept.replace('/', '-')}`;
    const headers = { 'x-request-id': requestId, accept };
    const response = await send(
      `${worker.url}/chat`,
      client.key,
      'POST',
      { prompt: 'hi' },
      headers,
    );
    await response.text();
    const found = await until('the row', async () => {
      const all = await rows(requestId);
      return all.length > 0 && all;
    });
    assert.equal(found.length, 1);
    assert.equal(found[0]?.outcome, 'completed');
    assert.equal(found[0].model, 'mistral-small-latest');
  }
});
