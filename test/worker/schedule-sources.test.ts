import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startEventsUpstream, type EventsUpstream } from '../support/schedule-upstream.ts';
import type { ImportTemplate } from '../../src/domain/import-body.ts';
import {
  makePastSchedule,
  makeSchedule,
  readRuns,
  settledRun,
  type ScheduleView,
} from '../support/schedules.ts';
import { EVERY_MINUTE, fireCron } from '../support/tick.ts';
import { json, startUpstream } from '../support/upstream.ts';
import { ended, send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

const HOUR = 3_600_000;
let upstream: EventsUpstream;
let worker: TestWorker;
let client: TestClient;
const made: string[] = [];

before(async () => {
  upstream = await startEventsUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.scripted.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '10',
    POLL_MAX_MS: '50',
  });
});
beforeEach(async () => {
  // A schedule that is left over would run with the ticks of the next test.
  for (const id of made.splice(0)) {
    await send(`${worker.url}/schedules/${id}`, client.key, 'DELETE');
  }
  client = await worker.createClient();
  upstream.imported.clear();
});
after(async () => {
  await worker.dispose();
  upstream.scripted.close();
});

async function tickAt({ id, next_runs }: ScheduleView, hour: number): Promise<void> {
  if (!made.includes(id)) made.push(id);
  await fireCron(worker.url, EVERY_MINUTE, Date.parse(next_runs[0] ?? '') + hour * HOUR);
}

const SOURCES: [object, string, object][] = [
  [{ source: 'campaign', campaign_id: 'c' }, 'campaign', { campaign_id: 'c' }],
  [{ source: 'file', file_id: 'f' }, 'file', { file_id: 'f' }],
  [{ source: 'playground', conversation_ids: ['p'] }, 'playground', { conversation_ids: ['p'] }],
  [{ source: 'dataset', record_ids: ['r'] }, 'dataset', { dataset_record_ids: ['r'] }],
  [{ source: 'explorer', event_ids: ['e'] }, 'explorer', { completion_event_ids: ['e'] }],
];
for (const [template, source, sent] of SOURCES) {
  test(`an import from ${source} is made again at each time`, async () => {
    upstream.scripted.seen.splice(0);
    const schedule = await makeSchedule(worker.url, client.key, {
      import: { ...template, metadata: { from: source } },
    });
    for (const hour of [0, 1]) {
      await tickAt(schedule, hour);
      await settledRun(worker.url, client.key, schedule.id);
    }
    const runs = await readRuns(worker.url, client.key, schedule.id);
    assert.deepEqual(
      runs.map(({ status, report }) => [status, report]),
      [
        ['completed', null],
        ['completed', null],
      ],
    );
    const starts = upstream.scripted.seen.filter(({ path }) => path.endsWith(`from-${source}`));
    assert.deepEqual(
      starts.map(({ body }) => JSON.parse(body.toString()) as object),
      [sent, sent],
    );
    const view = await ended(worker.url, client.key, runs[0]?.import_id ?? '');
    assert.deepEqual(view['metadata'], { from: source });
  });
}

test('a where that is not incremental imports all it matches each time', async () => {
  const schedule = await makeSchedule(worker.url, client.key, {
    import: { source: 'explorer', where: 'model_name = "a"' },
  });
  const ids = ['e-1', 'e-2', 'e-3'];
  upstream.events.push(...ids.map((id) => ({ id, at: 5, model: 'a' })));
  for (const hour of [0, 1]) {
    await tickAt(schedule, hour);
    await settledRun(worker.url, client.key, schedule.id);
  }
  assert.deepEqual(upstream.imported, new Map(ids.map((id) => [id, 2])));
});

test('runs are listed newest first, page by page', async () => {
  const schedule = await makeSchedule(worker.url, client.key);
  const path = `${worker.url}/schedules/${schedule.id}/runs`;
  for (const hour of [0, 1, 2]) {
    await tickAt(schedule, hour);
    await settledRun(worker.url, client.key, schedule.id);
  }
  const page = await send(`${path}?limit=2`, client.key, 'GET');
  const { runs, next_cursor } = (await page.json()) as {
    runs: { scheduled_at: string }[];
    next_cursor: string;
  };
  assert.deepEqual(
    runs.map(({ scheduled_at }) => scheduled_at),
    [schedule.next_runs[2], schedule.next_runs[1]],
  );
  assert.match(page.headers.get('link') ?? '', /rel="next"/);
  const rest = await send(`${path}?limit=2&cursor=${next_cursor}`, client.key, 'GET');
  const last = (await rest.json()) as { runs: object[]; next_cursor: null };
  assert.deepEqual([last.runs.length, last.next_cursor], [1, null]);
  assert.equal((await send(`${path}?cursor=x`, client.key, 'GET')).status, 400);
});

test('a run whose step throws each time fails at the deadline, and the next is not skipped', async (t) => {
  const hasty = await startWorker({
    MISTRAL_BASE_URL: upstream.scripted.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '10',
    POLL_MAX_MS: '50',
    IMPORT_DEADLINE_MS: '500',
  });
  t.after(() => hasty.dispose());
  const { key, id: owner } = await hasty.createClient();
  // No request can make it: it stands for a fault of ours.
  const template = { source: 'playground', conversation_ids: 5 } as unknown as ImportTemplate;
  const now = Math.floor(Date.now() / HOUR) * HOUR;
  const { id } = await makePastSchedule(hasty.miniflare, owner, now - 2.5 * HOUR, { template });
  await fireCron(hasty.url, EVERY_MINUTE, now - 2 * HOUR);
  assert.equal((await settledRun(hasty.url, key, id)).status, 'failed');
  const next = { source: 'playground', conversation_ids: ['p'] };
  await send(`${hasty.url}/schedules/${id}`, key, 'PATCH', { import: next });
  await send(`${hasty.url}/schedules/${id}/run`, key, 'POST');
  assert.equal((await settledRun(hasty.url, key, id)).status, 'completed');
});

test('a schedule that is deleted while a dry run counts is not found', async (t) => {
  const slow = await startUpstream();
  const side = await startWorker({ MISTRAL_BASE_URL: slow.url, MISTRAL_API_KEY: 'k' });
  t.after(async () => {
    await side.dispose();
    slow.close();
  });
  const { key } = await side.createClient();
  const { id } = await makeSchedule(side.url, key);
  slow.script(async (_, response) => {
    await send(`${side.url}/schedules/${id}`, key, 'DELETE');
    json(response, 200, { completion_event_ids: ['e'] });
  });
  const dry = await send(`${side.url}/schedules/${id}/run`, key, 'POST', { dry_run: true });
  assert.equal(dry.status, 404);
});
