import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type ServerResponse } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { withoutHeartbeats } from '../support/heartbeats.ts';
import { until } from '../support/until.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

const AS_TEXT = { accept: 'text/plain' };
const USER = { role: 'user', content: 'hello' };
const USAGE = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
let upstream: ScriptedUpstream;
let worker: TestWorker;
let client: TestClient;

before(async () => {
  upstream = await startUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'mistral-key',
    STREAM_HEARTBEAT_MS: '100',
  });
  client = await worker.createClient();
});
beforeEach(() => void upstream.seen.splice(0));
after(async () => {
  await worker.dispose();
  upstream.close();
});

const chat = (body: object, headers: Record<string, string> = {}) =>
  send(`${worker.url}/chat`, client.key, 'POST', body, headers);

const sentBody = () => JSON.parse(String(upstream.seen[0]?.body)) as Record<string, unknown>;

const completion = (message: object, finish_reason = 'stop') => ({
  id: 'c-1',
  object: 'chat.completion',
  model: 'm-1',
  choices: [{ index: 0, message, finish_reason }],
  usage: USAGE,
});

const delta = (content: unknown, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ id: 'c-1', choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`;
const DONE = 'data: [DONE]\n\n';

/** Answers an event stream; `then` goes on with it once its first part was written. */
function stream(first: string, then: (response: ServerResponse) => void): void {
  upstream.script((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(first, () => then(response));
  });
}

test('a prompt is a chat with the default model, answered in few words', async () => {
  upstream.script((_, response) =>
    json(response, 200, completion({ role: 'assistant', content: 'Hi.' }), {
      'mistral-correlation-id': 'corr-1',
      'x-ratelimit-limit-req-minute': '60',
    }),
  );
  const answer = await chat({ prompt: 'hello' }, { 'x-request-id': 'r-1' });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
  assert.equal(answer.headers.get('mistral-correlation-id'), 'corr-1');
  assert.equal(answer.headers.get('x-ratelimit-limit-req-minute'), '60');
  assert.match(answer.headers.get('server-timing') ?? '', /upstream;dur=/);
  assert.deepEqual(await answer.json(), {
    id: 'c-1',
    model: 'm-1',
    text: 'Hi.',
    finish_reason: 'stop',
    usage: USAGE,
    request_id: 'r-1',
  });
  const [seen] = upstream.seen;
  assert.equal(`${seen?.method} ${seen?.path}`, 'POST /v1/chat/completions');
  assert.equal(seen?.headers.authorization, 'Bearer mistral-key');
  assert.equal(seen.headers['content-type'], 'application/json');
  assert.deepEqual(sentBody(), { model: 'mistral-small-latest', messages: [USER] });
});

test('messages, system, model and every other parameter reach the upstream', async () => {
  upstream.script((_, response) => json(response, 200, completion({ content: 'Hi.' })));
  const more = { temperature: 0.2, tools: [], metadata: { a: null }, not_yet_known: [1] };
  await chat({ messages: [USER], system: 'Be brief.', model: 'm-2', ...more });
  assert.deepEqual(sentBody(), {
    ...more,
    model: 'm-2',
    messages: [{ role: 'system', content: 'Be brief.' }, USER],
  });
});

test('DEFAULT_MODEL names the model of a chat that names none', async () => {
  upstream.script((_, response) => json(response, 200, completion({ content: 'Hi.' })));
  const other = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'key',
    DEFAULT_MODEL: 'm-default',
  });
  try {
    const { key } = await other.createClient();
    await send(`${other.url}/chat`, key, 'POST', { prompt: 'hello' });
    assert.equal(sentBody()['model'], 'm-default');
  } finally {
    await other.dispose();
  }
});

test('tool calls are answered as the upstream made them', async () => {
  const calls = [{ id: 'a', function: { name: 'f', arguments: '{}' }, index: 0 }];
  upstream.script((_, response) =>
    json(response, 200, completion({ content: '', tool_calls: calls }, 'tool_calls')),
  );
  const answer = (await (await chat({ prompt: 'hello' })).json()) as Record<string, unknown>;
  assert.deepEqual(answer['tool_calls'], calls);
  assert.equal(answer['finish_reason'], 'tool_calls');
  assert.equal(answer['text'], '');
});

test('with stream: true the bytes are the upstream’s', async () => {
  const whole = Buffer.from(`: odd\r\n\r\n${delta('é 東')}event: x\ndata: {"a":  1}\n\n${DONE}`);
  upstream.script(async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    for (let at = 0; at < whole.length; at += 7) {
      response.write(whole.subarray(at, at + 7));
      await new Promise(setImmediate);
    }
    response.end();
  });
  const answer = await chat({ prompt: 'hello', stream: true });
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(withoutHeartbeats(await answer.text()), whole.toString());
  assert.equal(sentBody()['stream'], true);
});

test('text comes in pieces, each before the upstream sends the next', async () => {
  const pieces = ['Gus', 'ty, é', ' 東京', ' 🌬'];
  let response: ServerResponse | undefined;
  stream(`: keepalive\n\n${delta('')}${delta(pieces[0])}`, (started) => (response = started));
  const answer = await chat({ prompt: 'hello', stream: false }, AS_TEXT);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.equal(sentBody()['stream'], true);
  assert.doesNotMatch(String(upstream.seen[0]?.headers.accept), /text\/plain/);
  const got: string[] = [];
  for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    got.push(piece);
    const next = pieces[got.length];
    if (next !== undefined) response?.write(delta(next));
    else response?.end(delta([{ type: 'thinking', thinking: [] }], 'stop') + DONE);
  }
  assert.deepEqual(got, pieces);
});

test('text ends with [DONE], even where the upstream holds its connection open', async () => {
  stream(delta('Whole.') + DONE, () => undefined);
  const answer = await chat({ prompt: 'hello' }, AS_TEXT);
  assert.equal(await answer.text(), 'Whole.');
});

test('an upstream that answers no stream where one was asked for still gives its text', async () => {
  upstream.script((_, response) => json(response, 200, completion({ content: 'Hi.' })));
  const answer = await chat({ prompt: 'hello' }, AS_TEXT);
  assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.equal(await answer.text(), 'Hi.');
});

const ERROR = delta('', 'error').replace('}\n\n', ',"error":{"code":"idle_timeout"}}\n\n');
const BREAKS: [string, (response: ServerResponse) => void][] = [
  ['ends without [DONE]', (response) => response.end()],
  ['ends inside an event', (response) => response.end(delta('never').slice(0, -9))],
  ['closes its connection', (response) => response.destroy()],
  ['reports an error as its last chunk', (response) => response.end(ERROR)],
  ['reports an error of its own', (response) => response.end('data: {"object":"error"}\n\n')],
];

for (const [what, breakOff] of BREAKS) {
  test(`text of a stream that ${what} does not end as if it were whole`, async () => {
    let response: ServerResponse | undefined;
    stream(delta('Half'), (started) => (response = started));
    const answer = await chat({ prompt: 'hello' }, AS_TEXT);
    let text = '';
    await assert.rejects(async () => {
      for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += piece;
        if (response !== undefined) breakOff(response);
      }
    });
    assert.equal(text, 'Half');
  });
}

for (const [what, headers, body] of [
  ['text', AS_TEXT, { prompt: 'hello' }],
  ['events', {}, { prompt: 'hello', stream: true }],
] as const) {
  test(`a client that leaves while ${what} comes closes the upstream`, async () => {
    stream(delta('a'), (response) => {
      const timer = setInterval(() => response.write(delta('b')), 20);
      response.on('close', () => clearInterval(timer));
    });
    const request = httpRequest(`${worker.url}/chat`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${client.key}`,
        'content-type': 'application/json',
        ...headers,
      },
    });
    request.end(JSON.stringify(body));
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    await once(response, 'data');
    request.destroy();
    await until('the upstream to be closed', () => upstream.seen[0]?.wasAborted, 3000);
  });
}

