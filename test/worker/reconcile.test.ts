import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { glob, mkdtemp, rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Miniflare } from 'miniflare';
import type { ImportView } from '../../src/domain/import-view.ts';
import { startDatasetUpstream } from '../support/dataset-upstream.ts';
import { startReceiver } from '../support/receiver.ts';
import { taskBody } from '../support/tasks.ts';
import { EVERY_FIVE_MINUTES, fireCron } from '../support/tick.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { until } from '../support/until.ts';
import {
  createClient,
  send,
  startWorker,
  workerOptions,
  type TestClient,
  type TestWorker,
} from '../support/worker.ts';

const DAY = 86_400_000;
let upstream: ScriptedUpstream;
let worker: TestWorker;
let client: TestClient;

before(async () => {
  upstream = await startUpstream();
  upstream.script((_, response) => json(response, 202, taskBody(randomUUID(), randomUUID())));
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '60000',
    POLL_MAX_MS: '60000',
  });
  client = await worker.createClient();
});
after(async () => {
  await worker.dispose();
  upstream.close();
});

/** What these tests need of KV. */
interface Kv {
  get: (key: string) => Promise<string | null>;
  put: (key: string, value: string, options?: object) => Promise<void>;
  list: (options: { prefix: string }) => Promise<{
    keys: { name: string; metadata?: { updatedAt: number } }[];
  }>;
}

async function kvOf(): Promise<Kv> {
  const kv: unknown = await worker.miniflare.getKVNamespace('KV');
  return kv as Kv;
}

/** Copies of imports as KV may be left with. */
async function putCopies(count: number, status: string, updatedAt: number): Promise<void> {
  const kv = await kvOf();
  const metadata = { datasetId: randomUUID(), status, updatedAt };
  for (let n = 0; n < count; n++) {
    await kv.put(`import:cl_gone:${String(n).padStart(13, '0')}:imp_${randomUUID()}`, '{}', {
      metadata,
    });
  }
}

async function copyNames(): Promise<string[]> {
  const kv = await kvOf();
  return (await kv.list({ prefix: 'import:cl_gone:' })).keys.map(({ name }) => name);
}

const reconcile = () => fireCron(worker.url, EVERY_FIVE_MINUTES, Date.now());

test('copies without an import are dropped, at most 200 a tick, and the next tick goes on', async () => {
  await putCopies(450, 'running', Date.now() - DAY);
  const left: number[] = [];
  for (let ticks = 0; ticks < 4; ticks++) {
    await reconcile();
    left.push((await copyNames()).length);
  }
  assert.deepEqual(left, [250, 50, 0, 0]);
  const kv = await kvOf();
  assert.equal(await kv.get('reconcile:cursor'), null);
});

test('of ended imports only those past retention are dropped, of open ones only those that stand still', async () => {
  await putCopies(3, 'completed', Date.now() - 31 * DAY);
  await reconcile();
  assert.equal((await copyNames()).length, 0);
  await putCopies(3, 'completed', Date.now() - 29 * DAY);
  await reconcile();
  assert.equal((await copyNames()).length, 3);
  await putCopies(3, 'running', Date.now() - 170_000);
  await reconcile();
  assert.equal((await copyNames()).length, 6);
  await putCopies(3, 'running', Date.now() - 200_000);
  await reconcile();
  assert.equal((await copyNames()).length, 6);
});

test('a cursor that KV no longer takes means beginning anew', async () => {
  const kv = await kvOf();
  await kv.put('reconcile:cursor', btoa('["not a cursor",""]'));
  await putCopies(2, 'running', 0);
  await reconcile();
  await reconcile();
  assert.equal(await kv.get('reconcile:cursor'), null);
  const kept = (await kv.list({ prefix: 'import:cl_gone:' })).keys;
  assert.ok(kept.every(({ metadata }) => metadata?.updatedAt !== 0));
});

test('the copy of an import that is there stays, and the import goes on', async () => {
  const path = `${worker.url}/datasets/${randomUUID()}/imports`;
  const body = { source: 'file', file_id: 'f' };
  const { id } = (await (await send(path, client.key, 'POST', body)).json()) as { id: string };
  const kv = await kvOf();
  const [key] = (await kv.list({ prefix: `import:${client.id}:` })).keys;
  assert.ok(key);
  const metadata = { datasetId: randomUUID(), status: 'running', updatedAt: 0 };
  await kv.put(key.name, (await kv.get(key.name)) ?? '', { metadata });
  await reconcile();
  assert.ok(await kv.get(key.name));
  const view = await (await send(`${worker.url}/imports/${id}`, client.key, 'GET')).json();
  assert.equal((view as { status: string }).status, 'running');
});

/** What is left when the platform has given an alarm up, as it does after six retries of an object that throws. */
async function dropAlarms(folder: string): Promise<void> {
  for await (const name of glob('do/*ImportJob/metadata.sqlite', { cwd: folder })) {
    const alarms = new DatabaseSync(join(folder, name));
    alarms.exec('DELETE FROM _cf_ALARM');
    alarms.close();
  }
}

test('an ended import whose webhook is overdue is woken, and that goes out', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'windsock-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const receiver = await startReceiver((response, attempt) =>
    response.writeHead(attempt === 1 ? 500 : 204).end(),
  );
  t.after(() => receiver.close());
  const datasets = await startDatasetUpstream();
  t.after(() => datasets.close());
  const dataset = datasets.dataset();
  dataset.steps = [{ status: 'COMPLETED' }];
  const vars = {
    MISTRAL_BASE_URL: datasets.url,
    MISTRAL_API_KEY: 'any',
    POLL_MIN_MS: '20',
    WEBHOOK_RETRY_S: '0,3',
  };
  const before = new Miniflare(workerOptions(vars, 0, folder));
  const { origin } = await before.ready;
  const { key } = await createClient(origin);
  const callback = { url: receiver.url };
  const body = { source: 'file', file_id: 'f', callback };
  const path = `${origin}/datasets/${dataset.id}/imports`;
  assert.equal((await send(path, key, 'POST', body)).status, 202);
  await until('the failed attempt in the copy', async () => {
    const list = await send(`${origin}/imports`, key, 'GET');
    const { imports } = (await list.json()) as { imports: ImportView[] };
    return imports[0]?.delivery.last_status === 500;
  });
  await before.dispose();
  await dropAlarms(folder);
  const later = new Miniflare(workerOptions(vars, 0, folder));
  t.after(() => later.dispose());
  const { origin: now } = await later.ready;
  await delay(3000);
  assert.equal(receiver.received.length, 1, 'without its alarm nothing goes out');
  await fireCron(now, EVERY_FIVE_MINUTES, Date.now() + 300_000);
  await until('the second attempt', () => receiver.received.length === 2);
});
