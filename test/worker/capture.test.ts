import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { withoutHeartbeats } from '../support/heartbeats.ts';
import { until } from '../support/until.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

const EVENTS = '/v1/observability/chat-completion-events';
let upstream: ScriptedUpstream;
let worker: TestWorker;
let client: TestClient;

before(async () => {
  upstream = await startUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'key',
    OBSERVABILITY_BACKEND: 'builtin',
    STREAM_HEARTBEAT_MS: '100',
  });
  client = await worker.createClient();
});
beforeEach(() => void upstream.seen.splice(0));
after(async () => {
  await worker.dispose();
  upstream.close();
});

interface RecordedEvent {
  event_id: string;
  correlation_id: string;
  nb_input_tokens: number;
  nb_output_tokens: number;
  nb_messages: number;
  enabled_tools: unknown[];
  request_messages: { role: string; content: string }[];
  response_messages: { role: string; content: string; tool_calls?: unknown[] }[];
  extra_fields: Record<string, unknown>;
}

const chat = (body: object, headers: Record<string, string> = {}) =>
  send(`${worker.url}/v1/chat/completions`, client.key, 'POST', { model: 'm-1', ...body }, headers);

async function idsOf(correlationId: string): Promise<string[]> {
  const filters = { field: 'correlation_id', op: 'eq', value: correlationId };
  const response = await send(`${worker.url}${EVENTS}/search-ids`, client.key, 'POST', {
    search_params: { filters },
  });
  return ((await response.json()) as { completion_event_ids: string[] }).completion_event_ids;
}

/** The one event of a chat, waited for: it is written after the answer. */
async function recorded(correlationId: string): Promise<RecordedEvent> {
  const [id] = await until('the event', async () => {
    const ids = await idsOf(correlationId);
    return ids.length > 0 && ids;
  });
  const response = await send(`${worker.url}${EVENTS}/${id ?? ''}`, client.key, 'GET');
  assert.equal(response.status, 200);
  return (await response.json()) as RecordedEvent;
}

const USER = { role: 'user', content: 'What is the wind in Brest?' };
const TOOL = { type: 'function', function: { name: 'get_weather', parameters: {} } };
const CALL = { id: 'a', function: { name: 'get_weather', arguments: '{"city":"Brest"}' } };
const USAGE = { prompt_tokens: 11, completion_tokens: 5, total_tokens: 16 };

test('a chat that is not streamed becomes an event, and its answer is not touched', async () => {
  const answer = {
    id: 'cmpl-1',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: '', tool_calls: [CALL] },
        finish_reason: 'tool_calls',
      },
    ],
    usage: USAGE,
  };
  upstream.script((_, response) =>
    json(response, 200, answer, { 'mistral-correlation-id': 'corr-json' }),
  );
  const response = await chat({
    messages: [{ role: 'system', content: 'Be brief.' }, USER],
    tools: [TOOL],
    metadata: { user: 'u-7', plan: 'pro' },
  });
  assert.equal(await response.text(), JSON.stringify(answer));
  const event = await recorded('corr-json');
  assert.equal(event.nb_input_tokens, 11);
  assert.equal(event.nb_output_tokens, 5);
  assert.deepEqual(event.request_messages, [{ role: 'system', content: 'Be brief.' }, USER]);
  assert.deepEqual(event.response_messages[0]?.tool_calls, [{ ...CALL, type: 'function' }]);
  assert.deepEqual(event.enabled_tools, [TOOL]);
  assert.equal(event.extra_fields['model_name'], 'm-1');
  assert.equal(event.extra_fields['last_user_message_preview'], USER.content);
  assert.equal(event.extra_fields['first_system_message'], 'Be brief.');
  assert.deepEqual(event.extra_fields['invoked_tools'], ['get_weather']);
  assert.deepEqual(event.extra_fields['metadata'], { user: 'u-7', plan: 'pro' });
});

const frame = (delta: object, more: object = {}) =>
  `data: ${JSON.stringify({ id: 'cmpl-2', choices: [{ index: 0, delta, finish_reason: null }], ...more })}\n\n`;

test('a streamed chat becomes the same event as its text, byte for byte relayed', async () => {
  const whole = `${frame({ role: 'assistant', content: 'Gusty, ' })}${frame({ content: '74 km/h.' }, { usage: USAGE })}data: [DONE]\n\n`;
  upstream.script((_, response) => {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'mistral-correlation-id': 'corr-sse',
    });
    for (const byte of Buffer.from(whole)) response.write(Buffer.of(byte));
    response.end();
  });
  const response = await chat({ messages: [USER], stream: true });
  assert.equal(withoutHeartbeats(await response.text()), whole);
  const event = await recorded('corr-sse');
  assert.deepEqual(event.response_messages, [{ role: 'assistant', content: 'Gusty, 74 km/h.' }]);
  assert.equal(event.nb_output_tokens, 5);
  assert.equal(event.extra_fields['streamed'], true);
});

