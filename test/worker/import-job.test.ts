import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { startReceiver } from '../support/receiver.ts';
import { taskBody } from '../support/tasks.ts';
import { until } from '../support/until.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { ended, send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

let upstream: ScriptedUpstream;
let worker: TestWorker;
let client: TestClient;

before(async () => {
  upstream = await startUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '20',
    POLL_MAX_MS: '100',
    WEBHOOK_RETRY_S: '0,0.05,0.05',
    WEBHOOK_TIMEOUT_MS: '300',
  });
  client = await worker.createClient();
});
beforeEach(() => void upstream.seen.splice(0));
after(async () => {
  await worker.dispose();
  upstream.close();
});

const DATASET = randomUUID();

/** Scripts a task that answers each poll with the next step, the last one again and again. */
function scriptTask(steps: (object | number)[]): void {
  const id = randomUUID();
  let poll = 0;
  upstream.script((request, response) => {
    if (request.method === 'POST') return json(response, 202, taskBody(id, DATASET));
    const step = steps[Math.min(poll++, steps.length - 1)] ?? 500;
    return typeof step === 'number'
      ? json(response, step, { detail: { message: `scripted ${step}`, error_code: null } })
      : json(response, 200, taskBody(id, DATASET, step));
  });
}

function start(body: object = {}, headers: Record<string, string> = {}): Promise<Response> {
  const request = { source: 'file', file_id: 'f-1', ...body };
  return send(`${worker.url}/datasets/${DATASET}/imports`, client.key, 'POST', request, headers);
}

async function startedId(body: object = {}): Promise<string> {
  const response = await start(body);
  assert.equal(response.status, 202);
  return ((await response.json()) as { id: string }).id;
}

const OUTCOMES: [string, (object | number)[], string, string | null][] = [
  ['COMPLETED', [{ status: 'COMPLETED', progress: 100 }], 'completed', null],
  ['FAILED', [{ status: 'FAILED', message: 'line 3' }], 'failed', 'line 3'],
  ['CANCELED', [{ status: 'CANCELED' }], 'canceled', null],
  ['TERMINATED', [{ status: 'TERMINATED' }], 'terminated', null],
  ['TIMED_OUT', [{ status: 'TIMED_OUT' }], 'timed_out', null],
  [
    'UNKNOWN, CONTINUED_AS_NEW and new words',
    [
      { status: 'UNKNOWN' },
      { status: 'CONTINUED_AS_NEW' },
      { status: 'SOMETHING_NEW' },
      { status: 'COMPLETED' },
    ],
    'completed',
    null,
  ],
  ['failures on the way', [500, 503, 429, 502, { status: 'COMPLETED' }], 'completed', null],
  ['a 404 once', [404, { status: 'RUNNING' }, 404, { status: 'COMPLETED' }], 'completed', null],
  [
    '404 twice running',
    [404, 404],
    'lost',
    'The upstream no longer knows the task of this import (404).',
  ],
];
for (const [name, steps, status, message] of OUTCOMES) {
  test(`an upstream that says ${name} makes the import ${status}`, async () => {
    scriptTask(steps);
    const view = await ended(worker.url, client.key, await startedId());
    assert.equal(view['status'], status);
    assert.equal(view['message'], message);
    assert.equal(view['polls'], steps.length);
    assert.equal(upstream.seen.filter(({ method }) => method === 'POST').length, 1);
  });
}

test('the start call carries the file id to the path of its source', async () => {
  scriptTask([{ status: 'COMPLETED' }]);
  await startedId({ file_id: 'f-42' });
  const [seen] = upstream.seen;
  assert.equal(seen?.path, `/v1/observability/datasets/${DATASET}/imports/from-file`);
  assert.equal(seen.body.toString(), '{"file_id":"f-42"}');
});

