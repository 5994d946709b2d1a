import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { HTTPClient, Mistral } from '@mistralai/mistralai';
import { ObservabilityError } from '@mistralai/mistralai/models/errors';
import { Webhook } from 'standardwebhooks';
import type { ImportView } from '../../src/domain/import-view.ts';
import type { KeptDataset } from '../support/dataset-upstream.ts';
import { importsUnderTest, times } from '../support/imports.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { send } from '../support/worker.ts';

// Imports that the official SDK starts on Mistral's own path, told of with `Windsock-*` headers.

const { worker, client, upstream, ended, view, once } = await importsUnderTest({
  UPSTREAM_HEADERS_TIMEOUT_MS: '600',
});

const answers: Response[] = [];
const httpClient = new HTTPClient();
httpClient.addHook('response', (answer) => void answers.push(answer));
const mistral = new Mistral({ serverURL: worker.url, apiKey: client.key, httpClient });

async function receiverOf(t: TestContext): Promise<Receiver> {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  return receiver;
}

const importIdOf = (answer: Response | undefined) =>
  answer?.headers.get('windsock-import-id') ?? '';

/** Starts an import with the SDK; resolves with the task and the answer's headers. */
async function bySdk(dataset: KeptDataset, headers: Record<string, string>) {
  const request = {
    datasetId: dataset.id,
    importDatasetFromExplorerRequest: { completionEventIds: ['e-1'] },
  };
  const task = await mistral.beta.observability.datasets.importFromExplorer(request, { headers });
  return { task, answer: answers.at(-1) };
}

/** The same without it, to look at the bytes. */
function byHand(dataset: KeptDataset, headers: Record<string, string>, body = '{"file_id":"f-1"}') {
  const path = `/v1/observability/datasets/${dataset.id}/imports/from-file`;
  return send(worker.url + path, client.key, 'POST', body, headers);
}

async function importsOf(dataset: KeptDataset): Promise<ImportView[]> {
  const list = await send(`${worker.url}/imports?dataset_id=${dataset.id}`, client.key, 'GET');
  return ((await list.json()) as { imports: ImportView[] }).imports;
}

const receivedBy = async (receiver: Receiver, count = 1) => {
  await until('the webhooks', () => receiver.received.length >= count);
  return receiver.received.map(({ body, headers }) => {
    new Webhook(client.signing_secret).verify(body, headers as Record<string, string>);
    return JSON.parse(body) as { type: string; data: ImportView };
  });
};

test('the SDK gets its task, and the callback is called when that has completed', async (t) => {
  const receiver = await receiverOf(t);
  const dataset = upstream.dataset();
  const { task, answer } = await bySdk(dataset, { 'Windsock-Callback': receiver.url });
  assert.equal(task.id, dataset.tasks[0]?.id);
  assert.equal(task.datasetId, dataset.id);
  const id = importIdOf(answer);
  assert.match(id, /^imp_/);
  const seen = await view(id);
  assert.deepEqual([seen.status, seen.source, seen.tasks[0]?.id], ['running', 'explorer', task.id]);
  assert.deepEqual(receiver.received, []);
  dataset.update({ status: 'COMPLETED', progress: 100 });
  const [webhook] = await receivedBy(receiver);
  assert.deepEqual([webhook?.type, webhook?.data.id], ['import.completed', id]);
  assert.equal(dataset.starts[0]?.source, 'explorer');
});

test('events and metadata come in headers', async (t) => {
  const receiver = await receiverOf(t);
  const dataset = upstream.dataset();
  dataset.steps = [{ status: 'FAILED' }];
  const { answer } = await bySdk(dataset, {
    'Windsock-Callback': receiver.url,
    'Windsock-Callback-Events': 'import.started, import.failed',
    'Windsock-Metadata': '{"ticket":"A-1"}',
  });
  const webhooks = await receivedBy(receiver, 2);
  assert.deepEqual(webhooks.map(({ type }) => type).toSorted(), [
    'import.failed',
    'import.started',
  ]);
  for (const { data } of webhooks) assert.deepEqual(data.metadata, { ticket: 'A-1' });
  const { callback } = await ended(importIdOf(answer));
  assert.deepEqual(callback, { url: receiver.url, events: ['import.started', 'import.failed'] });
});

