import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { ended, send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

let worker: TestWorker;
let client: TestClient;
let receiver: Receiver;

before(async () => {
  worker = await startWorker({ POLL_MIN_MS: '20' });
  client = await worker.createClient();
  receiver = await startReceiver();
});
after(async () => {
  receiver.close();
  await worker.dispose();
});

test('a file import is answered 202, runs to its end and is told by a signed webhook', async () => {
  const upload = new FormData();
  const lines = Array.from(
    { length: 3 },
    (_, n) => `{"messages":[{"role":"user","content":"${n}"}]}`,
  );
  upload.set('file', new Blob([lines.join('\n')]), 'rows.jsonl');
  const file = (await (
    await fetch(`${worker.url}/v1/files`, {
      method: 'POST',
      headers: { authorization: `Bearer ${client.key}` },
      body: upload,
    })
  ).json()) as { id: string; num_lines: number };
  assert.equal(file.num_lines, 3);
  const dataset = (await (
    await send(`${worker.url}/v1/observability/datasets`, client.key, 'POST', {
      name: 'a dataset',
      description: '',
    })
  ).json()) as { id: string };
  const started = await send(`${worker.url}/datasets/${dataset.id}/imports`, client.key, 'POST', {
    source: 'file',
    file_id: file.id,
    callback: { url: receiver.url },
    metadata: { run: 7 },
  });
  assert.equal(started.status, 202);
  const view = (await started.json()) as { id: string };
  assert.equal(started.headers.get('location'), `/imports/${view.id}`);
  const end = await ended(worker.url, client.key, view.id);
  assert.equal(end['status'], 'completed');
  const [webhook] = await until(
    'the webhook',
    () => receiver.received.length > 0 && receiver.received,
  );
  assert.ok(webhook);
  new Webhook(client.signing_secret).verify(
    webhook.body,
    webhook.headers as Record<string, string>,
  );
  await until('the delivery to be noted', async () => {
    const response = await send(`${worker.url}/imports/${view.id}`, client.key, 'GET');
    const { delivery } = (await response.json()) as { delivery: { status: string } };
    return delivery.status === 'delivered';
  });
});
