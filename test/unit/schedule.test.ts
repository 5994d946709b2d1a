import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImportOutcome } from '../../src/domain/import-outcome.ts';
import { runOrder } from '../../src/domain/schedule-order.ts';
import { runView, scheduleView } from '../../src/domain/schedule-view.ts';
import {
  changed,
  dueRun,
  incrementalFilters,
  newRun,
  newSchedule,
  settle,
  stepAgainAt,
  windowAt,
  type Run,
  type ScheduleSettings,
  type ScheduleState,
} from '../../src/domain/schedule.ts';
import type { TerminalStatus } from '../../src/domain/import.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const CREATED = Date.parse('2026-03-01T00:30Z');
const at = (text: string) => Date.parse(`2026-03-01T${text}Z`);

const SETTINGS: ScheduleSettings = {
  name: 'hourly',
  cron: '0 * * * *',
  timezone: 'UTC',
  datasetId: '00000000-0000-4000-8000-000000000000',
  template: { source: 'explorer', where: 'model_name = "a"', incremental: true },
  callback: null,
  overlapMs: 15 * MINUTE,
  notifyEmpty: false,
  origin: 'https://windsock.example',
};

const schedule = (given: Partial<ScheduleSettings> = {}, backfill: number | null = null) =>
  newSchedule('sch_x', 'cl_x', { ...SETTINGS, ...given }, backfill, CREATED);

const begun = (state: ScheduleState, time: number, open: Run | null = null): Run =>
  newRun(state, open, { scheduledAt: time, message: null }, time, time + 40);

const outcome = (
  status: TerminalStatus,
  ...ends: ImportOutcome['ends']
): ImportOutcome & { status: TerminalStatus } => ({
  status,
  message: null,
  imported: ends.filter((end) => end === 'completed').length * 500,
  ends,
});

test('nothing is due before its time, one run at it, and its second tick finds nothing', () => {
  const state = schedule();
  assert.equal(state.nextDueAt, at('01:00'));
  assert.equal(dueRun(state, at('00:59')), null);
  const due = dueRun(state, at('01:00'));
  assert.deepEqual(due, { scheduledAt: at('01:00'), nextDueAt: at('02:00'), message: null });
  assert.equal(dueRun({ ...state, nextDueAt: due.nextDueAt }, at('01:00')), null);
  assert.equal(dueRun({ ...state, nextDueAt: due.nextDueAt }, at('00:00')), null);
});

test('a tick that is 59 s late still runs its minute', () => {
  const due = dueRun(schedule(), at('01:00') + 59_000);
  assert.equal(due?.scheduledAt, at('01:00'));
  assert.equal(due.message, null);
});

test('missed times are one run, named by the last of them, which says how many it catches up', () => {
  const due = dueRun(schedule(), at('04:20'));
  assert.deepEqual(due, {
    scheduledAt: at('04:00'),
    nextDueAt: at('05:00'),
    message: 'Catches up 3 missed since 2026-03-01T01:00:00.000Z.',
  });
});

test('of thousands of missed times the last is still found', () => {
  const due = dueRun(schedule({ cron: '* * * * *' }), CREATED + 100 * 24 * HOUR + 20_000);
  assert.equal(due?.scheduledAt, CREATED + 100 * 24 * HOUR);
  assert.match(due.message ?? '', /499 or more missed/);
});

test('a run is named by its schedule and its scheduled time', () => {
  assert.equal(begun(schedule(), at('01:00')).id, 'run_x_20260301T010000Z');
  assert.equal(begun(schedule(), at('01:00') + 7).id, 'run_x_20260301T010000007Z');
});

test('while a run is open the next is skipped and says why', () => {
  const state = schedule();
  const open = begun(state, at('01:00'));
  const next = begun(state, at('02:00'), open);
  assert.equal(next.status, 'skipped');
  assert.equal(next.finishedAt, next.startedAt);
  assert.equal(next.message, 'Skipped: the run of 2026-03-01T01:00:00.000Z was still open.');
});

test('the first run reaches back the overlap from the creation, or begins at the backfill', () => {
  assert.deepEqual(windowAt(schedule(), at('01:00')), {
    from: CREATED - 15 * MINUTE,
    to: at('01:00'),
  });
  assert.equal(windowAt(schedule({}, 5), at('01:00')).from, 5);
});

test('later runs reach back the overlap from the watermark', () => {
  const state = { ...schedule(), watermark: at('03:00') };
  assert.deepEqual(windowAt(state, at('04:00')), { from: at('02:45'), to: at('04:00') });
});

test('the window never ends before the watermark, whatever the clock says', () => {
  const state = { ...schedule(), watermark: at('03:00') };
  assert.equal(windowAt(state, at('02:00')).to, at('03:00'));
});

