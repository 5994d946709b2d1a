import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Miniflare } from 'miniflare';
import { Webhook } from 'standardwebhooks';
import type { ImportView } from '../../src/domain/import-view.ts';
import {
  copiesOf,
  importsUnderTest,
  UPSTREAM_KEY,
  type LoggedAttempt,
} from '../support/imports.ts';
import { startReceiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { ADMIN_KEY, createClient, send, startWorker, workerOptions } from '../support/worker.ts';

const it = await importsUnderTest({ WEBHOOK_TIMEOUT_MS: '400' });
const { worker, client, upstream, started, once, attempts, refused } = it;

type Answer = NonNullable<Parameters<typeof startReceiver>[0]>;

async function receiverOf(t: TestContext, answer?: Answer) {
  const receiver = await startReceiver(answer);
  t.after(() => receiver.close());
  return receiver;
}

/** An import that has completed and whose webhooks have come to something. */
async function delivered(url: string | null, events?: string[]): Promise<ImportView> {
  const dataset = upstream.dataset();
  dataset.steps = [{ status: 'COMPLETED', progress: 100 }];
  const { id } = await started(dataset, url === null ? {} : { callback: { url, events } });
  return once(
    'to be settled',
    id,
    ({ finished_at, delivery }) => finished_at !== null && delivery.status !== 'pending',
  );
}

const redeliver = (id: string) => send(`${worker.url}/imports/${id}/redeliver`, client.key, 'POST');
const tryOut = (url: string, key = client.key) =>
  send(`${worker.url}/webhooks/test`, key, 'POST', { url });

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test('every attempt is logged, the first first, with what was answered', async (t) => {
  const receiver = await receiverOf(t, (response, attempt) => {
    if (attempt === 1) response.writeHead(500).end('not yet');
    else if (attempt === 2) response.destroy();
    else response.writeHead(200).end('thanks');
  });
  const { id } = await delivered(receiver.url);
  const logged = await attempts(id);
  const messageId = receiver.received[0]?.headers['webhook-id'];
  const answers = [
    [500, 'http', 'not yet'],
    [null, 'connect', ''],
    [200, null, 'thanks'],
  ];
  for (const [index, one] of logged.entries()) {
    const [status, error, response_excerpt] = answers[index] ?? assert.fail();
    assert.deepEqual(one, {
      id: messageId,
      event: 'import.completed',
      attempt: index + 1,
      at: one.at,
      duration_ms: one.duration_ms,
      status,
      error,
      response_excerpt,
    });
  }
  assert.equal(logged.length, 3);
  for (const { at, duration_ms } of logged) {
    assert.match(at, ISO);
    assert.ok(duration_ms >= 0 && duration_ms < 10_000);
  }
  assert.deepEqual(
    logged.map(({ at }) => at),
    logged.map(({ at }) => at).toSorted(),
  );
});

test('an import without a callback has sent nothing, and there is nothing to deliver again', async () => {
  const { id, delivery, callback } = await delivered(null);
  assert.equal(callback, null);
  assert.deepEqual(delivery, {
    status: 'none',
    attempts: 0,
    next_attempt_at: null,
    last_status: null,
  });
  assert.deepEqual(await attempts(id), []);
  await refused(await redeliver(id), 400, 'invalid_request');
});

test('before an event has happened there is nothing to deliver again', async (t) => {
  const receiver = await receiverOf(t);
  const { id } = await started(upstream.dataset(), { callback: { url: receiver.url } });
  await refused(await redeliver(id), 400, 'invalid_request');
  assert.deepEqual(receiver.received, []);
});

test('a webhook is delivered again with its id and bytes, and attempts go on counting', async (t) => {
  const receiver = await receiverOf(t);
  const { id } = await delivered(receiver.url, ['import.started', 'import.completed']);
  assert.equal(receiver.received.length, 2);
  const again = await redeliver(id);
  assert.equal(again.status, 202);
  const view = (await again.json()) as ImportView;
  assert.deepEqual([view.id, view.delivery.status], [id, 'pending']);
  await until('the webhook once more', () => receiver.received.length === 3);
  await once('to be noted', id, ({ delivery }) => delivery.status === 'delivered');
  const newest = receiver.received.find(({ body }) =>
    body.startsWith('{"type":"import.completed"'),
  );
  const [third] = receiver.received.slice(2);
  assert.ok(newest && third);
  assert.equal(third.body, newest.body);
  assert.equal(third.headers['webhook-id'], newest.headers['webhook-id']);
  new Webhook(client.signing_secret).verify(third.body, third.headers as Record<string, string>);
  const ofNewest = (await attempts(id)).filter(({ event }) => event === 'import.completed');
  assert.deepEqual(
    ofNewest.map(({ attempt }) => attempt),
    [1, 2],
  );
});

test('a redelivery does not wait for a poll that hangs', async (t) => {
  const receiver = await receiverOf(t);
  const dataset = upstream.dataset();
  const { id } = await started(dataset, {
    callback: { url: receiver.url, events: ['import.started'] },
  });
  await once('to be delivered', id, ({ delivery }) => delivery.status === 'delivered');
  dataset.fail('fetch', { answer: 'hang' });
  const { length } = dataset.calls;
  await until('a poll that hangs', () => dataset.calls.length > length);
  assert.equal((await redeliver(id)).status, 202);
  await until('the webhook once more', () => receiver.received.length === 2);
  assert.equal(dataset.calls.length, length + 1, 'it hangs still');
});

test('a webhook that was given up is delivered again along the whole schedule', async (t) => {
  const receiver = await receiverOf(t, (response, attempt) =>
    response.writeHead(attempt < 6 ? 500 : 200).end(),
  );
  const { id, delivery } = await delivered(receiver.url);
  assert.deepEqual([delivery.status, delivery.attempts], ['failed', 3]);
  assert.equal((await redeliver(id)).status, 202);
  const seen = await once('to be delivered', id, (view) => view.delivery.status === 'delivered');
  assert.equal(seen.delivery.attempts, 6);
  assert.deepEqual(
    (await attempts(id)).map(({ attempt }) => attempt),
    [1, 2, 3, 4, 5, 6],
  );
  assert.equal(new Set(receiver.received.map(({ body }) => body)).size, 1);
});

for (const [what, status, tries] of [
  ['is delivered by it goes once more', 200, 2],
  ['fails in it has a whole schedule before it', 500, 6],
] as const) {
  test(`a webhook that is asked for anew during its last attempt and ${what}`, async (t) => {
    const { promise: asked, resolve: goOn } = Promise.withResolvers<void>();
    const last = tries - (status === 200 ? 1 : 3);
    const receiver = await receiverOf(t, (response, attempt) => {
      if (attempt !== last) response.writeHead(status).end();
      else void asked.then(() => response.writeHead(status).end());
    });
    const dataset = upstream.dataset();
    dataset.steps = [{ status: 'COMPLETED', progress: 100 }];
    const { id } = await started(dataset, { callback: { url: receiver.url } });
    await until('the last attempt', () => receiver.received.length === last);
    assert.equal((await redeliver(id)).status, 202);
    goOn();
    const seen = await once(
      'to be settled',
      id,
      ({ delivery }) => delivery.attempts === tries && delivery.status !== 'pending',
    );
    assert.equal(seen.delivery.status, status === 200 ? 'delivered' : 'failed');
    assert.equal(receiver.received.length, tries);
    assert.equal(new Set(receiver.received.map(({ body }) => body)).size, 1);
  });
}

test('to a receiver that said 410 a webhook goes once more where that is asked for, and no oftener', async (t) => {
  const receiver = await receiverOf(t, (response) => response.writeHead(410).end());
  const { id, delivery } = await delivered(receiver.url);
  assert.deepEqual([delivery.status, delivery.attempts], ['failed', 1]);
  assert.equal((await redeliver(id)).status, 202);
  const seen = await once(
    'to be tried',
    id,
    (view) => view.delivery.attempts === 2 && view.delivery.status === 'failed',
  );
  assert.equal(seen.delivery.next_attempt_at, null);
  assert.equal(receiver.received.length, 2);
});

test('a webhook is tried out through the real path, and the attempt is the answer', async (t) => {
  const receiver = await receiverOf(t, (response) =>
    response.writeHead(418).end(`short, stout and ${client.signing_secret} ${UPSTREAM_KEY}`),
  );
  const answer = await tryOut(receiver.url);
  assert.equal(answer.status, 200);
  const attempt = (await answer.json()) as LoggedAttempt;
  const [webhook] = receiver.received;
  assert.ok(webhook);
  const payload = new Webhook(client.signing_secret).verify(
    webhook.body,
    webhook.headers as Record<string, string>,
  ) as { type: string; timestamp: string; data: object };
  assert.deepEqual(Object.keys(payload), ['type', 'timestamp', 'data']);
  assert.equal(payload.type, 'webhook.test');
  assert.match(payload.timestamp, ISO);
  assert.deepEqual(Object.keys(attempt), [
    'id',
    'event',
    'attempt',
    'at',
    'duration_ms',
    'status',
    'error',
    'response_excerpt',
  ]);
  assert.equal(attempt.id, webhook.headers['webhook-id']);
  assert.deepEqual([attempt.event, attempt.attempt], ['webhook.test', 1]);
  assert.deepEqual([attempt.status, attempt.error], [418, 'http']);
  assert.match(attempt.response_excerpt, /^short, stout and /);
  for (const hidden of [UPSTREAM_KEY, client.signing_secret.slice(6)]) {
    assert.ok(!attempt.response_excerpt.includes(hidden));
  }
  assert.equal(receiver.received.length, 1, 'it is not tried again');
});

test('a receiver that is tried out and hangs, refuses or is not there is an attempt too', async (t) => {
  const hanging = await receiverOf(t, () => undefined);
  const gone = await startReceiver();
  gone.close();
  const outcome = async (url: string) => {
    const answer = await tryOut(url);
    assert.equal(answer.status, 200);
    const { status, error } = (await answer.json()) as LoggedAttempt;
    return [status, error];
  };
  assert.deepEqual(await outcome(hanging.url), [null, 'timeout']);
  assert.deepEqual(await outcome(gone.url), [null, 'connect']);
});

test('a target that may not be called is refused when it is tried out or registered', async () => {
  const strict = await startWorker({ CALLBACK_ALLOW_PRIVATE: 'false' });
  try {
    const { key } = await strict.createClient();
    for (const url of [
      'http://example.com/',
      'https://127.1/',
      'https://[::ffff:10.0.0.1]/',
      'https://a.local/',
    ]) {
      const answer = await send(`${strict.url}/webhooks/test`, key, 'POST', { url });
      const error = await refused(answer, 422, 'callback_refused');
      assert.equal(error.details?.[0]?.path, '/url', url);
    }
  } finally {
    await strict.dispose();
  }
  const dataset = upstream.dataset();
  await refused(await tryOut(`${worker.url}/health`), 422, 'callback_refused');
  const own = { callback: { url: `${worker.url}/health` } };
  await refused(await it.start(dataset, own), 422, 'callback_refused');
  assert.deepEqual(dataset.calls, []);
});

test('a target is judged at each attempt: what is not allowed any more is not called', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'windsock-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const receiver = await receiverOf(t);
  const dataset = upstream.dataset();
  const vars = {
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'any',
    POLL_MIN_MS: '20',
    POLL_MAX_MS: '100',
    WEBHOOK_RETRY_S: '0,0.05',
  };
  const lenient = new Miniflare(workerOptions(vars, 0, folder));
  const { origin } = await lenient.ready;
  const { key } = await createClient(origin);
  const answer = await send(`${origin}/datasets/${dataset.id}/imports`, key, 'POST', {
    source: 'file',
    file_id: 'f-1',
    callback: { url: receiver.url },
  });
  const { id } = (await answer.json()) as { id: string };
  await lenient.dispose();
  dataset.update({ status: 'COMPLETED' });
  const strict = new Miniflare(
    workerOptions({ ...vars, CALLBACK_ALLOW_PRIVATE: 'false' }, 0, folder),
  );
  try {
    const { origin: now } = await strict.ready;
    const logged = await until('the attempts', async () => {
      const log = await send(`${now}/imports/${id}/deliveries`, key, 'GET');
      const { deliveries } = (await log.json()) as { deliveries: LoggedAttempt[] };
      return deliveries.length === 2 && deliveries;
    });
    for (const { status, error, response_excerpt } of logged) {
      assert.deepEqual([status, error], [null, 'blocked']);
      assert.match(response_excerpt, /https/);
    }
    assert.deepEqual(receiver.received, []);
  } finally {
    await strict.dispose();
  }
});

