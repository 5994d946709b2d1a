import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { startReceiver } from '../support/receiver.ts';
import { startEventsUpstream, type EventsUpstream } from '../support/schedule-upstream.ts';
import {
  DATASET,
  INCREMENTAL,
  makePastSchedule,
  makeSchedule,
  readRuns,
  readSchedule,
  settledRun,
  type ScheduleView,
} from '../support/schedules.ts';
import { EVERY_MINUTE, fireCron } from '../support/tick.ts';
import { until } from '../support/until.ts';
import { ended, send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

const HOUR = 3_600_000;
/** When schedules of {@link makePast} are due first. */
const FIRST = Math.floor(Date.now() / HOUR) * HOUR - 20 * 24 * HOUR;
let upstream: EventsUpstream;
let worker: TestWorker;
let client: TestClient;

before(async () => {
  upstream = await startEventsUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.scripted.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '10',
    POLL_MAX_MS: '50',
    WEBHOOK_RETRY_S: '0,0.05',
  });
});
beforeEach(async () => {
  client = await worker.createClient();
  upstream.events = [];
  upstream.imported.clear();
  upstream.startSizes = [];
  upstream.searches = 0;
  upstream.nextStart = () => 'COMPLETED';
  upstream.nextSearch = () => null;
});
// A schedule that is left over would run with the ticks of the next test.
afterEach(async () => {
  upstream.endTasks('COMPLETED');
  for (const id of made.splice(0)) await call('DELETE', id);
});
after(async () => {
  await worker.dispose();
  upstream.scripted.close();
});

const made: string[] = [];
/** A schedule that was made half an hour before a time long ago, which is the first that it is due. */
async function makePast(given: Parameters<typeof makePastSchedule>[3] = {}): Promise<ScheduleView> {
  const schedule = await makePastSchedule(worker.miniflare, client.id, FIRST - HOUR / 2, given);
  made.push(schedule.id);
  return schedule;
}
async function make(given: object = {}): Promise<ScheduleView> {
  const schedule = await makeSchedule(worker.url, client.key, given);
  made.push(schedule.id);
  return schedule;
}
const iso = (time: number) => new Date(time).toISOString();
const tick = (time: number) => fireCron(worker.url, EVERY_MINUTE, time);
const runsOf = ({ id }: ScheduleView) => readRuns(worker.url, client.key, id);
const settled = ({ id }: ScheduleView) => settledRun(worker.url, client.key, id);
const dueAt = ({ next_runs: [first = ''] }: ScheduleView) => Date.parse(first);
const call = (method: string, path: string, body?: object) =>
  send(`${worker.url}/schedules/${path}`, client.key, method, body);

let events = 0;
function addEvents(count: number, at: number, model = 'a'): string[] {
  const added = Array.from({ length: count }, () => ({ id: `e-${events++}`, at, model }));
  upstream.events.push(...added);
  return added.map(({ id }) => id);
}

/** Each of these was imported once, and nothing else was. */
function assertImportedOnce(ids: readonly string[]): void {
  assert.deepEqual(upstream.imported, new Map(ids.map((id) => [id, 1])));
}

test('a tick imports what is new, in tasks of at most 500; the run, the import and the webhook report it', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const schedule = await makePast({
    callback: { url: receiver.url, events: ['import.completed'] },
  });
  const ids = addEvents(1201, FIRST - 60_000);
  addEvents(5, FIRST - 60_000, 'b');
  await tick(FIRST);
  const run = await settled(schedule);
  const report = { matched: 1201, new: 1201, duplicate: 0, imported: 1201 };
  assert.equal(run.status, 'completed');
  assert.equal(run.scheduled_at, iso(FIRST));
  assert.deepEqual(run.report, report);
  assert.deepEqual(upstream.startSizes, [500, 500, 201]);
  assertImportedOnce(ids);
  const view = await ended(worker.url, client.key, run.import_id ?? '');
  assert.deepEqual(view['report'], report);
  const [webhook] = await until('a webhook', () => receiver.received[0] && receiver.received);
  assert.ok(webhook);
  const headers = webhook.headers as Record<string, string>;
  const event = new Webhook(client.signing_secret).verify(webhook.body, headers) as {
    data: { report: object };
  };
  assert.deepEqual(event.data.report, report);
  const after = await readSchedule(worker.url, client.key, schedule.id);
  assert.equal(after.watermark, iso(FIRST));
});

