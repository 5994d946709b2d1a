import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Miniflare } from 'miniflare';
import type { ImportView } from '../../src/domain/import-view.ts';
import { copiesOf, importsUnderTest } from '../support/imports.ts';
import { startReceiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { createClient, send, startWorker, workerOptions } from '../support/worker.ts';

// The copies of imports in KV, and how imports are forgotten.

const { worker, client, upstream, started, view, ended } = await importsUnderTest();

async function listed(query: string, url = worker.url, key = client.key): Promise<ImportView[]> {
  const list = await send(`${url}/imports?${query}`, key, 'GET');
  return ((await list.json()) as { imports: ImportView[] }).imports;
}

test('the copy is there when the import is answered, and says the same', async () => {
  const dataset = upstream.dataset();
  const answered = await started(dataset, { metadata: { ticket: 'A-1' } });
  assert.deepEqual(await listed(`dataset_id=${dataset.id}`), [answered]);
});

test('the list shows how an import ended soon after', async () => {
  const dataset = upstream.dataset();
  const { id } = await started(dataset);
  dataset.update({ status: 'COMPLETED' });
  const end = await ended(id);
  const [copy] = await until('the list to tell', async () => {
    const found = await listed(`dataset_id=${dataset.id}&status=completed`);
    return found.length === 1 && found;
  });
  assert.deepEqual(copy, await view(id));
  const late = Date.now() - Date.parse(end.finished_at ?? '');
  assert.ok(late < 2500, `${late} ms after the end`);
  assert.deepEqual(await listed(`dataset_id=${dataset.id}&status=running`), []);
});

test('pages of the list give the same as one page, the newest first', async () => {
  const own = await worker.createClient();
  const made: string[] = [];
  for (let n = 0; n < 5; n++) {
    const path = `${worker.url}/datasets/${upstream.dataset().id}/imports`;
    const answer = await send(path, own.key, 'POST', { source: 'file', file_id: 'f-1' });
    made.push(((await answer.json()) as ImportView).id);
  }
  const seen: string[] = [];
  let cursor: string | null = '';
  do {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await send(`${worker.url}/imports?limit=2${query}`, own.key, 'GET');
    const page = (await answer.json()) as { imports: ImportView[]; next_cursor: string | null };
    assert.ok(page.imports.length <= 2);
    seen.push(...page.imports.map(({ id }) => id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  assert.deepEqual(seen, made.toReversed());
});

test('what is added between two pages of the list moves nothing: each import is listed once', async () => {
  const own = await worker.createClient();
  const dataset = upstream.dataset();
  const add = async () => {
    const path = `${worker.url}/datasets/${dataset.id}/imports`;
    const answer = await send(path, own.key, 'POST', { source: 'file', file_id: 'f-1' });
    return ((await answer.json()) as ImportView).id;
  };
  const pageOf = async (query: string) => {
    const path = `${worker.url}/imports?limit=2&dataset_id=${dataset.id.toUpperCase()}${query}`;
    const answer = await send(path, own.key, 'GET');
    return (await answer.json()) as { imports: ImportView[]; next_cursor: string | null };
  };
  const made: string[] = [];
  for (let n = 0; n < 4; n++) made.push(await add());
  const first = await pageOf('');
  await add();
  const second = await pageOf(`&cursor=${encodeURIComponent(first.next_cursor ?? '')}`);
  const seen = [...first.imports, ...second.imports].map(({ id }) => id);
  assert.deepEqual(new Set(seen), new Set(made));
  assert.equal(second.next_cursor, null);
});

test('an import with much progress and a webhook is written to KV four times at most', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const own = await worker.createClient();
  const dataset = upstream.dataset();
  const answer = await send(`${worker.url}/datasets/${dataset.id}/imports`, own.key, 'POST', {
    source: 'file',
    file_id: 'f-1',
    callback: { url: receiver.url },
  });
  const begun = Date.now();
  const answered = (await answer.json()) as ImportView;
  const copies = new Set<string>();
  const last = await until('the last copy', async () => {
    const progress = Math.min(100, Math.floor((Date.now() - begun) / 30));
    dataset.update({ progress, ...(progress === 100 && { status: 'COMPLETED' }) });
    const [copy] = await copiesOf(worker, own.id);
    copies.add(JSON.stringify(copy));
    return copy?.delivery.status === 'delivered' && copy;
  });
  assert.ok(copies.size <= 4, [...copies].join('\n'));
  const asked = await send(`${worker.url}/imports/${answered.id}`, own.key, 'GET');
  assert.deepEqual(last, await asked.json());
});

test('after its retention a finished import is gone: its answer, its copy, and its place in the list', async () => {
  const short = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'any',
    POLL_MIN_MS: '20',
    POLL_MAX_MS: '100',
    RETENTION_DAYS: String(1000 / 86_400_000),
  });
  try {
    const own = await short.createClient();
    const [dataset, other] = [upstream.dataset(), upstream.dataset()];
    const startIn = async (datasetId: string) => {
      const path = `${short.url}/datasets/${datasetId}/imports`;
      const answer = await send(path, own.key, 'POST', { source: 'file', file_id: 'f-1' });
      return (await answer.json()) as ImportView;
    };
    const running = await startIn(other.id);
    const { id } = await startIn(dataset.id);
    dataset.update({ status: 'COMPLETED' });
    for (const path of ['', '/events', '/deliveries']) {
      await until(`404 of ${path}`, async () => {
        const answer = await send(`${short.url}/imports/${id}${path}`, own.key, 'GET');
        await answer.body?.cancel();
        return answer.status === 404;
      });
    }
    await until('the copy to go', async () => (await copiesOf(short, own.id)).length === 1);
    const left = await listed('limit=10', short.url, own.key);
    assert.deepEqual(
      left.map((one) => one.id),
      [running.id],
      'what has not finished stays',
    );
  } finally {
    await short.dispose();
  }
});

test('the copy of an ended import outlives its retention, for the reconcile cron to find it by', async () => {
  const own = await worker.createClient();
  const dataset = upstream.dataset();
  dataset.steps = [{ status: 'COMPLETED' }];
  const path = `${worker.url}/datasets/${dataset.id}/imports`;
  await send(path, own.key, 'POST', { source: 'file', file_id: 'f-1' });
  const ended = await until('the last copy', async () => {
    const [copy] = await copiesOf(worker, own.id);
    return copy?.status === 'completed' && copy;
  });
  const kv = (await worker.miniflare.getKVNamespace('KV')) as unknown as {
    list: (options: { prefix: string }) => Promise<{ keys: { expiration?: number }[] }>;
  };
  const { keys } = await kv.list({ prefix: `import:${own.id}:` });
  const DAY = 86_400_000;
  const isForgottenAt = Date.parse(ended.finished_at ?? '') + 30 * DAY;
  const goesAt = (keys[0]?.expiration ?? 0) * 1000;
  assert.ok(goesAt > isForgottenAt + DAY && goesAt < isForgottenAt + 31 * DAY, `${goesAt}`);
});

/** Opens what the object of an import left on disk, one after the other. */
async function storesIn<T>(folder: string, read: (database: DatabaseSync) => T): Promise<T[]> {
  const files = (await readdir(folder, { recursive: true })).filter((name) =>
    /ImportJob[^/]*\/[0-9a-f]+\.sqlite$/.test(name),
  );
  assert.ok(files.length > 0);
  return files.map((name) => {
    const database = new DatabaseSync(join(folder, name), { readOnly: true });
    const found = read(database);
    database.close();
    return found;
  });
}

function tablesOf(database: DatabaseSync): string[] {
  const rows = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  return rows.map((row) => String(row['name'])).filter((name) => !name.startsWith('_cf'));
}

function largestRowOf(database: DatabaseSync): number {
  const sizes = tablesOf(database).map((table) => {
    const columns = database.prepare(`SELECT name FROM pragma_table_info('${table}')`).all();
    const size = columns
      .map((row) => `coalesce(length(CAST(${String(row['name'])} AS BLOB)), 0)`)
      .join(' + ');
    return Number(database.prepare(`SELECT max(${size}) AS size FROM ${table}`).get()?.['size']);
  });
  return Math.max(...sizes);
}

test('an import that was forgotten leaves no table behind', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'windsock-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const dataset = upstream.dataset();
  dataset.steps = [{ status: 'COMPLETED' }];
  const vars = { MISTRAL_BASE_URL: upstream.url, MISTRAL_API_KEY: 'any', POLL_MIN_MS: '20' };
  const retention = { RETENTION_DAYS: String(500 / 86_400_000) };
  const short = new Miniflare(workerOptions({ ...vars, ...retention }, 0, folder));
  try {
    const { origin } = await short.ready;
    const { key } = await createClient(origin);
    const path = `${origin}/datasets/${dataset.id}/imports`;
    const answer = await send(path, key, 'POST', { source: 'file', file_id: 'f-1' });
    const { id } = (await answer.json()) as ImportView;
    await until('it to be forgotten', async () => {
      const asked = await send(`${origin}/imports/${id}`, key, 'GET');
      return asked.status === 404;
    });
  } finally {
    await short.dispose();
  }
  assert.deepEqual(await storesIn(folder, tablesOf), [[]]);
});

