import assert from 'node:assert/strict';
import { Mistral } from '@mistralai/mistralai';
import { once } from 'node:events';
import { after, before, beforeEach, describe, test } from 'node:test';
import { withoutHeartbeats } from '../support/heartbeats.ts';
import { until } from '../support/until.ts';
import { startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

const HEARTBEAT_MS = 100;
let upstream: ScriptedUpstream;
let worker: TestWorker;
let client: TestClient;

before(async () => {
  upstream = await startUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'key',
    STREAM_HEARTBEAT_MS: String(HEARTBEAT_MS),
    STREAM_IDLE_TIMEOUT_MS: '400',
  });
  client = await worker.createClient();
});
beforeEach(() => void upstream.seen.splice(0));
after(async () => {
  await worker.dispose();
  upstream.close();
});

const chunk = (content: string, more: object = {}) =>
  JSON.stringify({
    id: 'cmpl-9',
    object: 'chat.completion.chunk',
    created: 1_766_420_335,
    model: 'magistral-medium-latest',
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
    ...more,
  });
const USAGE = { usage: { prompt_tokens: 1, total_tokens: 3, completion_tokens: 2 }, p: 'abc' };
const SAMPLE = [
  `data: ${chunk('Vent é 東')}\n\n`,
  ': a comment of the upstream\n\n',
  `data: ${chunk('京 😀', USAGE)}\n\n`,
  'data: [DONE]\n\n',
];

const chat = () =>
  send(`${worker.url}/v1/chat/completions`, client.key, 'POST', {
    model: 'asked-for',
    messages: [],
    stream: true,
  });

/** Scripts a stream that sends these bytes in pieces and then ends or breaks. */
function scriptStream(bytes: Uint8Array, size: number, isBroken: boolean): void {
  upstream.script(async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let at = 0; at < bytes.length; at += size) {
      response.write(bytes.subarray(at, at + size));
      if (size < 1000) await new Promise(setImmediate);
    }
    if (isBroken) setImmediate(() => response.destroy());
    else response.end();
  });
}

describe('the bytes of a whole stream are the upstream’s', () => {
  const STREAMS: [string, string][] = [
    ['line feeds', SAMPLE.join('')],
    ['CRLF', SAMPLE.join('').replaceAll('\n', '\r\n')],
    ['CR', SAMPLE.join('').replaceAll('\n', '\r')],
    [
      'usage:null and unknown fields',
      `data: ${chunk('x', { usage: null, odd: [1] })}\n\ndata: [DONE]\n\n`,
    ],
    ['an event of 1 MB', `data: ${chunk('x'.repeat(1_000_000))}\n\ndata: [DONE]\n\n`],
    ['a last line end that does not come', `data: ${chunk('x')}\n\ndata: [DONE]\n`],
    ['more after [DONE]', `data: [DONE]\n\ndata: more`],
  ];
  for (const [name, text] of STREAMS) {
    const bytes = Buffer.from(text);
    for (const size of [1, 3, 64, 65_536].filter((one) => bytes.length / one < 20_000)) {
      test(`${name}, in pieces of ${size}`, async () => {
        scriptStream(bytes, size, false);
        const answer = withoutHeartbeats(await (await chat()).text());
        assert.ok(answer === text, answer.slice(-300));
      });
    }
  }
});

interface BreakChunk {
  id: string;
  model: string;
  created: number;
  choices: { delta: { content: string }; finish_reason: string }[];
  error: { code: string; message: string; request_id: string };
}

/** The whole events that came before, and the chunk that reports the break. */
function readBroken(text: string): { before: string; last: BreakChunk } {
  assert.ok(text.endsWith('\n\n'), 'ends with a whole event');
  const at = text.lastIndexOf('data: ');
  const last = JSON.parse(text.slice(at + 6)) as BreakChunk;
  return { before: withoutHeartbeats(text.slice(0, at)), last };
}

const wholeEventsOf = (bytes: Buffer) => {
  const end = bytes.lastIndexOf('\n\n');
  return end === -1 ? '' : bytes.subarray(0, end + 2).toString();
};

test('cut at every byte, a stream ends with a whole event that says so, and never with [DONE]', async () => {
  const bytes = Buffer.from(SAMPLE.join(''));
  const doneAt = bytes.indexOf('data: [DONE]') + 'data: [DONE]'.length;
  for (let cut = 1; cut < bytes.length; cut++) {
    const head = bytes.subarray(0, cut);
    for (const isBroken of [false, true]) {
      if (cut >= doneAt && !isBroken) continue;
      scriptStream(head, 65_536, isBroken);
      const response = await chat();
      const { before, last } = readBroken(await response.text());
      const whole = wholeEventsOf(head);
      // A break may overtake the last bytes on their way; what came before it is a beginning of what was sent.
      if (isBroken) assert.ok(whole.startsWith(before), `cut at ${cut}`);
      else assert.equal(before, whole, `cut at ${cut}`);
      assert.equal(last.error.code, 'upstream_interrupted');
      assert.equal(last.error.request_id, response.headers.get('x-request-id'));
      assert.deepEqual(last.choices, [
        { index: 0, delta: { content: '' }, finish_reason: 'error' },
      ]);
      const isNamed = before.includes('data: ');
      assert.equal(last.id, isNamed ? 'cmpl-9' : response.headers.get('x-request-id'));
      assert.equal(last.model, isNamed ? 'magistral-medium-latest' : 'asked-for');
      if (isNamed) assert.equal(last.created, 1_766_420_335);
    }
  }
});