test('an import that no schedule started shows no report', async () => {
  const body = { source: 'explorer', event_ids: ['x'] };
  const response = await send(
    `${worker.url}/datasets/${DATASET}/imports`,
    client.key,
    'POST',
    body,
  );
  assert.ok(!('report' in ((await response.json()) as object)));
});

test('doubled and overlapping ticks make one run and one import', async () => {
  const schedule = await make();
  const ids = addEvents(3, dueAt(schedule) - 60_000);
  await Promise.all(Array.from({ length: 20 }, () => tick(dueAt(schedule))));
  await settled(schedule);
  await tick(dueAt(schedule));
  await tick(dueAt(schedule) - HOUR);
  assert.equal((await runsOf(schedule)).length, 1);
  assert.equal(upstream.startSizes.length, 1);
  assertImportedOnce(ids);
});

test('a tick that is 59 s late runs its minute; the next one its own', async () => {
  const schedule = await make({ cron: '* * * * *' });
  await tick(dueAt(schedule) + 59_000);
  await settled(schedule);
  await tick(dueAt(schedule) + 60_000);
  const runs = await until('two runs', async () => {
    const all = await runsOf(schedule);
    return all.length === 2 && all;
  });
  assert.deepEqual(
    runs.map(({ scheduled_at }) => scheduled_at),
    schedule.next_runs.slice(0, 2),
  );
});

test('a tick that died after its call, before it noted when the schedule is due next, is made good', async () => {
  const schedule = await make();
  const schedules: unknown = await worker.miniflare.getDurableObjectNamespace('SCHEDULE');
  const namespace = schedules as {
    idFromName: (name: string) => unknown;
    get: (id: unknown) => { tick: (now: number) => Promise<number> };
  };
  const object = namespace.get(namespace.idFromName(schedule.id));
  await object.tick(dueAt(schedule));
  await settled(schedule);
  await tick(dueAt(schedule) + 60_000);
  assert.equal((await runsOf(schedule)).length, 1);
  await tick(dueAt(schedule) + HOUR);
  assert.equal((await runsOf(schedule)).length, 2);
});

test('missed times are caught up with one run, which says so', async () => {
  const schedule = await makePast();
  const ids = addEvents(2, FIRST + 3 * HOUR);
  await tick(FIRST + 5 * HOUR + 60_000);
  const run = await settled(schedule);
  assert.equal(Date.parse(run.scheduled_at), FIRST + 5 * HOUR);
  assert.match(run.message ?? '', /Catches up 5 missed since/);
  assert.equal((await runsOf(schedule)).length, 1);
  assertImportedOnce(ids);
});

test('a time that comes while a run is open is skipped, and what it would have imported comes with the next', async () => {
  const schedule = await makePast();
  const first = addEvents(2, FIRST - 1);
  upstream.nextStart = () => 'RUNNING';
  await tick(FIRST);
  await until('the start', () => upstream.startSizes.length === 1);
  const second = addEvents(2, FIRST + 1);
  await tick(FIRST + HOUR);
  const [open, skipped] = await runsOf(schedule);
  assert.equal(open?.status, 'running');
  assert.equal(skipped?.status, 'skipped');
  assert.equal(skipped.message, `Skipped: the run of ${open.scheduled_at} was still open.`);
  assert.equal(skipped.report, null);
  upstream.nextStart = () => 'COMPLETED';
  upstream.endTasks('COMPLETED');
  await until('the first to end', async () => (await runsOf(schedule))[0]?.status === 'completed');
  await tick(FIRST + 2 * HOUR);
  await settled(schedule);
  assertImportedOnce([...first, ...second]);
});

test('events that arrive late within the overlap, or at the same moment as the last, are imported once', async () => {
  const schedule = await makePast({ overlapMs: 900_000 });
  const due = FIRST;
  const on = addEvents(2, due - 1);
  await tick(due);
  await settled(schedule);
  const late = [...addEvents(2, due - 1), ...addEvents(1, due - 900_000), ...addEvents(1, due)];
  const tooLate = addEvents(1, due - 900_001);
  await tick(due + HOUR);
  const run = await settled(schedule);
  assert.deepEqual(run.report, { matched: 6, new: 4, duplicate: 2, imported: 4 });
  assertImportedOnce([...on, ...late]);
  assert.ok(!upstream.imported.has(tooLate[0] ?? ''));
});

