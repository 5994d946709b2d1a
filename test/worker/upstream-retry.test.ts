import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

let upstream: ScriptedUpstream;
let worker: TestWorker;
let client: TestClient;

before(async () => {
  upstream = await startUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'key',
    UPSTREAM_HEADERS_TIMEOUT_MS: '3000',
  });
  client = await worker.createClient();
});
beforeEach(() => void upstream.seen.splice(0));
after(async () => {
  await worker.dispose();
  upstream.close();
});

/** Scripts answers in turn, the last again and again; 0 breaks the connection. */
function scriptAnswers(...answers: (number | [number, Record<string, string>])[]): void {
  let turn = 0;
  upstream.script((_, response) => {
    const answer = answers[Math.min(turn++, answers.length - 1)] ?? 200;
    const [status, headers] = typeof answer === 'number' ? [answer, {}] : answer;
    if (status === 0) response.destroy();
    else json(response, status, { turn, choices: [] }, headers);
  });
}

const chat = () =>
  send(`${worker.url}/v1/chat/completions`, client.key, 'POST', { model: 'm', messages: [] });

type Answer = number | [number, Record<string, string>];
const CASES: [string, Answer[], number, number][] = [
  ['a 503 once is asked again', [503, 200], 200, 2],
  ['502 and 504 are asked again, twice', [502, 504, 200], 200, 3],
  ['after two more attempts the answer stands', [503, 503, 503, 200], 503, 3],
  ['a 500 stands', [500, 200], 500, 1],
  ['a 400 stands', [400, 200], 400, 1],
  ['a 429 without Retry-After stands', [429, 200], 429, 1],
  ['a 429 that asks for a second is waited for', [[429, { 'retry-after': '1' }], 200], 200, 2],
  [
    'a 429 that asks for more than five seconds stands',
    [[429, { 'retry-after': '6' }], 200],
    429,
    1,
  ],
  [
    'a 429 that asks for longer than there is time stands',
    [[429, { 'retry-after': '4' }], 200],
    429,
    1,
  ],
];
for (const [name, answers, status, attempts] of CASES) {
  test(name, async () => {
    scriptAnswers(...answers);
    const response = await chat();
    assert.equal(response.status, status);
    assert.equal(response.headers.get('windsock-attempts'), String(attempts));
    assert.equal(upstream.seen.length, attempts);
    const [first] = upstream.seen;
    for (const { body } of upstream.seen) assert.deepEqual(body, first?.body);
    assert.deepEqual(await response.json(), { turn: attempts, choices: [] });
  });
}

test('a read is asked again, a write that is not a chat never is', async () => {
  scriptAnswers(503, 200);
  assert.equal((await send(`${worker.url}/v1/models`, client.key, 'GET')).status, 200);
  for (const [method, path] of [
    ['POST', '/v1/observability/datasets'],
    ['POST', '/v1/observability/datasets/4c54ed13-1459-44e1-8696-1a6df06f7177/imports/from-file'],
    ['PATCH', '/v1/observability/datasets/4c54ed13-1459-44e1-8696-1a6df06f7177'],
    ['POST', '/v1/embeddings'],
  ] as const) {
    upstream.seen.splice(0);
    scriptAnswers(503, 200);
    assert.equal((await send(worker.url + path, client.key, method, {})).status, 503, path);
    assert.equal(upstream.seen.length, 1, path);
  }
});

test('an error before the first byte of a stream keeps status, body and rate-limit headers', async () => {
  const limits = { 'x-ratelimit-remaining-req-minute': '0', 'retry-after': '9' };
  scriptAnswers([429, limits]);
  const response = await send(`${worker.url}/v1/chat/completions`, client.key, 'POST', {
    model: 'm',
    messages: [],
    stream: true,
  });
  assert.equal(response.status, 429);
  assert.equal(response.headers.get('x-ratelimit-remaining-req-minute'), '0');
  assert.equal(response.headers.get('retry-after'), '9');
  assert.equal(await response.text(), '{"turn":1,"choices":[]}');
});