test('the official SDK reads a cut stream to its end and sees the error', async () => {
  const bytes = Buffer.from(SAMPLE.join(''));
  const mistral = new Mistral({ apiKey: client.key, serverURL: worker.url });
  for (let cut = 1; cut < bytes.indexOf('data: [DONE]'); cut++) {
    scriptStream(bytes.subarray(0, cut), 65_536, false);
    const reasons: (string | null)[] = [];
    for await (const { data } of await mistral.chat.stream({ model: 'm', messages: [] })) {
      reasons.push(data.choices[0]?.finishReason ?? null);
    }
    assert.equal(reasons.at(-1), 'error', `cut at ${cut}`);
  }
});

test('a silent upstream is given up in time, and the stream ends with idle_timeout', async () => {
  upstream.script((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`${SAMPLE[0] ?? ''}data: {"half`);
  });
  const text = await (await chat()).text();
  const { before, last } = readBroken(text);
  assert.equal(last.error.code, 'idle_timeout');
  assert.ok(before.startsWith(SAMPLE[0] ?? ''));
  assert.ok(!text.includes('{"half'));
  await until('the upstream to be closed', () => upstream.seen[0]?.wasAborted);
});

test('silence is filled with comments between events, before the first event too', async () => {
  const steps: (() => void)[] = [];
  upstream.script((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    steps.push(
      () => response.write(`data: ${chunk('a')}\n\ndata: {"id":`),
      () => response.write('1}\n\n'),
      () => response.end('data: [DONE]\n\n'),
    );
  });
  let text = '';
  let seen = 0;
  for await (const part of (await chat()).body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    // Each step comes only after a comment: the upstream was silent before it.
    if (part.includes(': keepalive') && ++seen <= steps.length) steps[seen - 1]?.();
  }
  const events = withoutHeartbeats(text);
  assert.equal(events, `data: ${chunk('a')}\n\ndata: {"id":1}\n\ndata: [DONE]\n\n`);
  assert.ok(text.startsWith(': keepalive\n\n'));
  for (const [at] of text.matchAll(/: keepalive/g)) assert.ok(at);
  assert.ok(!/[^\n]\n?: keepalive/.test(text), 'no comment inside an event');
});

test('an event beyond all bounds is a break of the upstream', async () => {
  upstream.script((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`${SAMPLE[0] ?? ''}data: `);
    const piece = Buffer.alloc(1_000_000, 'x');
    const more = () => {
      while (!response.destroyed && response.write(piece));
    };
    response.on('drain', more);
    more();
  });
  const { before, last } = readBroken(await (await chat()).text());
  assert.equal(before, SAMPLE[0]);
  assert.equal(last.error.code, 'upstream_interrupted');
  await until('the upstream to be closed', () => upstream.seen[0]?.wasAborted);
});

test('a client that reads slowly slows the upstream', async () => {
  let sent = 0;
  upstream.script((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const event = `data: ${chunk('x'.repeat(60_000))}\n\n`;
    const more = () => {
      while (sent < 2000 && !response.destroyed) {
        sent++;
        if (!response.write(event)) return;
      }
    };
    response.on('drain', more);
    more();
  });
  const abort = new AbortController();
  const response = await fetch(`${worker.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${client.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [], stream: true }),
    signal: abort.signal,
  });
  const reader = response.body?.getReader();
  await reader?.read();
  // Nobody reads: what was sent comes to rest far below the 120 MB that there are.
  let before = -1;
  const rested = await until('the upstream to come to rest', () => {
    const isResting = before === sent;
    before = sent;
    return isResting && sent;
  });
  assert.ok(rested < 1000, `${rested} of 2000 events of 60 kB were taken`);
  abort.abort();
});

test('a client that takes long over an event does not make the upstream pass for silent', async () => {
  upstream.script(async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let n = 0; n < 40; n++) {
      if (!response.write(`data: ${chunk('x'.repeat(200_000))}\n\n`)) await once(response, 'drain');
    }
    response.end('data: [DONE]\n\n');
  });
  const response = await chat();
  const reader = response.body?.getReader();
  let text = (await reader?.read())?.value?.length ?? 0;
  // Longer than the upstream may be silent.
  const pausedAt = performance.now();
  await until('a pause of the client', () => performance.now() - pausedAt > 900);
  let tail = '';
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done || value === undefined) break;
    text += value.length;
    tail = (tail + Buffer.from(value).toString()).slice(-100);
  }
  assert.ok(tail.endsWith('data: [DONE]\n\n'), tail);
  assert.ok(text > 8_000_000);
});

test('a JSON answer that the upstream breaks off is 502, not half an answer', async () => {
  upstream.script((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"id":', () => response.destroy());
  });
  const response = await chat();
  assert.equal(response.status, 502);
  const body = (await response.json()) as { object: string; message: string };
  assert.equal(body.object, 'error');
  assert.match(body.message, /broke off/);
});