test('without an overlap the windows touch: equal timestamps at their border are imported once', async () => {
  const schedule = await makePast({ overlapMs: 0 });
  const due = FIRST;
  const ids = [...addEvents(3, due - 1), ...addEvents(3, due), ...addEvents(3, due + 1)];
  for (const hour of [0, 1, 2]) {
    await tick(due + hour * HOUR);
    await settled(schedule);
  }
  assertImportedOnce(ids);
});

test('the first run reaches back the overlap from the creation, with backfill to where that says', async () => {
  const from = Date.parse('2026-01-01T00:00:00Z');
  const old = [...addEvents(1, from), ...addEvents(1, from + 40 * 24 * HOUR)];
  addEvents(1, from - 1);
  const recent = addEvents(1, Date.now() - 600_000);
  const plain = await make();
  await tick(dueAt(plain));
  assert.deepEqual((await settled(plain)).report?.matched, 1);
  assertImportedOnce(recent);
  upstream.imported.clear();
  const filled = await make({ backfill: { from: new Date(from).toISOString() } });
  await tick(dueAt(filled));
  assert.deepEqual((await settled(filled)).report?.matched, 3);
  assertImportedOnce([...old, ...recent]);
});

test('a failed run leaves the watermark; the next repeats it without what was imported', async () => {
  const schedule = await makePast();
  const ids = addEvents(1100, FIRST - 1);
  let starts = 0;
  upstream.nextStart = () => (++starts === 2 ? 'FAILED' : 'COMPLETED');
  await tick(FIRST);
  const failed = await settled(schedule);
  assert.equal(failed.status, 'failed');
  assert.deepEqual(failed.report, { matched: 1100, new: 1100, duplicate: 0, imported: 600 });
  assert.equal((await readSchedule(worker.url, client.key, schedule.id)).watermark, null);
  await tick(FIRST + HOUR);
  const next = await settled(schedule);
  assert.deepEqual(next.report, { matched: 1100, new: 500, duplicate: 600, imported: 500 });
  assert.equal(next.status, 'completed');
  assertImportedOnce(ids);
});

test('a start that is refused fails the run with the upstream’s own words, and no import is kept', async () => {
  const schedule = await make();
  const ids = addEvents(2, dueAt(schedule) - 1);
  upstream.nextStart = () => 404;
  await tick(dueAt(schedule));
  const run = await settled(schedule);
  assert.deepEqual([run.status, run.message, run.import_id], ['failed', 'scripted 404', null]);
  upstream.nextStart = () => 'COMPLETED';
  await tick(dueAt(schedule) + HOUR);
  await settled(schedule);
  assertImportedOnce(ids);
});

test('a search that fails for a while is made again; one that is refused fails the run', async () => {
  const schedule = await make();
  const ids = addEvents(2, dueAt(schedule) - 1);
  upstream.nextSearch = () => (upstream.searches < 4 ? 503 : null);
  await tick(dueAt(schedule));
  assert.equal((await settled(schedule)).status, 'completed');
  assert.equal(upstream.searches, 4);
  upstream.nextSearch = () => 400;
  await tick(dueAt(schedule) + HOUR);
  const refused = await settled(schedule);
  assert.deepEqual([refused.status, refused.message], ['failed', 'scripted 400']);
  assertImportedOnce(ids);
});

test('a run with nothing new is recorded, starts nothing and notifies nobody', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const schedule = await makePast({
    callback: { url: receiver.url, events: ['import.completed'] },
  });
  await tick(FIRST);
  const run = await settled(schedule);
  assert.deepEqual([run.status, run.message, run.import_id], ['completed', 'Nothing new.', null]);
  assert.deepEqual(run.report, { matched: 0, new: 0, duplicate: 0, imported: 0 });
  const { watermark } = await readSchedule(worker.url, client.key, schedule.id);
  assert.equal(watermark, iso(FIRST));
  assert.equal(upstream.startSizes.length, 0);
  assert.equal(receiver.received.length, 0);
});