test('request and answer cross byte by byte, unknown fields and headers included', async (t) => {
  const receiver = await receiverOf(t);
  const dataset = upstream.dataset();
  const task = dataset.addTask();
  const answered = `{ "id":"${task.id}",\n "status":"RUNNING", "progress":1e0, "new_field":{"a":[1,2.50]} }\n`;
  dataset.fail('start', {
    answer: 202,
    body: answered,
    headers: { 'mistral-correlation-id': 'c-1', 'x-ratelimit-remaining': '7', 'set-cookie': 'a=b' },
  });
  const body = '{ "file_id" : "f-\\u00e9é", "new": 1.0 }';
  const headers = {
    'windsock-callback': receiver.url,
    'x-custom': 'kept',
    accept: 'application/json',
  };
  const answer = await byHand(dataset, headers, body);
  assert.equal(answer.status, 202);
  assert.equal(await answer.text(), answered);
  assert.equal(answer.headers.get('mistral-correlation-id'), 'c-1');
  assert.equal(answer.headers.get('x-ratelimit-remaining'), '7');
  assert.equal(answer.headers.get('set-cookie'), null);
  assert.ok(answer.headers.get('x-request-id'));
  const [start] = dataset.starts;
  assert.equal(start?.body, body);
  assert.equal(start.headers['x-custom'], 'kept');
  assert.equal(start.headers.authorization, 'Bearer mistral-key-that-stays-inside');
  assert.deepEqual(
    Object.keys(start.headers).filter((name) => name.startsWith('windsock')),
    [],
  );
  assert.equal((await view(importIdOf(answer))).tasks[0]?.id, task.id);
});

const BAD: [string, Record<string, string>, number][] = [
  ['a callback that is no URL', { 'Windsock-Callback': 'not a url' }, 422],
  ['a callback to Windsock itself', { 'Windsock-Callback': `${worker.url}/health` }, 422],
  ['an unknown event', { 'Windsock-Callback-Events': 'import.done' }, 400],
  ['no event', { 'Windsock-Callback-Events': '' }, 400],
  ['metadata that is no JSON', { 'Windsock-Metadata': '{ticket}' }, 400],
  ['metadata that is a list', { 'Windsock-Metadata': '[1]' }, 400],
  ['an empty key', { 'Idempotency-Key': '' }, 400],
];
for (const [what, headers, status] of BAD) {
  test(`${what} is refused in a shape that the SDK reads, before anything starts`, async () => {
    const dataset = upstream.dataset();
    const all = { 'Windsock-Callback': 'http://receiver.example/', ...headers };
    await assert.rejects(bySdk(dataset, all), (error) => {
      assert.ok(error instanceof ObservabilityError, String(error));
      assert.equal(error.statusCode, status);
      assert.ok(error.detail.message);
      return true;
    });
    assert.deepEqual(dataset.calls, []);
  });
}

test('a body that is larger than a row of the store crosses too', async () => {
  const dataset = upstream.dataset();
  const body = JSON.stringify({ file_id: 'f-1', more: 'é'.repeat(2_000_000) });
  const answer = await byHand(dataset, { 'windsock-callback': 'http://receiver.example/' }, body);
  assert.equal(answer.status, 202, await answer.text());
  assert.ok(dataset.starts[0]?.body === body);
});

test('a watched import needs the scope and the dataset that any import needs', async () => {
  const dataset = upstream.dataset();
  const reader = await worker.createClient({ scopes: ['observability:read', 'proxy'] });
  const path = (id: string) => `${worker.url}/v1/observability/datasets/${id}/imports/from-file`;
  const ask = (key: string | null, id: string) =>
    send(path(id), key, 'POST', '{}', { 'windsock-callback': 'http://receiver.example/' });
  const nobody = await ask(null, dataset.id);
  assert.deepEqual([nobody.status, await nobody.json()], [401, { detail: 'Unauthorized' }]);
  for (const [status, answer] of [
    [403, await ask(reader.key, dataset.id)],
    [404, await ask(client.key, 'no-id')],
    [404, await ask(client.key, randomUUID())],
  ] as const) {
    assert.equal(answer.status, status);
    assert.deepEqual(Object.keys((await answer.json()) as object), ['detail']);
  }
  assert.deepEqual(dataset.calls, []);
});

test('the same request with its key is answered with the same bytes, and starts nothing', async (t) => {
  const receiver = await receiverOf(t);
  const dataset = upstream.dataset();
  const headers = { 'windsock-callback': receiver.url, 'idempotency-key': randomUUID() };
  const all = await Promise.all(times(10, 0).map(() => byHand(dataset, headers)));
  assert.deepEqual(new Set(all.map(({ status }) => status)), new Set([202]));
  assert.equal(new Set(all.map(importIdOf)).size, 1);
  assert.equal(new Set(await Promise.all(all.map((answer) => answer.text()))).size, 1);
  assert.equal(dataset.starts.length, 1);
  const replayed = all.filter((answer) => answer.headers.get('idempotency-replayed') === 'true');
  assert.equal(replayed.length, 9);
  const other = await byHand(dataset, headers, '{"file_id":"f-2"}');
  assert.equal(other.status, 409);
  assert.deepEqual(Object.keys((await other.json()) as object), ['detail']);
});

