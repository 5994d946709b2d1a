import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { Webhook } from 'standardwebhooks';
import type { ImportView } from '../../src/domain/import-view.ts';
import type { KeptDataset } from '../support/dataset-upstream.ts';
import { importsUnderTest, UPSTREAM_KEY } from '../support/imports.ts';
import { startReceiver, type ReceivedWebhook } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { ADMIN_KEY, send, type TestClient } from '../support/worker.ts';

const it = await importsUnderTest({ WEBHOOK_RETRY_S: '0,0.05,1.5', WEBHOOK_TIMEOUT_MS: '400' });
const { worker, client, upstream, started, view, once, ended, attempts } = it;

type Answer = NonNullable<Parameters<typeof startReceiver>[0]>;

async function receiverOf(t: TestContext, answer?: Answer) {
  const receiver = await startReceiver(answer);
  t.after(() => receiver.close());
  return receiver;
}

/** An import that completes at its first poll. */
function quickDataset(): KeptDataset {
  const dataset = upstream.dataset();
  dataset.steps = [{ status: 'COMPLETED', progress: 100 }];
  return dataset;
}

function verified({ body, headers }: ReceivedWebhook, by: TestClient = client) {
  new Webhook(by.signing_secret).verify(body, headers as Record<string, string>);
  return JSON.parse(body) as {
    type: string;
    timestamp: string;
    data: ImportView & {
      links: object;
      tasks_omitted?: number;
      metadata_omitted?: boolean;
      callback: object;
    };
  };
}

const settled = (id: string) =>
  once(
    'to be settled',
    id,
    ({ finished_at, delivery }) =>
      finished_at !== null && delivery.next_attempt_at === null && delivery.status !== 'pending',
  );

test('a webhook is signed and says exactly what the import is, without the callback’s URL', async (t) => {
  const receiver = await receiverOf(t);
  const metadata = { ticket: 'A-1', nested: { deep: [1, null, 'é'] } };
  const { id } = await started(quickDataset(), { callback: { url: receiver.url }, metadata });
  const seen = await settled(id);
  const [webhook] = receiver.received;
  assert.ok(webhook);
  const payload = verified(webhook);
  assert.equal(webhook.body, JSON.stringify(payload), 'minified');
  assert.deepEqual(Object.keys(payload), ['type', 'timestamp', 'data']);
  assert.equal(payload.timestamp, seen.finished_at);
  assert.ok(seen.callback);
  const { delivery, ...data } = payload.data;
  const { delivery: _, ...same } = seen;
  assert.deepEqual(data, {
    ...same,
    callback: { events: seen.callback.events },
    links: { self: `${worker.url}/imports/${id}` },
  });
  assert.equal(delivery.status, 'pending');
  assert.ok(!webhook.body.includes(receiver.url));
  const { headers } = webhook;
  assert.equal(headers['content-type'], 'application/json');
  assert.match(headers['user-agent'] ?? '', /^Windsock-Webhooks\/\d+\.\d+\.\d+$/);
  assert.match(String(headers['webhook-id']), /^msg_[A-Za-z0-9_-]+$/);
  assert.ok(Math.abs(Number(headers['webhook-timestamp']) - webhook.at / 1000) < 3);
  assert.match(String(headers['webhook-signature']), /^v1,[A-Za-z0-9+/=]{44}$/);
});

test('what would not fit into 20 kB goes: metadata first, then the tail of the tasks', async (t) => {
  const receiver = await receiverOf(t);
  const dataset = upstream.dataset();
  const { id } = await started(dataset, {
    source: 'explorer',
    event_ids: Array.from({ length: 250 * 500 }, (_, n) => `e${n}`),
    metadata: { text: 'é'.repeat(7900) },
    callback: { url: receiver.url },
  });
  await until('all tasks', () => dataset.tasks.length === 250, 40_000);
  dataset.update({ status: 'COMPLETED' });
  const end = await ended(id);
  assert.deepEqual([end.tasks.length, end.metadata['text']], [250, 'é'.repeat(7900)]);
  await until('the webhook', () => receiver.received.length === 1);
  const [webhook] = receiver.received;
  assert.ok(webhook);
  const { data } = verified(webhook);
  const size = Buffer.byteLength(webhook.body);
  assert.ok(size < 20_000 && size > 19_800, `${size} bytes`);
  assert.deepEqual([data.metadata, data.metadata_omitted], [{}, true]);
  assert.equal(data.tasks.length + (data.tasks_omitted ?? 0), 250);
  assert.deepEqual(data.tasks, end.tasks.slice(0, data.tasks.length));
});