interface ClientRecords {
  get(name: string): Promise<string | null>;
  put(name: string, value: string): Promise<void>;
}

test('an attempt that could not be made for lack of the secret uses up none of the retries', async (t) => {
  const receiver = await receiverOf(t, (response, attempt) =>
    response.writeHead(attempt < 3 ? 500 : 200).end(),
  );
  const dataset = upstream.dataset();
  const own = await worker.createClient();
  const path = `${worker.url}/datasets/${dataset.id}/imports`;
  const body = { source: 'file', file_id: 'f-1', callback: { url: receiver.url } };
  assert.equal((await send(path, own.key, 'POST', body)).status, 202);
  // As good as a KV that fails: the record cannot be read.
  const kv = (await worker.miniflare.getKVNamespace('KV')) as unknown as ClientRecords;
  const record = await kv.get(`client:${own.id}`);
  await kv.put(`client:${own.id}`, 'no JSON');
  dataset.update({ status: 'COMPLETED' });
  await until('the first to be put off', async () => {
    const [copy] = await copiesOf(worker, own.id);
    return copy?.status === 'completed';
  });
  await kv.put(`client:${own.id}`, record ?? '');
  await until('the last attempt of three', () => receiver.received.length === 3);
  const delivery = await until('it to be noted', async () => {
    const [copy] = await copiesOf(worker, own.id);
    return copy?.delivery.status !== 'pending' && copy?.delivery;
  });
  assert.deepEqual([delivery.status, delivery.attempts], ['delivered', 3]);
});