interface Refused {
  error: {
    code: string;
    message: string;
    request_id: string;
    details?: { path: string }[];
    upstream?: { status: number; body: string };
  };
}

const refused = async (answer: Response) => ((await answer.json()) as Refused).error;

const BAD: [string, object, string[]][] = [
  ['both prompt and messages', { prompt: 'hello', messages: [USER] }, ['/messages']],
  ['neither prompt nor messages', { model: 'm' }, ['/prompt']],
  ['a prompt of the wrong type', { prompt: 5 }, ['/prompt']],
  ['messages of the wrong type', { messages: 'hello' }, ['/messages']],
  ['a message of the wrong type', { messages: [USER, 7] }, ['/messages/1']],
  [
    'several mistakes',
    { system: 1, model: 2, stream: 3 },
    ['/model', '/prompt', '/stream', '/system'],
  ],
];

for (const [what, body, paths] of BAD) {
  test(`a body with ${what} is refused with the path of each mistake`, async () => {
    const answer = await chat(body);
    assert.equal(answer.status, 400);
    const { code, details = [] } = await refused(answer);
    assert.equal(code, 'invalid_request');
    assert.deepEqual(details.map(({ path }) => path).toSorted(), paths);
    assert.equal(upstream.seen.length, 0);
  });
}

const SAID = { object: 'error', message: 'What Mistral says.', type: 'x', param: null, code: null };
const MISTAKES = { detail: [{ loc: ['body', 'n'], msg: 'too many', type: 'x' }] };
const ERRORS: [number, object, string, number, string][] = [
  [400, SAID, 'invalid_request', 400, 'What Mistral says.'],
  [404, SAID, 'not_found', 404, 'What Mistral says.'],
  [409, { detail: 'What Mistral says.' }, 'invalid_request', 409, 'What Mistral says.'],
  [422, MISTAKES, 'invalid_request', 422, 'n: too many'],
  [422, { ...SAID, message: MISTAKES }, 'invalid_request', 422, 'n: too many'],
  [429, SAID, 'rate_limited', 429, 'What Mistral says.'],
  [307, SAID, 'upstream_error', 502, 'The Mistral API refused: What Mistral says.'],
  [401, { detail: 'No.' }, 'upstream_error', 502, 'The Mistral API refused: No.'],
  [403, SAID, 'upstream_error', 502, 'The Mistral API refused: What Mistral says.'],
  [500, SAID, 'upstream_error', 502, 'The Mistral API refused: What Mistral says.'],
  [503, SAID, 'upstream_error', 502, 'The Mistral API refused: What Mistral says.'],
];