test('16 kB of metadata and one task fit', async (t) => {
  const receiver = await receiverOf(t);
  const metadata = { text: 'é'.repeat(7900) };
  await started(quickDataset(), { metadata, callback: { url: receiver.url } });
  await until('the webhook', () => receiver.received.length === 1);
  const [webhook] = receiver.received;
  assert.ok(webhook && Buffer.byteLength(webhook.body) < 20_000);
  assert.deepEqual(verified(webhook).data.metadata, metadata);
});

test('only the events that a callback asks for are sent', async (t) => {
  const [some, all] = [await receiverOf(t), await receiverOf(t)];
  const events = ['import.started', 'import.started'];
  const one = await started(quickDataset(), { callback: { url: some.url, events } });
  const two = await started(quickDataset(), { callback: { url: all.url } });
  await settled(one.id);
  await settled(two.id);
  assert.deepEqual(
    some.received.map((webhook) => verified(webhook).type),
    ['import.started'],
  );
  assert.deepEqual(
    all.received.map((webhook) => verified(webhook).type),
    ['import.completed'],
  );
  const told = verified(some.received[0] ?? assert.fail()).data;
  assert.deepEqual([told.status, told.finished_at], ['running', null]);
});

for (const [status, event] of [
  ['COMPLETED', 'import.completed'],
  ['FAILED', 'import.failed'],
  ['CANCELED', 'import.canceled'],
  ['TERMINATED', 'import.terminated'],
  ['TIMED_OUT', 'import.timed_out'],
] as const) {
  test(`${status} is told as ${event}`, async (t) => {
    const receiver = await receiverOf(t);
    const dataset = upstream.dataset();
    dataset.steps = [{ status }];
    await started(dataset, { callback: { url: receiver.url } });
    await until('the webhook', () => receiver.received.length === 1);
    assert.equal(verified(receiver.received[0] ?? assert.fail()).type, event);
  });
}

test('an import of nothing is told too', async (t) => {
  const receiver = await receiverOf(t);
  upstream.matches = [];
  const body = { source: 'explorer', where: null, callback: { url: receiver.url } };
  await started(upstream.dataset(), body);
  await until('the webhook', () => receiver.received.length === 1);
  assert.equal(verified(receiver.received[0] ?? assert.fail()).type, 'import.completed');
});

test('progress is told at most once in ten seconds', async (t) => {
  const receiver = await receiverOf(t);
  const dataset = upstream.dataset();
  const callback = { url: receiver.url, events: ['import.progress', 'import.completed'] };
  const { id } = await started(dataset, { callback });
  const begun = Date.now();
  await until('progress to be told', () => {
    dataset.update({ progress: Math.min(90, Math.floor((Date.now() - begun) / 200)) });
    return receiver.received.length === 1;
  });
  assert.ok(Date.now() - begun < 9500, 'the first move is told at once');
  await until('progress to be told again', () => {
    dataset.update({ progress: Math.min(90, Math.floor((Date.now() - begun) / 200)) });
    return receiver.received.length === 2;
  });
  const [first, second] = receiver.received;
  assert.ok(first && second);
  assert.ok(second.at - first.at > 9500, `${second.at - first.at} ms`);
  dataset.update({ progress: 95 });
  await once('to see it', id, (seen) => seen.progress === 95);
  dataset.update({ status: 'COMPLETED' });
  await settled(id);
  assert.deepEqual(
    receiver.received.map((webhook) => verified(webhook).type),
    ['import.progress', 'import.progress', 'import.completed'],
  );
});