for (const [status, code] of [
  [400, 'invalid_request'],
  [404, 'not_found'],
  [409, 'invalid_request'],
  [422, 'invalid_request'],
] as const) {
  test(`an upstream ${status} to the start is answered at once and no import is kept`, async () => {
    upstream.script((_, response) =>
      json(response, status, { detail: { message: 'the upstream’s own words', error_code: null } }),
    );
    const response = await start({}, { 'idempotency-key': `refused-${status}` });
    assert.equal(response.status, status);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    assert.equal(error.code, code);
    assert.equal(error.message, 'the upstream’s own words');
    scriptTask([{ status: 'COMPLETED' }]);
    const again = await start({}, { 'idempotency-key': `refused-${status}` });
    assert.equal(again.status, 202, 'the key is free again');
  });
}

test('a start put off with 429 is made again after Retry-After, in the background', async () => {
  const id = randomUUID();
  let starts = 0;
  upstream.script((request, response) => {
    if (request.method !== 'POST')
      return json(response, 200, taskBody(id, DATASET, { status: 'COMPLETED' }));
    return starts++ === 0
      ? json(response, 429, { message: 'slow down' }, { 'retry-after': '1' })
      : json(response, 202, taskBody(id, DATASET));
  });
  const response = await start();
  assert.equal(response.status, 202);
  const view = (await response.json()) as { id: string; status: string };
  assert.equal(view.status, 'starting');
  assert.equal((await ended(worker.url, client.key, view.id))['status'], 'completed');
  assert.equal(starts, 2);
});

test('a start with an unknown outcome is not made again: the import says so', async () => {
  upstream.script((_, response) => json(response, 500, { message: 'boom' }));
  const response = await start();
  assert.equal(response.status, 202);
  const view = (await response.json()) as { status: string; message: string };
  assert.equal(view.status, 'failed');
  assert.match(view.message, /not known.*boom/);
  assert.equal(upstream.seen.length, 1);
});

test('50 equal requests at once under one key start one import', async () => {
  scriptTask([{ status: 'COMPLETED' }]);
  const headers = { 'idempotency-key': randomUUID() };
  const answers = await Promise.all(Array.from({ length: 50 }, () => start({}, headers)));
  const ids = new Set<string>();
  for (const answer of answers) {
    assert.equal(answer.status, 202);
    ids.add(((await answer.json()) as { id: string }).id);
  }
  assert.equal(ids.size, 1);
  assert.equal(upstream.seen.filter(({ method }) => method === 'POST').length, 1);
  const replayed = answers.filter(({ headers: h }) => h.get('idempotency-replayed') === 'true');
  assert.equal(replayed.length, 49);
  const other = await start({ file_id: 'another' }, headers);
  assert.equal(other.status, 409);
  assert.equal(
    ((await other.json()) as { error: { code: string } }).error.code,
    'idempotency_conflict',
  );
});