test('without a correlation id of the upstream the event carries the request id of the answer', async () => {
  upstream.script((_, response) => json(response, 200, { id: 'x', choices: [], usage: USAGE }));
  const response = await chat({ messages: [USER] });
  await response.text();
  assert.equal((await idsOf('none')).length, 0);
  await recorded(response.headers.get('x-request-id') ?? '');
});

test('a stream that is cut, and one that the client leaves, are recorded with what there was', async () => {
  upstream.script((_, response) => {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'mistral-correlation-id': 'corr-cut',
    });
    response.write(frame({ role: 'assistant', content: 'half' }), () => response.destroy());
  });
  await (await chat({ messages: [USER], stream: true })).text().catch(() => undefined);
  assert.equal((await recorded('corr-cut')).response_messages[0]?.content, 'half');

  upstream.script((_, response) => {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'mistral-correlation-id': 'corr-left',
    });
    response.write(frame({ role: 'assistant', content: 'begun' }));
  });
  const request = httpRequest(`${worker.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${client.key}`, 'content-type': 'application/json' },
  });
  request.end(JSON.stringify({ model: 'm', messages: [USER], stream: true }));
  const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
  await once(response, 'data');
  request.destroy();
  assert.equal((await recorded('corr-left')).response_messages[0]?.content, 'begun');
});

test('nothing is recorded of an error, with Windsock-Capture: off, or with CAPTURE=off', async () => {
  upstream.script((_, response) =>
    json(response, 429, { message: 'slow' }, { 'mistral-correlation-id': 'corr-429' }),
  );
  await (await chat({ messages: [USER] })).text();
  upstream.script((_, response) =>
    json(response, 200, { id: 'x', choices: [] }, { 'mistral-correlation-id': 'corr-off' }),
  );
  await (await chat({ messages: [USER] }, { 'windsock-capture': 'off' })).text();
  // The next chat is recorded after those two would have been.
  upstream.script((_, response) =>
    json(response, 200, { id: 'x', choices: [] }, { 'mistral-correlation-id': 'corr-next' }),
  );
  await (await chat({ messages: [USER] })).text();
  await recorded('corr-next');
  assert.deepEqual(await idsOf('corr-429'), []);
  assert.deepEqual(await idsOf('corr-off'), []);

  const off = await startWorker({ CAPTURE: 'off' });
  try {
    const { key } = await off.createClient();
    const body = { model: 'm-off', messages: [USER] };
    const answer = await send(`${off.url}/v1/chat/completions`, key, 'POST', body);
    await answer.text();
    const search = await send(`${off.url}${EVENTS}/search-ids`, key, 'POST', {
      search_params: { filters: { field: 'model_name', op: 'eq', value: 'm-off' } },
    });
    assert.deepEqual(await search.json(), { completion_event_ids: [] });
  } finally {
    await off.dispose();
  }
});

test('what is kept of a long chat is bounded and marked', async () => {
  upstream.script((_, response) =>
    json(
      response,
      200,
      {
        id: 'x',
        choices: [{ index: 0, message: { role: 'assistant', content: '東'.repeat(200_000) } }],
      },
      { 'mistral-correlation-id': 'corr-long' },
    ),
  );
  await (await chat({ messages: [{ role: 'user', content: 'x'.repeat(3_000_000) }] })).text();
  const event = await recorded('corr-long');
  const size = Buffer.byteLength(JSON.stringify([event.request_messages, event.response_messages]));
  assert.ok(size <= 256 * 1024, `${size}`);
  assert.ok(event.request_messages[0]?.content.endsWith('… [cut by Windsock]'));
  assert.ok(event.response_messages[0]?.content.endsWith('… [cut by Windsock]'));
});

test('the samples are there on the first start, and one admin call takes them away for good', async () => {
  const other = await startWorker();
  try {
    const { key } = await other.createClient();
    const filters = { field: 'metadata', op: 'includes', value: 'sample' };
    const count = async () => {
      const path = `${other.url}${EVENTS}/search-ids`;
      const response = await send(path, key, 'POST', { search_params: { filters } });
      return ((await response.json()) as { completion_event_ids: string[] }).completion_event_ids
        .length;
    };
    assert.equal(await count(), 300);
    const refused = await send(`${other.url}/admin/samples`, key, 'DELETE');
    assert.equal(refused.status, 401);
    const admin = 'test-admin-key-0123456789';
    for (let times = 0; times < 2; times++) {
      const response = await send(`${other.url}/admin/samples`, admin, 'DELETE');
      assert.equal(response.status, 204);
      assert.equal(await count(), 0);
    }
  } finally {
    await other.dispose();
  }
});
