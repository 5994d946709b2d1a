import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { startEventsUpstream, type EventsUpstream } from '../support/schedule-upstream.ts';
import { makeSchedule, readRuns, settledRun, type ScheduleView } from '../support/schedules.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { EVERY_MINUTE, fireCron } from '../support/tick.ts';
import { until } from '../support/until.ts';
import { createClient, send, type TestClient } from '../support/worker.ts';

const HOUR = 3_600_000;
let upstream: EventsUpstream;
let server: TestServer;
let client: TestClient;
let schedule: ScheduleView;
let due: number;

before(async () => {
  upstream = await startEventsUpstream();
  server = await startServer({
    MISTRAL_BASE_URL: upstream.scripted.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '20',
    POLL_MAX_MS: '100',
  });
});
beforeEach(async () => {
  upstream.events = [];
  upstream.imported.clear();
  upstream.startSizes = [];
  upstream.searches = 0;
  upstream.nextStart = () => 'COMPLETED';
  upstream.nextSearch = () => null;
  client = await createClient(server.url);
  schedule = await makeSchedule(server.url, client.key);
  due = Date.parse(schedule.next_runs[0] ?? '');
});
afterEach(async () => {
  await send(`${server.url}/schedules/${schedule.id}`, client.key, 'DELETE');
});
after(async () => {
  await server.dispose();
  upstream.scripted.close();
});

const tick = (time: number) => fireCron(server.url, EVERY_MINUTE, time);

function addEvents(count: number): string[] {
  const ids = Array.from({ length: count }, (_, n) => `killed-${due}-${n}`);
  upstream.events.push(...ids.map((id) => ({ id, at: due - 1000, model: 'a' })));
  return ids;
}

/** What kills the server as soon as a call of the upstream comes in; the answer finds nobody. */
function killer() {
  const killed = Promise.withResolvers<void>();
  let isFirst = true;
  return {
    killed: killed.promise,
    strike: () => {
      if (!isFirst) return;
      isFirst = false;
      killed.resolve(server.kill());
    },
  };
}

async function assertOneRun(ids: readonly string[]): Promise<void> {
  const run = await settledRun(server.url, client.key, schedule.id, 30_000);
  assert.equal(run.status, 'completed');
  assert.deepEqual(run.report, {
    matched: ids.length,
    new: ids.length,
    duplicate: 0,
    imported: ids.length,
  });
  assert.equal((await readRuns(server.url, client.key, schedule.id)).length, 1);
  assert.deepEqual(upstream.imported, new Map(ids.map((id) => [id, 1])));
}

test('killed in the search: the run goes on after the restart, with no tick and no request', async () => {
  const ids = addEvents(3);
  const { killed, strike } = killer();
  upstream.nextSearch = () => {
    strike();
    return null;
  };
  await tick(due);
  await killed;
  await server.restart();
  await until('the import', () => upstream.startSizes.length === 1);
  await assertOneRun(ids);
  assert.equal(upstream.searches, 2);
});

for (const [which, position] of [
  ['first', 0],
  ['second', 1],
] as const) {
  test(`killed in the ${which} start, which the upstream took: nothing is imported twice`, async () => {
    const ids = addEvents(1100);
    const { killed, strike } = killer();
    upstream.nextStart = () => {
      if (upstream.startSizes.length === position) strike();
      return 'COMPLETED';
    };
    await tick(due);
    await killed;
    await server.restart();
    await assertOneRun(ids);
    assert.deepEqual(upstream.startSizes, [500, 500, 100]);
  });
}

test('killed while the import runs: its end is seen after the restart', async () => {
  const ids = addEvents(3);
  upstream.nextStart = () => 'RUNNING';
  await tick(due);
  await until('the start', () => upstream.startSizes.length === 1);
  await server.kill();
  upstream.endTasks('COMPLETED');
  await server.restart();
  await assertOneRun(ids);
});

test('killed while a tick is at work: the tick that comes again makes no second run', async () => {
  const ids = addEvents(3);
  const { killed, strike } = killer();
  upstream.nextSearch = () => {
    strike();
    return null;
  };
  await Promise.allSettled([tick(due), tick(due)]);
  await killed;
  await server.restart();
  await Promise.all([tick(due), tick(due + 60_000)]);
  await assertOneRun(ids);
});

test('killed again and again, each moment a little later: one run a time, each event once', async () => {
  const ids: string[] = [];
  const ROUNDS = 6;
  for (let round = 0; round < ROUNDS; round++) {
    const at = due + round * HOUR;
    const some = Array.from({ length: 3 }, (_, n) => `again-${at}-${n}`);
    upstream.events.push(...some.map((id) => ({ id, at: at - 1, model: 'a' })));
    ids.push(...some);
    await tick(at);
    const calls = upstream.scripted.seen.length + round;
    await Promise.race([
      until('so many calls', () => upstream.scripted.seen.length >= calls),
      settledRun(server.url, client.key, schedule.id),
    ]);
    await server.kill();
    await server.restart();
    await settledRun(server.url, client.key, schedule.id, 30_000);
  }
  const runs = await readRuns(server.url, client.key, schedule.id);
  assert.deepEqual(
    runs.map(({ scheduled_at, status }) => [Date.parse(scheduled_at), status]),
    Array.from({ length: ROUNDS }, (_, round) => [due + round * HOUR, 'completed']),
  );
  assert.deepEqual(upstream.imported, new Map(ids.map((id) => [id, 1])));
});
