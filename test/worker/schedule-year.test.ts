import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Miniflare } from 'miniflare';
import { nextTimes } from '../../src/domain/cron.ts';
import { randomOf } from '../support/events.ts';
import { startEventsUpstream, type EventsUpstream } from '../support/schedule-upstream.ts';
import {
  makePastSchedule,
  readRuns,
  readSchedule,
  settledRun,
  type RunView,
  type ScheduleView,
} from '../support/schedules.ts';
import { EVERY_MINUTE, fireCron } from '../support/tick.ts';
import { until } from '../support/until.ts';
import { createClient, workerOptions } from '../support/worker.ts';

// The last twelve months of one schedule in a minute: its times are ticked one after the other, and what went wrong on the way
// is drawn from a seed. Beside it runs a model of what each run must find; see `expected`.
const SEED = 20260301;
const CRON = '30 2 * * *';
const TIMEZONE = 'Europe/Berlin';
const HOUR = 3_600_000;
const OVERLAP_MS = 30 * HOUR;
const YEAR_MS = 365 * 24 * HOUR;
const RESTARTS = 5;

let upstream: EventsUpstream;
let folder: string;
let miniflare: Miniflare;
let url: string;

before(async () => {
  upstream = await startEventsUpstream();
  folder = await mkdtemp(join(tmpdir(), 'windsock-year-'));
  await startRuntime();
});
after(async () => {
  await miniflare.dispose();
  await rm(folder, { recursive: true, force: true });
  upstream.scripted.close();
});

/** Runs the Worker over the state that it left before, if any. */
async function startRuntime(): Promise<void> {
  const vars = {
    MISTRAL_BASE_URL: upstream.scripted.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '5',
    POLL_MAX_MS: '50',
  };
  miniflare = new Miniflare(workerOptions(vars, 0, folder));
  url = (await miniflare.ready).origin;
}

/** What the run that a tick begins has to look like, beside its times. */
interface Expected {
  scheduledAt: number;
  status: string;
  message: RegExp | null;
  report: RunView['report'];
}

type Trouble = 'none' | 'failed' | 'partly' | 'refused' | 'search' | 'open';

/** The year as it is drawn, and what a schedule has to make of it. */
class Year {
  readonly #random = randomOf(SEED);
  readonly #floor: number;
  #watermark: number | null = null;
  /** Times that were due and had no run yet. */
  #missed: number[] = [];
  #events = 0;
  readonly expected: Expected[] = [];
  /** Ids of events that match and have to be imported once each. */
  readonly matching: string[] = [];

  constructor(createdAt: number) {
    this.#floor = createdAt - OVERLAP_MS;
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  between(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low));
  }

  trouble(): Trouble {
    const troubles: Trouble[] = ['failed', 'partly', 'refused', 'search', 'open'];
    return this.chance(0.2) ? (troubles[this.between(0, troubles.length)] ?? 'none') : 'none';
  }

  /** Adds events of a stretch of time: some at one moment, some at its very ends, some that do not match. */
  addEvents(from: number, to: number): void {
    const count = this.chance(0.03) ? this.between(400, 1300) : this.between(0, 14);
    let at = to - 1;
    for (let n = 0; n < count; n++) {
      if (this.chance(0.7)) at = this.chance(0.1) ? from : this.between(from, to);
      const model = this.chance(0.8) ? 'a' : 'b';
      const id = `event-${this.#events++}`;
      upstream.events.push({ id, at, model });
      if (model === 'a') this.matching.push(id);
    }
  }

  miss(scheduledAt: number): void {
    this.#missed.push(scheduledAt);
  }

  skip(scheduledAt: number): void {
    this.expected.push({ scheduledAt, status: 'skipped', message: /still open/, report: null });
  }

  /** Notes what a tick's run must come to. @param asOf the time of the tick */
  run(scheduledAt: number, asOf: number, trouble: Trouble, parts: ('ok' | 'failed')[]): void {
    const from = this.#watermark === null ? this.#floor : this.#watermark - OVERLAP_MS;
    const found = upstream.events.filter(
      ({ at, model }) => model === 'a' && at >= from && at < asOf,
    );
    const fresh = found.filter(({ id }) => !upstream.imported.has(id)).length;
    const missed = this.#missed.splice(0).length;
    const sizes = Array.from({ length: Math.ceil(fresh / 500) }, (_, part) =>
      Math.min(500, fresh - part * 500),
    );
    const isRefused = trouble === 'search' || (trouble === 'refused' && fresh > 0);
    const failed = sizes.map((_, part) => (parts[part] ?? 'ok') === 'failed');
    const isCompleted = !isRefused && !failed.includes(true);
    const imported = isRefused
      ? 0
      : sizes.reduce((sum, size, part) => (failed[part] === true ? sum : sum + size), 0);
    this.expected.push({
      scheduledAt,
      status: isCompleted ? 'completed' : 'failed',
      message: missed > 0 ? new RegExp(`^Catches up ${missed} missed since`) : null,
      report:
        trouble === 'search'
          ? null
          : { matched: found.length, new: fresh, duplicate: found.length - fresh, imported },
    });
    if (isCompleted) this.#watermark = asOf;
  }
}