test('a webhook is retried with the same id and bytes, freshly dated and signed', async (t) => {
  const receiver = await receiverOf(t, (response, attempt) => {
    if (attempt < 3) response.writeHead(500).end('not yet');
    else response.writeHead(200).end();
  });
  const { id } = await started(quickDataset(), { callback: { url: receiver.url } });
  const seen = await settled(id);
  assert.deepEqual(seen.delivery, {
    status: 'delivered',
    attempts: 3,
    next_attempt_at: null,
    last_status: 200,
  });
  const { received } = receiver;
  for (const webhook of received) verified(webhook);
  const different = (of: (webhook: ReceivedWebhook) => unknown) => new Set(received.map(of)).size;
  assert.equal(
    different(({ headers }) => headers['webhook-id']),
    1,
  );
  assert.equal(
    different(({ body }) => body),
    1,
  );
  assert.ok(different(({ headers }) => headers['webhook-timestamp']) > 1);
  assert.ok(different(({ headers }) => headers['webhook-signature']) > 1);
});

test('a redirect is a failure and is not followed', async (t) => {
  const target = await receiverOf(t);
  const receiver = await receiverOf(t, (response, attempt) =>
    response.writeHead([301, 302, 307][attempt - 1] ?? 308, { location: target.url }).end(),
  );
  const { id } = await started(quickDataset(), { callback: { url: receiver.url } });
  const seen = await settled(id);
  assert.deepEqual([seen.delivery.status, seen.delivery.attempts], ['failed', 3]);
  assert.deepEqual(
    (await attempts(id)).map(({ status, error }) => [status, error]),
    [
      [301, 'http'],
      [302, 'http'],
      [307, 'http'],
    ],
  );
  assert.deepEqual(target.received, []);
});

test('410 ends all deliveries of the import, those of later events too', async (t) => {
  const receiver = await receiverOf(t, (response) => response.writeHead(410).end());
  const dataset = upstream.dataset();
  const events = ['import.started', 'import.completed'];
  const { id } = await started(dataset, { callback: { url: receiver.url, events } });
  await once('to be told', id, ({ delivery }) => delivery.status === 'failed');
  dataset.update({ status: 'COMPLETED' });
  const seen = await settled(id);
  assert.deepEqual(
    [seen.status, seen.delivery.status, seen.delivery.attempts],
    ['completed', 'failed', 1],
  );
  assert.equal((await attempts(id)).length, 1);
  assert.equal(receiver.received.length, 1);
});

for (const [status, asked, least, most] of [
  [503, '1', 1000, 5000],
  [429, '1', 1000, 5000],
  [503, '3600', 1400, 5000],
  [500, '1', 40, 1000],
] as const) {
  test(`Retry-After: ${asked} with ${status} puts the next attempt off by ${least} ms or little more`, async (t) => {
    const receiver = await receiverOf(t, (response, attempt) =>
      attempt === 1
        ? response.writeHead(status, { 'retry-after': asked }).end()
        : response.writeHead(204).end(),
    );
    const { id } = await started(quickDataset(), { callback: { url: receiver.url } });
    await settled(id);
    const [first, second] = receiver.received;
    assert.ok(first && second);
    const waited = second.at - first.at;
    assert.ok(waited >= least && waited < most, `${waited} ms`);
  });
}

describe('a receiver that hangs', () => {
  test('before its headers is given up at the time-out, and tried again', async (t) => {
    const receiver = await receiverOf(t, (response, attempt) => {
      if (attempt > 1) response.writeHead(200).end();
    });
    const { id } = await started(quickDataset(), { callback: { url: receiver.url } });
    await settled(id);
    const [first, second] = await attempts(id);
    assert.deepEqual([first?.status, first?.error, second?.status], [null, 'timeout', 200]);
    assert.ok(first && first.duration_ms >= 390, `${first?.duration_ms}`);
  });

  test('in its body is given up too, however it dribbles', async (t) => {
    const receiver = await receiverOf(t, (response, attempt) => {
      if (attempt > 1) return void response.writeHead(200).end();
      response.writeHead(200).write('.');
      const timer = setInterval(() => response.write('.'), 50);
      response.on('close', () => clearInterval(timer));
    });
    const { id } = await started(quickDataset(), { callback: { url: receiver.url } });
    await settled(id);
    const [first] = await attempts(id);
    assert.deepEqual([first?.status, first?.error], [200, 'timeout']);
    assert.ok(first && first.duration_ms >= 390, `${first?.duration_ms}`);
  });
});