test('when its client was deleted, an import sends nothing', async (t) => {
  const receiver = await receiverOf(t);
  const dataset = upstream.dataset();
  const own = await worker.createClient();
  const answer = await send(`${worker.url}/datasets/${dataset.id}/imports`, own.key, 'POST', {
    source: 'file',
    file_id: 'f-1',
    callback: { url: receiver.url },
  });
  assert.equal(answer.status, 202);
  const gone = await send(`${worker.url}/admin/clients/${own.id}`, ADMIN_KEY, 'DELETE');
  assert.equal(gone.status, 204);
  dataset.update({ status: 'COMPLETED' });
  await until('the deliveries to fail', async () => {
    const [copy] = await copiesOf(worker, own.id);
    return copy?.delivery.status === 'failed';
  });
  assert.deepEqual(receiver.received, []);
});

test('another client’s import cannot be read, watched or delivered again', async (t) => {
  const receiver = await receiverOf(t);
  const { id } = await delivered(receiver.url);
  const stranger = await worker.createClient();
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/events'],
    ['GET', '/deliveries'],
    ['POST', '/redeliver'],
  ] as const) {
    const answer = await send(`${worker.url}/imports/${id}${path}`, stranger.key, method);
    await refused(answer, 404, 'not_found');
  }
  const list = await send(`${worker.url}/imports`, stranger.key, 'GET');
  assert.deepEqual(await list.json(), { imports: [], next_cursor: null });
  assert.equal(receiver.received.length, 1);
});