test('a completed import moves the watermark to the end of the window, and the floor with it', () => {
  const state = schedule();
  const {
    state: next,
    run,
    imported,
  } = settle(
    state,
    { ...begun(state, at('01:00')), report: { matched: 7, new: 5, duplicate: 2, imported: 0 } },
    outcome('completed', 'completed', 'completed'),
    at('01:02'),
  );
  assert.equal(next.watermark, at('01:00'));
  assert.equal(next.floor, at('00:45'));
  assert.deepEqual(imported, [0, 1]);
  assert.equal(run.finishedAt, at('01:02'));
  assert.deepEqual(run.report, { matched: 7, new: 5, duplicate: 2, imported: 1000 });
});

for (const status of ['failed', 'canceled', 'terminated', 'timed_out', 'lost'] as const) {
  test(`an import that ends ${status} leaves the watermark, and enters the parts that completed`, () => {
    const state = { ...schedule(), watermark: at('00:50') };
    const ends = ['completed', status, null, 'completed'] as const;
    const settled = settle(state, begun(state, at('01:00')), outcome(status, ...ends), at('01:02'));
    assert.deepEqual(settled.state, { ...state, owedFrom: at('00:35') });
    assert.deepEqual(settled.imported, [0, 3]);
    assert.equal(settled.run.status, status);
  });
}

test('a tick of a time that is yet to come moves the watermark to the present only', () => {
  const state = schedule();
  const run = newRun(
    state,
    null,
    { scheduledAt: at('09:00'), message: null },
    at('09:00'),
    at('01:00'),
  );
  assert.deepEqual(windowAt(state, run.asOf), { from: state.floor, to: at('09:00') });
  const settled = settle(state, run, outcome('completed', 'completed'), at('01:01'));
  assert.equal(settled.state.watermark, at('01:00'));
  assert.equal(settled.state.floor, at('00:45'));
});

test('a run that is not incremental moves no watermark', () => {
  const state = schedule({ template: { source: 'campaign', campaign_id: 'c' } });
  const run = begun(state, at('01:00'));
  assert.equal(run.from, null);
  const settled = settle(state, run, outcome('completed', 'completed'), at('01:01'));
  assert.equal(settled.state.watermark, null);
});

test('a longer overlap does not reach back to where the ledger was pruned', () => {
  const ran = settle(
    schedule(),
    begun(schedule(), at('01:00')),
    outcome('completed', 'completed'),
    at('01:01'),
  ).state;
  const longer = changed(ran, { overlapMs: HOUR }, at('01:10'));
  assert.equal(windowAt(longer, at('02:00')).from, at('00:45'));
  const shorter = changed(ran, { overlapMs: 0 }, at('01:10'));
  assert.equal(windowAt(shorter, at('02:00')).from, at('01:00'));
});

test('what a failed run has left is looked at again, even if the overlap was made shorter since', () => {
  const first = begun(schedule(), at('01:00'));
  const failed = settle(schedule(), first, outcome('failed', 'failed'), at('01:01')).state;
  const shorter = changed(failed, { overlapMs: 0 }, at('01:10'));
  const again = begun(shorter, at('02:00'));
  assert.equal(again.from, first.from);
  const done = settle(shorter, again, outcome('completed', 'completed'), at('02:01')).state;
  assert.equal(windowAt(done, at('03:00')).from, at('02:00'));
  const third = begun({ ...done, overlapMs: HOUR, floor: at('00:00') }, at('03:00'));
  const refused = settle(done, third, outcome('failed'), at('03:01')).state;
  assert.equal(windowAt(refused, at('04:00')).from, third.from);
});

test('before the first run a changed overlap counts from the creation', () => {
  const state = changed(schedule(), { overlapMs: 2 * HOUR }, CREATED + MINUTE);
  assert.equal(windowAt(state, at('01:00')).from, CREATED - 2 * HOUR);
  const filled = changed(schedule({}, 5), { overlapMs: 2 * HOUR }, CREATED + MINUTE);
  assert.equal(windowAt(filled, at('01:00')).from, 5);
});

test('another expression or zone is due anew, other settings are due as before', () => {
  const state = { ...schedule(), nextDueAt: 5 };
  assert.equal(changed(state, { name: 'other' }, at('01:30')).nextDueAt, 5);
  assert.equal(changed(state, { cron: '15 * * * *' }, at('01:30')).nextDueAt, at('02:15'));
  assert.equal(
    changed(state, { timezone: 'Asia/Kolkata' }, at('01:00') + 1).nextDueAt,
    at('01:30'),
  );
});

