import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { startReceiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { taskBody } from '../support/tasks.ts';
import { until } from '../support/until.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { createClient, ended, send } from '../support/worker.ts';

let upstream: ScriptedUpstream;
let server: TestServer;

before(async () => {
  upstream = await startUpstream();
  server = await startServer({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '50',
    POLL_MAX_MS: '200',
    WEBHOOK_RETRY_S: '0,0.1,0.1,0.1',
    WEBHOOK_TIMEOUT_MS: '500',
  });
});
after(async () => {
  await server.dispose();
  upstream.close();
});

test('an import killed between polls ends and notifies after the restart, with no request made', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const client = await createClient(server.url);
  const datasetId = randomUUID();
  const task = randomUUID();
  let isDone = false;
  upstream.script((request, response) => {
    if (request.method === 'POST') return json(response, 202, taskBody(task, datasetId));
    return json(response, 200, taskBody(task, datasetId, isDone ? { status: 'COMPLETED' } : {}));
  });
  const started = await send(`${server.url}/datasets/${datasetId}/imports`, client.key, 'POST', {
    source: 'file',
    file_id: 'f-1',
    callback: { url: receiver.url },
  });
  const { id } = (await started.json()) as { id: string };
  await until('a first poll', () => upstream.seen.some(({ method }) => method === 'GET'));
  await server.kill();
  isDone = true;
  await server.restart();
  const [webhook] = await until(
    'the webhook',
    () => receiver.received.length > 0 && receiver.received,
  );
  assert.ok(webhook);
  new Webhook(client.signing_secret).verify(
    webhook.body,
    webhook.headers as Record<string, string>,
  );
  assert.equal((JSON.parse(webhook.body) as { data: { id: string } }).data.id, id);
  assert.equal(upstream.seen.filter(({ method }) => method === 'POST').length, 1);
});

test('an attempt that died with the server is made again under the same id', async (t) => {
  let isUp = false;
  const receiver = await startReceiver((response) => {
    if (isUp) response.writeHead(204).end();
  });
  t.after(() => receiver.close());
  const client = await createClient(server.url);
  const datasetId = randomUUID();
  const task = randomUUID();
  upstream.script((request, response) =>
    request.method === 'POST'
      ? json(response, 202, taskBody(task, datasetId))
      : json(response, 200, taskBody(task, datasetId, { status: 'COMPLETED' })),
  );
  const started = await send(`${server.url}/datasets/${datasetId}/imports`, client.key, 'POST', {
    source: 'file',
    file_id: 'f-1',
    callback: { url: receiver.url },
  });
  const { id } = (await started.json()) as { id: string };
  await until('the attempt that hangs', () => receiver.received.length === 1);
  await server.kill();
  isUp = true;
  await server.restart();
  await until('the next attempt', () => receiver.received.length >= 2);
  const ids = new Set(receiver.received.map(({ headers }) => headers['webhook-id']));
  assert.equal(ids.size, 1);
  assert.equal((await ended(server.url, client.key, id))['status'], 'completed');
});

test('an import task of the built-in backend killed in its middle imports every line once', async () => {
  const builtin = await startServer({ POLL_MIN_MS: '50' });
  try {
    const { key } = await createClient(builtin.url);
    const count = 20_000;
    const lines = Array.from({ length: count }, (_, n) => `{"payload":{"n":${n}}}`).join('\n');
    const form = new FormData();
    form.set('file', new Blob([lines]), 'many.jsonl');
    const headers = { authorization: `Bearer ${key}` };
    const upload = await fetch(`${builtin.url}/v1/files`, { method: 'POST', headers, body: form });
    const file = (await upload.json()) as { id: string };
    const datasets = `${builtin.url}/v1/observability/datasets`;
    const created = await send(datasets, key, 'POST', { name: 'killed', description: '' });
    assert.equal(created.status, 201);
    const dataset = (await created.json()) as { id: string };
    const started = await send(`${datasets}/${dataset.id}/imports/from-file`, key, 'POST', {
      file_id: file.id,
    });
    const task = (await started.json()) as { id: string };
    const path = `${datasets}/${dataset.id}/tasks/${task.id}`;
    type Task = { status: string; progress: number };
    const look = async () => (await (await send(path, key, 'GET')).json()) as Task;
    for (const part of [10, 55, 80]) {
      await until(`${part} %`, async () => (await look()).progress >= part);
      await builtin.kill();
      await builtin.restart();
    }
    await until('the end', async () => (await look()).status === 'COMPLETED', 60_000);
    const exported = await send(`${datasets}/${dataset.id}/exports/to-jsonl`, key, 'GET');
    const { file_url } = (await exported.json()) as { file_url: string };
    const rows = (await (await fetch(file_url)).text()).trimEnd().split('\n');
    const numbers = rows.map((row) => (JSON.parse(row) as { payload: { n: number } }).payload.n);
    assert.deepEqual(
      numbers,
      Array.from({ length: count }, (_, n) => n),
    );
  } finally {
    await builtin.dispose();
  }
});