test('a start call of many megabytes is kept in rows of less than two, which is what Cloudflare takes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'windsock-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const dataset = upstream.dataset();
  dataset.fail('start', { answer: 429, headers: { 'retry-after': '2' } });
  const vars = { MISTRAL_BASE_URL: upstream.url, MISTRAL_API_KEY: 'any', POLL_MIN_MS: '20' };
  const before = new Miniflare(workerOptions(vars, 0, folder));
  const { origin } = await before.ready;
  const { key } = await createClient(origin);
  // Characters of one to four bytes, so that a piece ends within one.
  const conversation_ids = Array.from({ length: 50_000 }, (_, n) =>
    `x${n} é – 😀`.padEnd(60, '😀'),
  );
  const body = { source: 'playground', conversation_ids };
  const answer = await send(`${origin}/datasets/${dataset.id}/imports`, key, 'POST', body);
  assert.equal(((await answer.json()) as ImportView).status, 'starting');
  await before.dispose();
  const [largest = 0] = await storesIn(folder, largestRowOf);
  assert.ok(largest > 500_000 && largest < 2_000_000, `${largest} bytes`);
  const afterwards = new Miniflare(workerOptions(vars, 0, folder));
  try {
    await afterwards.ready;
    await until('the second start', () => dataset.starts.length === 2);
    const [first, second] = dataset.starts;
    assert.deepEqual(JSON.parse(first?.body ?? ''), { conversation_ids });
    assert.ok(second?.body === first?.body);
  } finally {
    await afterwards.dispose();
  }
});