async function runYear(key: string, schedule: ScheduleView): Promise<Year> {
  const year = new Year(Date.parse(schedule.created_at));
  const start = Date.parse(schedule.created_at);
  const times = nextTimes(CRON, TIMEZONE, start, 370).filter((time) => time < start + YEAR_MS);
  const restarts = new Set(
    Array.from({ length: RESTARTS }, () => year.between(1, times.length - 10)),
  );
  const tick = (time: number) => fireCron(url, EVERY_MINUTE, time);
  const runs = () => year.expected.length;
  const last = async (count: number) =>
    until(
      `run ${count}`,
      async () => {
        const view = await readSchedule(url, key, schedule.id);
        const run = view.last_run;
        const at = year.expected[count - 1]?.scheduledAt;
        return run?.finished_at && Date.parse(run.scheduled_at) === at ? run : null;
      },
      40_000,
    );

  let before = start;
  for (let index = 0; index < times.length; index++) {
    const due = times[index] ?? 0;
    const isLast = index === times.length - 1;
    const lateMs = year.chance(0.15) ? year.between(1, year.chance(0.5) ? 59_000 : 3 * HOUR) : 0;
    const now = due + lateMs;
    year.addEvents(before, now);
    before = now;
    if (!isLast && year.chance(0.1)) {
      year.miss(due);
      continue;
    }
    const trouble = isLast ? 'none' : year.trouble();
    const parts: ('ok' | 'failed')[] = [];
    let started = 0;
    upstream.nextSearch = () => (trouble === 'search' ? 422 : null);
    upstream.nextStart = () => {
      const part = started++;
      if (trouble === 'refused') return 404;
      if (trouble === 'open') return 'RUNNING';
      return (parts[part] ?? 'ok') === 'ok' ? 'COMPLETED' : 'FAILED';
    };
    if (trouble === 'failed') parts.push('failed', 'failed', 'failed');
    if (trouble === 'partly') parts.push('ok', 'failed');
    year.run(due, now, trouble, parts);
    const ticks = year.chance(0.15) ? year.between(2, 5) : 1;
    await Promise.all(Array.from({ length: ticks }, () => tick(now)));
    if (restarts.has(index)) {
      await miniflare.dispose();
      await startRuntime();
    }
    if (trouble === 'open' && year.expected.at(-1)?.report?.new !== 0) {
      await until('the start', () => started > 0);
      const next = times[++index] ?? 0;
      await tick(next);
      year.skip(next);
      year.addEvents(before, next);
      before = next;
      upstream.endTasks('COMPLETED');
      await until('all parts to run', async () => {
        upstream.endTasks('COMPLETED');
        const all = await readSchedule(url, key, schedule.id);
        return all.watermark !== null && Date.parse(all.watermark) === now;
      });
    } else {
      await last(runs());
    }
    if (year.chance(0.1)) await tick(now - 60_000);
    // What comes to light only now, but happened within the overlap.
    if (!isLast && year.chance(0.3)) year.addEvents(now - OVERLAP_MS, now);
  }
  return year;
}

test('over a year of doubled, missing and late ticks, failures, late events and restarts every event is imported once', async () => {
  const { id, key } = await createClient(url);
  const schedule = await makePastSchedule(miniflare, id, Date.now() - YEAR_MS - 24 * HOUR, {
    cron: CRON,
    timezone: TIMEZONE,
    overlapMs: OVERLAP_MS,
  });
  const year = await runYear(key, schedule);
  await settledRun(url, key, schedule.id);

  assert.ok(year.matching.length > 2000, `${year.matching.length} events`);
  assert.deepEqual(
    year.matching.filter((id) => upstream.imported.get(id) !== 1),
    [],
    'imported once each',
  );
  assert.equal(upstream.imported.size, year.matching.length, 'nothing else was imported');

  const runs = await readRuns(url, key, schedule.id);
  assert.equal(new Set(runs.map(({ id }) => id)).size, runs.length);
  assert.deepEqual(
    runs.map(({ scheduled_at, status, report }) => [Date.parse(scheduled_at), status, report]),
    year.expected.map(({ scheduledAt, status, report }) => [scheduledAt, status, report]),
  );
  for (const [index, run] of runs.entries()) {
    const message = year.expected[index]?.message;
    if (message) assert.match(run.message ?? '', message);
    if (run.report) assert.equal(run.report.matched, run.report.new + run.report.duplicate);
    const hasImport = (run.report?.imported ?? 0) > 0;
    if (hasImport) assert.match(run.import_id ?? '', /^imp_/);
  }
  const statuses = new Set(runs.map(({ status }) => status));
  assert.deepEqual([...statuses].toSorted(), ['completed', 'failed', 'skipped']);
});