test('with notify_empty such a run is an import without tasks, completed at once, and its webhook', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const schedule = await make({ callback: { url: receiver.url }, notify_empty: true });
  await tick(dueAt(schedule));
  const run = await settled(schedule);
  assert.equal(run.status, 'completed');
  assert.match(run.import_id ?? '', /^imp_/);
  const [webhook] = await until('a webhook', () => receiver.received[0] && receiver.received);
  const { type, data } = JSON.parse(webhook?.body ?? '') as {
    type: string;
    data: { report: object };
  };
  assert.equal(type, 'import.completed');
  assert.deepEqual(data.report, { matched: 0, new: 0, duplicate: 0, imported: 0 });
  assert.equal(upstream.startSizes.length, 0);
});

test('dry_run answers the counts and imports nothing', async () => {
  const schedule = await make();
  addEvents(3, Date.now() - 1000);
  const dry = await call('POST', `${schedule.id}/run`, { dry_run: true });
  assert.equal(dry.status, 200);
  assert.deepEqual(await dry.json(), { matched: 3, new: 3, duplicate: 0, imported: 0 });
  assert.equal((await runsOf(schedule)).length, 0);
  const started = await call('POST', `${schedule.id}/run`);
  assert.equal(started.status, 202);
  await settled(schedule);
  addEvents(2, Date.now() - 1000);
  const again = await call('POST', `${schedule.id}/run`, { dry_run: true });
  assert.deepEqual(await again.json(), { matched: 5, new: 2, duplicate: 3, imported: 0 });
  upstream.nextSearch = () => 503;
  assert.equal((await call('POST', `${schedule.id}/run`, { dry_run: true })).status, 502);
});

test('a run by hand imports what is new and leaves the times as they are', async () => {
  const schedule = await make();
  const ids = addEvents(2, Date.now() - 1000);
  const response = await call('POST', `${schedule.id}/run`, {});
  assert.equal(response.status, 202);
  const { id } = (await response.json()) as { id: string };
  const run = await settled(schedule);
  assert.equal(run.id, id);
  await tick(dueAt(schedule));
  const next = await until('the second run', async () => {
    const last = await settled(schedule);
    return last.id !== id && last;
  });
  assert.deepEqual(next.report, { matched: 2, new: 0, duplicate: 2, imported: 0 });
  assertImportedOnce(ids);
});

test('another where does not import again what the ledger has', async () => {
  const schedule = await makePast();
  const a = addEvents(2, FIRST - 1);
  const b = addEvents(2, FIRST - 1, 'b');
  await tick(FIRST);
  await settled(schedule);
  const any = { ...INCREMENTAL, where: null };
  assert.equal((await call('PATCH', schedule.id, { import: any, overlap_s: 7200 })).status, 200);
  await tick(FIRST + HOUR);
  await settled(schedule);
  assertImportedOnce([...a, ...b]);
});

test('a schedule that is deleted while it runs makes no more runs; its import goes on', async () => {
  const schedule = await make();
  addEvents(2, dueAt(schedule) - 1);
  upstream.nextStart = () => 'RUNNING';
  await tick(dueAt(schedule));
  const importId = await until('the import', async () => (await runsOf(schedule))[0]?.import_id);
  assert.equal((await call('DELETE', schedule.id)).status, 204);
  upstream.endTasks('COMPLETED');
  assert.equal((await ended(worker.url, client.key, importId))['status'], 'completed');
  await tick(dueAt(schedule) + HOUR);
  assert.equal(upstream.searches, 1);
  assert.equal((await call('GET', schedule.id)).status, 404);
});

test('after ticks of a time that is yet to come, what happens in the present is still imported', async () => {
  const schedule = await make();
  const before = addEvents(2, Date.now() - 1000);
  await tick(dueAt(schedule) + 240 * HOUR);
  await settled(schedule);
  const { watermark } = await readSchedule(worker.url, client.key, schedule.id);
  assert.ok(Date.parse(watermark ?? '') <= Date.now());
  const since = addEvents(2, Date.now());
  await tick(dueAt(schedule) + 480 * HOUR);
  const run = await settled(schedule);
  assert.deepEqual(run.report, { matched: 4, new: 2, duplicate: 2, imported: 2 });
  assertImportedOnce([...before, ...since]);
});