test('a poll that hangs does not delay the next attempt of a webhook', async (t) => {
  const receiver = await receiverOf(t, (response, attempt) =>
    response.writeHead(attempt === 1 ? 500 : 204).end(),
  );
  const dataset = upstream.dataset();
  dataset.fail('fetch', { answer: 'hang' }, { answer: 'hang' });
  const { id } = await started(dataset, {
    callback: { url: receiver.url, events: ['import.started'] },
  });
  await until('a poll that hangs', () => dataset.count('fetch') === 1);
  await once('to be delivered', id, ({ delivery }) => delivery.status === 'delivered');
  assert.equal(receiver.received.length, 2);
  assert.equal(dataset.count('fetch'), 1, 'it hangs still');
});

test('at most 16 kB of an answer are kept, and no secret that it echoes, not even half of one', async (t) => {
  const secret = client.signing_secret;
  const bare = secret.replace('whsec_', '');
  const answers = [
    `key ${UPSTREAM_KEY}, secret ${secret}, bare ${bare}.`,
    'x'.repeat(16_384 - 20) + secret,
    // What is not UTF-8 is replaced, and becomes three times as long.
    Buffer.concat([Buffer.from('é'.repeat(5000)), Buffer.alloc(20_000, 0xff)]),
  ];
  const receiver = await receiverOf(t, (response, attempt) =>
    response.writeHead(500).end(answers[attempt - 1]),
  );
  const { id } = await started(quickDataset(), { callback: { url: receiver.url } });
  await settled(id);
  const logged = await attempts(id);
  assert.equal(logged.length, 3);
  for (const { response_excerpt } of logged) {
    assert.ok(Buffer.byteLength(response_excerpt) <= 16_384);
    for (const hidden of [UPSTREAM_KEY, secret, bare, bare.slice(0, 10), secret.slice(0, 12)]) {
      assert.ok(!response_excerpt.includes(hidden), `${hidden} in ${response_excerpt.slice(-60)}`);
    }
  }
  assert.match(logged[0]?.response_excerpt ?? '', /^key .*, secret .*, bare .*\.$/);
});

test('while a signing secret rotates, both sign', async (t) => {
  const own = await worker.createClient();
  const receiver = await receiverOf(t);
  const rotated = await send(`${worker.url}/admin/clients/${own.id}/rotate`, ADMIN_KEY, 'POST', {
    what: 'signing_secret',
  });
  const { signing_secret } = (await rotated.json()) as TestClient;
  assert.notEqual(signing_secret, own.signing_secret);
  const answer = await send(`${worker.url}/webhooks/test`, own.key, 'POST', { url: receiver.url });
  assert.equal(answer.status, 200);
  const [webhook] = receiver.received;
  assert.ok(webhook);
  assert.equal(String(webhook.headers['webhook-signature']).split(' ').length, 2);
  verified(webhook, own);
  verified(webhook, { ...own, signing_secret });
});

test('what the upstream says in a task’s message is told without the key', async (t) => {
  const receiver = await receiverOf(t);
  const dataset = upstream.dataset();
  dataset.steps = [{ status: 'FAILED', message: `refused for ${UPSTREAM_KEY}` }];
  const { id } = await started(dataset, { callback: { url: receiver.url } });
  await settled(id);
  assert.match((await view(id)).message ?? '', /^refused for /);
  assert.ok(!JSON.stringify(await view(id)).includes(UPSTREAM_KEY));
  assert.ok(!receiver.received[0]?.body.includes(UPSTREAM_KEY));
});

test('an upstream refusal that echoes the key is answered without it', async () => {
  const dataset = upstream.dataset();
  const body = { detail: { message: `bad key ${UPSTREAM_KEY}`, error_code: UPSTREAM_KEY } };
  dataset.fail('start', { answer: 400, body });
  const text = await (await it.start(dataset)).text();
  assert.match(text, /bad key/);
  assert.ok(!text.includes(UPSTREAM_KEY), text);
});