for (const [status, body, code, answered, message] of ERRORS) {
  test(`an upstream ${status} (${Object.keys(body)[0]}) is ${code} ${answered} in every form of answer`, async () => {
    // `retry-after: 0`, so that a retry of the same chat does not wait.
    upstream.script((_, response) => json(response, status, body, { 'retry-after': '0' }));
    const wishes: [object, Record<string, string>][] = [
      [{}, {}],
      [{ stream: true }, {}],
      [{}, AS_TEXT],
    ];
    for (const [more, headers] of wishes) {
      const answer = await chat({ prompt: 'hello', ...more }, headers);
      assert.equal(answer.status, answered);
      assert.equal(answer.headers.get('retry-after'), status === 429 ? '0' : null);
      const error = await refused(answer);
      assert.equal(error.code, code);
      assert.equal(error.message, message);
      assert.equal(error.request_id, answer.headers.get('x-request-id'));
      const told = code === 'upstream_error' ? { status, body: JSON.stringify(body) } : undefined;
      assert.deepEqual(error.upstream, told);
    }
  });
}

test('the upstream’s key is struck out of whatever it echoes', async () => {
  for (const status of [200, 400, 401, 500]) {
    upstream.script(({ headers }, response) =>
      json(response, status, { message: `Not ${headers.authorization}.`, choices: [] }),
    );
    for (const headers of [{}, AS_TEXT]) {
      const answer = await chat({ prompt: 'hello' }, headers);
      const text = await answer.text();
      assert.equal(answer.status, status === 400 ? 400 : 502);
      assert.match(text, /Bearer \[redacted\]/);
      assert.doesNotMatch(text, /mistral-key/);
    }
  }
});

