import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { taskBody } from '../support/tasks.ts';
import { until } from '../support/until.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

let upstream: ScriptedUpstream;
let receiver: Receiver;
let worker: TestWorker;
let client: TestClient;

before(async () => {
  upstream = await startUpstream();
  receiver = await startReceiver();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '50',
    POLL_MAX_MS: '100',
  });
  client = await worker.createClient();
});
after(async () => {
  await worker.dispose();
  receiver.close();
  upstream.close();
});

/** What the copies of an import tell one after the other, as they are listed from KV. */
interface Copies {
  id: string;
  seen: string[];
}

async function start(datasetId: string, events: string[]): Promise<Copies> {
  const request = { source: 'file', file_id: 'f-1', callback: { url: receiver.url, events } };
  const path = `${worker.url}/datasets/${datasetId}/imports`;
  const response = await send(path, client.key, 'POST', request);
  assert.equal(response.status, 202);
  return { id: ((await response.json()) as { id: string }).id, seen: [] };
}

test('progress hurries the copy in KV only where a webhook tells of it: each write costs', async () => {
  const datasetId = randomUUID();
  const startedAt = performance.now();
  // Progress is told of ten seconds after the start at the earliest, and copied ten seconds after the last copy.
  const stepNow = () => {
    const tookMs = performance.now() - startedAt;
    if (tookMs > 12_500) return { status: 'COMPLETED', progress: 100 };
    return { status: 'RUNNING', progress: tookMs > 11_500 ? 20 : 10 };
  };
  upstream.script((request, response) => {
    if (request.method === 'POST') return json(response, 202, taskBody(randomUUID(), datasetId));
    const id = request.path.split('/').at(-1) ?? '';
    return json(response, 200, taskBody(id, datasetId, stepNow()));
  });
  const quiet = await start(datasetId, ['import.completed']);
  const told = await start(datasetId, ['import.completed', 'import.progress']);
  await until(
    'both copies to be terminal',
    async () => {
      const response = await send(`${worker.url}/imports`, client.key, 'GET');
      const { imports } = (await response.json()) as {
        imports: { id: string; status: string; progress: number }[];
      };
      for (const copies of [quiet, told]) {
        const view = imports.find(({ id }) => id === copies.id);
        const words = `${view?.status ?? 'absent'} ${view?.progress ?? ''}`;
        if (copies.seen.at(-1) !== words) copies.seen.push(words);
      }
      return [quiet, told].every(({ seen }) => seen.at(-1) === 'completed 100');
    },
    20_000,
  );
  assert.deepEqual(quiet.seen, ['running 0', 'running 10', 'completed 100']);
  assert.deepEqual(told.seen, ['running 0', 'running 10', 'running 20', 'completed 100']);
});
