import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deleteSamples, newEvent, recordEvents } from '../support/events.ts';
import { makeSchedule, settledRun } from '../support/schedules.ts';
import { EVERY_MINUTE, fireCron } from '../support/tick.ts';
import { ADMIN_KEY, send, startWorker, type TestWorker } from '../support/worker.ts';

const HOUR = 3_600_000;
let worker: TestWorker;

before(async () => {
  worker = await startWorker({ POLL_MIN_MS: '20', POLL_MAX_MS: '100' });
  await deleteSamples(worker);
});
after(() => worker.dispose());

async function newDataset(key: string): Promise<string> {
  const datasets = `${worker.url}/v1/observability/datasets`;
  const body = { name: 'scheduled', description: '' };
  const response = await send(datasets, key, 'POST', body);
  return ((await response.json()) as { id: string }).id;
}

async function recordCount(key: string, datasetId: string): Promise<number> {
  const path = `/v1/observability/datasets/${datasetId}/records?page_size=1`;
  const response = await send(worker.url + path, key, 'GET');
  return ((await response.json()) as { records: { count: number } }).records.count;
}

test('the built-in backend’s events are imported as they come, late ones too, each once', async () => {
  const { key } = await worker.createClient();
  const dataset_id = await newDataset(key);
  const where = 'model_name = "scheduled" AND last_user_message_preview icontains "HELLO"';
  const schedule = await makeSchedule(worker.url, key, {
    dataset_id,
    import: { source: 'explorer', where, incremental: true },
    backfill: { from: '2026-01-01T00:00:00Z' },
  });
  const due = Date.parse(schedule.next_runs[0] ?? '');
  const events = (count: number, createdAt: number) =>
    Array.from({ length: count }, () => newEvent({ modelName: 'scheduled', createdAt }));
  await recordEvents(worker, [
    ...events(1100, due - 5 * HOUR),
    ...events(7, due - 1),
    ...events(3, due),
    newEvent({ modelName: 'other', createdAt: due - 1 }),
  ]);
  await fireCron(worker.url, EVERY_MINUTE, due);
  const first = await settledRun(worker.url, key, schedule.id);
  assert.equal(first.status, 'completed');
  assert.deepEqual(first.report, { matched: 1107, new: 1107, duplicate: 0, imported: 1107 });
  await recordEvents(worker, events(4, due - 600_000));
  await fireCron(worker.url, EVERY_MINUTE, due + HOUR);
  const second = await settledRun(worker.url, key, schedule.id);
  assert.deepEqual(second.report, { matched: 14, new: 7, duplicate: 7, imported: 7 });
  assert.equal(await recordCount(key, dataset_id), 1114);
});

test('a schedule whose dataset is gone fails its runs and goes on', async () => {
  const { key } = await worker.createClient();
  const schedule = await makeSchedule(worker.url, key, {
    import: { source: 'file', file_id: 'f' },
  });
  const due = Date.parse(schedule.next_runs[0] ?? '');
  await fireCron(worker.url, EVERY_MINUTE, due);
  const run = await settledRun(worker.url, key, schedule.id);
  assert.equal(run.status, 'failed');
  assert.match(run.message ?? '', /dataset/i);
});

test('a schedule whose client is gone without it imports nothing any more', async () => {
  const { key, id } = await worker.createClient();
  const other = await worker.createClient();
  const dataset_id = await newDataset(other.key);
  const where = 'model_name = "orphaned"';
  const schedule = await makeSchedule(worker.url, key, {
    dataset_id,
    import: { source: 'explorer', where, incremental: true },
  });
  await recordEvents(worker, [newEvent({ modelName: 'orphaned', createdAt: Date.now() })]);
  const store: unknown = await worker.miniflare.getKVNamespace('KV');
  await (store as { delete: (key: string) => Promise<void> }).delete(`client:${id}`);
  await fireCron(worker.url, EVERY_MINUTE, Date.parse(schedule.next_runs[0] ?? ''));
  const run = await settledRun(worker.url, key, schedule.id);
  assert.deepEqual(
    [run.status, run.message],
    ['failed', 'The client that this schedule belongs to is gone.'],
  );
  assert.equal(await recordCount(other.key, dataset_id), 0);
});

test('a deleted client takes its schedules along', async () => {
  const { key, id } = await worker.createClient();
  const made = [await makeSchedule(worker.url, key), await makeSchedule(worker.url, key)];
  const gone = await send(`${worker.url}/admin/clients/${id}`, ADMIN_KEY, 'DELETE');
  assert.equal(gone.status, 204);
  // Its key is gone with it: what is left is asked for past the API.
  const schedules = (await worker.miniflare.getDurableObjectNamespace('SCHEDULE')) as unknown as {
    getByName: (name: string) => { read: (clientId: string) => Promise<string | null> };
  };
  const registries = (await worker.miniflare.getDurableObjectNamespace('REGISTRY')) as unknown as {
    getByName: (name: string) => {
      list: (by: string, limit: number, cursor: null) => Promise<{ ids: string[] }>;
    };
  };
  for (const schedule of made) {
    assert.equal(await schedules.getByName(schedule.id).read(id), null);
  }
  const { ids } = await registries.getByName('schedules').list(id, 100, null);
  assert.equal(ids.length, 0);
});

test('a schedule whose client may no longer write imports nothing until it may again', async () => {
  const { key, id } = await worker.createClient();
  const dataset_id = await newDataset(key);
  const where = 'model_name = "forbidden"';
  const schedule = await makeSchedule(worker.url, key, {
    dataset_id,
    import: { source: 'explorer', where, incremental: true },
  });
  await recordEvents(worker, [newEvent({ modelName: 'forbidden', createdAt: Date.now() })]);
  const allow = (...scopes: string[]) =>
    send(`${worker.url}/admin/clients/${id}`, ADMIN_KEY, 'PATCH', { scopes });
  const [first = 0, second = 0] = schedule.next_runs.map((time) => Date.parse(time));
  await allow('observability:read');
  await fireCron(worker.url, EVERY_MINUTE, first);
  const { status, message } = await settledRun(worker.url, key, schedule.id);
  assert.equal(status, 'failed');
  assert.match(message ?? '', /lacks the scope observability:write/);
  await allow('observability:read', 'observability:write');
  assert.equal(await recordCount(key, dataset_id), 0);
  await fireCron(worker.url, EVERY_MINUTE, second);
  assert.equal((await settledRun(worker.url, key, schedule.id)).status, 'completed');
  assert.equal(await recordCount(key, dataset_id), 1);
});
