import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startDatasetUpstream, type DatasetUpstream } from '../support/dataset-upstream.ts';
import { until } from '../support/until.ts';
import { ended, send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

let upstream: DatasetUpstream;
let worker: TestWorker;
let client: TestClient;

before(async () => {
  upstream = await startDatasetUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '20',
    POLL_MAX_MS: '100',
    IMPORT_DEADLINE_MS: '1500',
  });
  client = await worker.createClient();
});
after(async () => {
  await worker.dispose();
  upstream.close();
});

async function start(datasetId: string): Promise<string> {
  const body = { source: 'file', file_id: 'f-1' };
  const url = `${worker.url}/datasets/${datasetId}/imports`;
  const response = await send(url, client.key, 'POST', body);
  assert.equal(response.status, 202);
  return ((await response.json()) as { id: string }).id;
}

test('an import whose deadline passes while it waits for the turn is not started any more', async () => {
  const dataset = upstream.dataset();
  dataset.fail('start', { answer: 'ok', delayMs: 3000 });
  const first = start(dataset.id);
  await until('the start that takes long', () => dataset.starts.length === 1);
  const second = await start(dataset.id);
  for (const id of [await first, second]) {
    assert.equal((await ended(worker.url, client.key, id))['status'], 'lost');
  }
  assert.equal(dataset.starts.length, 1);
  dataset.steps = [{ status: 'COMPLETED' }];
  const third = await start(dataset.id);
  assert.equal((await ended(worker.url, client.key, third))['status'], 'completed');
});

test('a task that was started too late for its import is not taken for that of the next one', async () => {
  const dataset = upstream.dataset();
  dataset.steps = [{ status: 'COMPLETED' }];
  dataset.fail('start', { answer: 'ok', delayMs: 2000 }, { answer: 503, takes: false });
  const late = await start(dataset.id);
  assert.equal((await ended(worker.url, client.key, late))['status'], 'lost');
  const view = await ended(worker.url, client.key, await start(dataset.id));
  assert.equal(view['status'], 'completed');
  const [orphan, own] = dataset.tasks;
  assert.ok(orphan && own, 'the second import has a task of its own');
  assert.equal((view['tasks'] as { id: string }[])[0]?.id, own.id);
});
