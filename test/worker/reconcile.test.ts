import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { taskBody } from '../support/tasks.ts';
import { EVERY_FIVE_MINUTES, fireCron } from '../support/tick.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

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