for (const status of [400, 404, 409, 422, 429]) {
  test(`an upstream ${status} comes back untouched, and nothing is kept`, async (t) => {
    const receiver = await receiverOf(t);
    const dataset = upstream.dataset();
    const body = `{"detail" : {"message":"own words","error_code":null},"more":${status}}`;
    dataset.fail('start', { answer: status, body, headers: { 'retry-after': '1' } });
    const headers = { 'windsock-callback': receiver.url, 'idempotency-key': randomUUID() };
    const answer = await byHand(dataset, headers);
    assert.equal(answer.status, status);
    assert.equal(await answer.text(), body);
    assert.equal(answer.headers.get('retry-after'), '1');
    assert.equal(answer.headers.get('windsock-import-id'), null);
    assert.deepEqual(await importsOf(dataset), []);
    assert.equal(dataset.starts.length, 1, 'it is the client’s to try again');
    const again = await byHand(dataset, headers);
    assert.equal(again.status, 202, 'the key is free again');
  });
}

test('a 500 comes back untouched; the task it hid is found, and told of', async (t) => {
  const receiver = await receiverOf(t);
  const dataset = upstream.dataset();
  dataset.fail('start', { answer: 500, takes: true, body: '{"message":"boom"}' });
  const headers = { 'windsock-callback': receiver.url, 'idempotency-key': randomUUID() };
  const answer = await byHand(dataset, headers);
  assert.deepEqual([answer.status, await answer.text()], [500, '{"message":"boom"}']);
  const id = importIdOf(answer);
  await once('to run', id, ({ status }) => status === 'running');
  const repeated = await byHand(dataset, headers);
  assert.equal(repeated.status, 202);
  assert.equal(importIdOf(repeated), id);
  assert.equal(repeated.headers.get('idempotency-replayed'), 'true');
  const task = (await repeated.json()) as { id: string; dataset_id: string };
  assert.deepEqual([task.id, task.dataset_id], [dataset.tasks[0]?.id, dataset.id]);
  dataset.update({ status: 'COMPLETED' });
  const [webhook] = await receivedBy(receiver);
  assert.deepEqual([webhook?.type, webhook?.data.id], ['import.completed', id]);
  assert.equal(dataset.starts.length, 1);
});

test('a start that hangs is answered 504; the task it hid is found, and told of', async (t) => {
  const receiver = await receiverOf(t);
  const dataset = upstream.dataset();
  dataset.fail('start', { answer: 'hang', takes: true });
  dataset.steps = [{ status: 'RUNNING' }, { status: 'COMPLETED' }];
  const answer = await byHand(dataset, { 'windsock-callback': receiver.url });
  assert.equal(answer.status, 504);
  assert.deepEqual(Object.keys((await answer.json()) as object), ['detail']);
  const id = importIdOf(answer);
  const [webhook] = await receivedBy(receiver);
  assert.deepEqual([webhook?.type, webhook?.data.id], ['import.completed', id]);
  assert.equal(dataset.starts.length, 1);
});

test('after a 500 without a task the import has failed: it is not started behind the client’s back', async (t) => {
  const receiver = await receiverOf(t);
  const dataset = upstream.dataset();
  dataset.fail('start', { answer: 500 });
  const headers = { 'windsock-callback': receiver.url, 'idempotency-key': randomUUID() };
  const answer = await byHand(dataset, headers);
  assert.equal(answer.status, 500);
  const end = await ended(importIdOf(answer));
  assert.equal(end.status, 'failed');
  assert.match(end.message ?? '', /did not take/);
  const [webhook] = await receivedBy(receiver);
  assert.equal(webhook?.type, 'import.failed');
  assert.equal(dataset.starts.length, 1);
});

test('without the header an import is relayed and not tracked', async () => {
  const dataset = upstream.dataset();
  const { task, answer } = await bySdk(dataset, { 'Windsock-Metadata': '{"ticket":"A-1"}' });
  assert.equal(task.id, dataset.tasks[0]?.id);
  assert.equal(answer?.headers.get('windsock-import-id'), null);
  assert.deepEqual(await importsOf(dataset), []);
  assert.deepEqual(
    dataset.calls.map(({ kind }) => kind),
    ['start'],
  );
});

test('a task that was started without the header is not adopted by an import whose start was lost', async () => {
  const dataset = upstream.dataset();
  const { task } = await bySdk(dataset, {});
  dataset.fail('start', { answer: 500 });
  const url = `${worker.url}/datasets/${dataset.id}/imports`;
  const response = await send(url, client.key, 'POST', { source: 'file', file_id: 'f-1' });
  const { id } = (await response.json()) as { id: string };
  const running = await until('the import to run', async () => {
    const seen = await (await send(`${worker.url}/imports/${id}`, client.key, 'GET')).json();
    const view = seen as { status: string; tasks: { id: string }[] };
    return view.status === 'running' && view;
  });
  assert.notEqual(running.tasks[0]?.id, task.id);
  assert.equal(dataset.tasks.length, 2);
});