const WINDOW = { from: at('00:45'), to: at('01:00') };
const WITHIN = [
  { field: 'timestamp', op: 'gte', value: '2026-03-01T00:45:00.000Z' },
  { field: 'timestamp', op: 'lt', value: '2026-03-01T01:00:00.000Z' },
];
const A = { field: 'model_name', op: 'eq', value: 'a' };

test('the window and the where must both hold', () => {
  const tree = (where: unknown) => {
    const read = incrementalFilters(where, WINDOW);
    assert.ok(read.ok);
    return read.filters;
  };
  assert.deepEqual(tree(null), { AND: WITHIN });
  assert.deepEqual(tree(A), { AND: [...WITHIN, A] });
  assert.deepEqual(tree({ AND: [A, A] }), { AND: [...WITHIN, A, A] });
  assert.deepEqual(tree({ OR: [A, A] }), { AND: [...WITHIN, { OR: [A, A] }] });
  assert.deepEqual(tree('timestamp > "now-1h"'), {
    AND: [...WITHIN, { field: 'timestamp', op: 'gt', value: '2026-03-01T00:00:00.000Z' }],
  });
});

test('a where that is only too large with its window is refused as such', () => {
  const read = incrementalFilters({ AND: Array.from({ length: 999 }, () => A) }, WINDOW);
  assert.equal(read.ok, false);
  assert.match(read.ok ? '' : read.message, /1000 conditions/);
  assert.equal(incrementalFilters({ AND: Array.from({ length: 998 }, () => A) }, WINDOW).ok, true);
});

test('an order is the same each time it is made, in parts of at most 500', () => {
  const state = schedule();
  const run: Run = {
    ...begun(state, at('01:00')),
    report: { matched: 1300, new: 1201, duplicate: 99, imported: 0 },
  };
  const ids = Array.from({ length: 1201 }, (_, n) => `e${n}`);
  const name = { importId: 'imp_x', requestHash: 'h' };
  const made = runOrder(state, run, name, ids);
  assert.deepEqual(made, runOrder(state, run, name, ids));
  assert.ok(made.ok);
  assert.deepEqual(
    made.order.parts.map(({ weight }) => weight),
    [500, 500, 201],
  );
  assert.deepEqual(made.order.run, { schedule: 'sch_x', run: run.id });
  assert.deepEqual(made.order.report, { matched: 1300, new: 1201, duplicate: 99 });
});

test('an import that is not incremental is ordered as it is, its relative times counted from the run', () => {
  const state = schedule({ template: { source: 'explorer', where: 'timestamp > "now-1h"' } });
  const made = runOrder(
    state,
    begun(state, at('01:00')),
    { importId: 'i', requestHash: 'h' },
    null,
  );
  assert.ok(made.ok);
  assert.deepEqual(made.order.search?.filters, {
    field: 'timestamp',
    op: 'gt',
    value: '2026-03-01T00:00:00.000Z',
  });
  assert.equal(made.order.report, null);
});

test('a schedule shows its next three times, never one that has passed', () => {
  const state = schedule();
  assert.deepEqual(scheduleView(state, null, CREATED).next_runs, [
    '2026-03-01T01:00:00.000Z',
    '2026-03-01T02:00:00.000Z',
    '2026-03-01T03:00:00.000Z',
  ]);
  assert.equal(scheduleView(state, null, at('05:10')).next_runs[0], '2026-03-01T06:00:00.000Z');
});

test('the views have the fields of the interface and no others', () => {
  const state = schedule({}, 0);
  const run = begun(state, at('01:00'));
  assert.deepEqual(
    Object.keys(runView(run)).join(' '),
    'id scheduled_at started_at finished_at status import_id message report',
  );
  const view = scheduleView(state, run, CREATED);
  assert.equal(view.overlap_s, 900);
  assert.deepEqual(view.backfill, { from: '1970-01-01T00:00:00.000Z' });
  assert.equal(view.last_run?.id, run.id);
  assert.ok(!('floor' in view || 'clientId' in view));
});

test('a step that failed is taken again later with each failure, up to the longest wait', () => {
  const waits = [0, 1, 2, 5, 99].map((failures) =>
    stepAgainAt(failures, { minMs: 1000, maxMs: 30_000 }, null, Infinity, 0),
  );
  assert.deepEqual(waits, [1000, 2000, 4000, 30_000, 30_000]);
});

test('a step that failed waits for what the upstream asked for, but not beyond the end of its run', () => {
  const again = (retryAfterMs: number, now: number) =>
    stepAgainAt(0, { minMs: 1000, maxMs: 30_000 }, retryAfterMs, 100_000, now);
  assert.equal(again(60_000, 0), 60_000);
  assert.equal(again(500, 0), 1000);
  assert.equal(again(86_400_000, 0), 100_000);
  assert.equal(again(Infinity, 99_999), 100_000);
  assert.equal(again(0, 100_000), null);
});