test('the copy in KV is there before the 202, and is listed with its filters', async () => {
  scriptTask([{ status: 'RUNNING' }]);
  const id = await startedId();
  const list = async (query: string) => {
    const response = await send(`${worker.url}/imports?${query}`, client.key, 'GET');
    return ((await response.json()) as { imports: { id: string }[] }).imports.map((one) => one.id);
  };
  assert.equal((await list('limit=1'))[0], id);
  assert.ok((await list(`dataset_id=${DATASET}&status=running`)).includes(id));
  assert.ok(!(await list(`dataset_id=${randomUUID()}`)).includes(id));
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const response = await send(`${worker.url}/imports?limit=2${query}`, client.key, 'GET');
    const page = (await response.json()) as {
      imports: { id: string }[];
      next_cursor: string | null;
    };
    seen.push(...page.imports.map((one) => one.id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  assert.deepEqual(seen, await list('limit=100'), 'pages of two give the same as one page');
  assert.equal(new Set(seen).size, seen.length);
});

test('the event stream shows each change once and ends after the last; a later one continues', async () => {
  scriptTask([
    { status: 'RUNNING', progress: 40 },
    { status: 'RUNNING', progress: 20 },
    { status: 'COMPLETED' },
  ]);
  const id = await startedId();
  const response = await send(`${worker.url}/imports/${id}/events`, client.key, 'GET');
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const frames = (await response.text()).split('\n\n').filter((frame) => frame.startsWith('id: '));
  const views = frames.map((frame) => {
    const [idLine, event, data] = frame.split('\n');
    assert.equal(event, 'event: import');
    const view = JSON.parse((data ?? '').slice(6)) as {
      sequence: number;
      progress: number;
      status: string;
    };
    assert.equal(idLine, `id: ${view.sequence}`);
    return view;
  });
  const progress = views.map((view) => view.progress);
  assert.deepEqual(
    progress,
    progress.toSorted((a, b) => a - b),
  );
  const last = views.at(-1);
  assert.equal(last?.status, 'completed');
  const done = await send(`${worker.url}/imports/${id}/events`, client.key, 'GET', undefined, {
    'last-event-id': String(last.sequence),
  });
  assert.equal(done.status, 204);
  const again = await send(`${worker.url}/imports/${id}/events`, client.key, 'GET', undefined, {
    'last-event-id': String(last.sequence - 1),
  });
  assert.match(await again.text(), /^id: \d+\nevent: import\ndata: .*"status":"completed".*\n\n$/);
});

test('a webhook is retried with the same id and body, freshly signed, until a 2xx comes', async (t) => {
  const receiver = await startReceiver((response, attempt) => {
    if (attempt === 1) response.writeHead(500).end('not yet');
    else if (attempt === 2) response.writeHead(302, { location: receiver.url }).end();
    else response.writeHead(200).end();
  });
  t.after(() => receiver.close());
  scriptTask([{ status: 'COMPLETED' }]);
  const id = await startedId({ callback: { url: receiver.url }, metadata: { ticket: 'A-1' } });
  await until('three attempts', () => receiver.received.length === 3);
  const [first, ...rest] = receiver.received;
  assert.ok(first);
  for (const webhook of rest) {
    assert.equal(webhook.body, first.body);
    assert.equal(webhook.headers['webhook-id'], first.headers['webhook-id']);
  }
  for (const { body, headers } of receiver.received) {
    new Webhook(client.signing_secret).verify(body, headers as Record<string, string>);
  }
  const payload = JSON.parse(first.body) as { type: string; data: Record<string, unknown> };
  assert.equal(payload.type, 'import.completed');
  assert.deepEqual(payload.data['metadata'], { ticket: 'A-1' });
  assert.ok(!first.body.includes(receiver.url));
  await until('the delivery to be noted', async () => {
    const response = await send(`${worker.url}/imports/${id}`, client.key, 'GET');
    const { delivery } = (await response.json()) as { delivery: object };
    return JSON.stringify(delivery).includes('"status":"delivered","attempts":3');
  });
});

test('a receiver that hangs is given up at the time-out, and the schedule’s end is told', async (t) => {
  const receiver = await startReceiver(() => undefined);
  t.after(() => receiver.close());
  scriptTask([{ status: 'COMPLETED' }]);
  const id = await startedId({ callback: { url: receiver.url } });
  const view = await until('the deliveries to fail', async () => {
    const response = await send(`${worker.url}/imports/${id}`, client.key, 'GET');
    const found = (await response.json()) as { status: string; delivery: { status: string } };
    return found.delivery.status === 'failed' && found;
  });
  assert.equal(view.status, 'completed');
  assert.equal(receiver.received.length, 3);
});

test('only the events that a callback asks for are sent', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  scriptTask([{ status: 'COMPLETED' }]);
  const id = await startedId({ callback: { url: receiver.url, events: ['import.started'] } });
  await ended(worker.url, client.key, id);
  await until('the webhook', () => receiver.received.length === 1);
  assert.equal(
    (JSON.parse(receiver.received[0]?.body ?? '') as { type: string }).type,
    'import.started',
  );
});