test('a success that is no chat, or that breaks off, is upstream_error', async () => {
  upstream.script((_, response) => void response.writeHead(200).end('<html>'));
  const html = await chat({ prompt: 'hello' });
  assert.equal(html.status, 502);
  const told = await refused(html);
  assert.equal(told.code, 'upstream_error');
  assert.deepEqual(told.upstream, { status: 200, body: '<html>' });

  upstream.script((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"id":', () => response.destroy());
  });
  const half = await chat({ prompt: 'hello' });
  assert.equal(half.status, 502);
  assert.equal((await refused(half)).code, 'upstream_error');
});

test('no upstream at all is upstream_unavailable, in the facade’s shape', async () => {
  const other = await startWorker({
    MISTRAL_BASE_URL: 'http://127.0.0.1:1',
    MISTRAL_API_KEY: 'key',
  });
  try {
    const { key } = await other.createClient();
    const answer = await send(`${other.url}/chat`, key, 'POST', { prompt: 'hello' }, AS_TEXT);
    assert.equal(answer.status, 503);
    assert.equal((await refused(answer)).code, 'upstream_unavailable');
  } finally {
    await other.dispose();
  }
});

test('the built-in backend answers the same text as JSON, as events and as text', async () => {
  const builtin = await startWorker();
  try {
    const { key } = await builtin.createClient();
    const ask = (more: object, headers: Record<string, string> = {}) =>
      send(`${builtin.url}/chat`, key, 'POST', { prompt: 'hello 東京', ...more }, headers);
    const answer = (await (await ask({})).json()) as { text: string; model: string };
    assert.match(answer.text, /hello 東京/);
    assert.equal(answer.model, 'mistral-small-latest');
    assert.equal(await (await ask({}, AS_TEXT)).text(), answer.text);
    const events = await (await ask({ stream: true })).text();
    const streamed = [...events.matchAll(/"content":("(?:[^"\\]|\\.)*")/g)]
      .map(([, content = '""']) => JSON.parse(content) as string)
      .join('');
    assert.equal(streamed, answer.text);
    assert.ok(events.endsWith(DONE));

    const bad = await ask({ colour: 'red', temperature: 9 });
    assert.equal(bad.status, 422);
    const { code, message } = await refused(bad);
    assert.equal(code, 'invalid_request');
    assert.match(message, /temperature: .*; .*colour|colour.*; temperature: /);
  } finally {
    await builtin.dispose();
  }
});

test('a chat of the facade is recorded as an event like any other', async () => {
  const builtin = await startWorker();
  try {
    const { key } = await builtin.createClient();
    const events = '/v1/observability/chat-completion-events/search-ids';
    for (const [id, headers] of [
      ['facade-json', {}],
      ['facade-text', AS_TEXT],
    ] as const) {
      const asked = { ...headers, 'x-request-id': id };
      await (await send(`${builtin.url}/chat`, key, 'POST', { prompt: 'hello' }, asked)).text();
      const filters = { field: 'correlation_id', op: 'eq', value: id };
      await until(`the event ${id}`, async () => {
        const body = { search_params: { filters } };
        const found = await send(builtin.url + events, key, 'POST', body);
        const { completion_event_ids: ids } = (await found.json()) as {
          completion_event_ids: string[];
        };
        return ids.length === 1;
      });
    }
  } finally {
    await builtin.dispose();
  }
});
