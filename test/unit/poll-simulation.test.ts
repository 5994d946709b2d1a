import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nextPollAt } from '../../src/domain/poll.ts';
import { numbersFrom } from '../support/numbers.ts';

/** `POLL_MIN_MS` and `POLL_MAX_MS` as they are by default. */
const BOUNDS = { minMs: 1000, maxMs: 30_000 };
/** A poll takes so long there, and so long back. */
const WAY_MS = 25;
const RUNS = 2000;

/** What an upstream reports of a task: part of its way done → progress. */
type Report = (done: number) => number | null;

const LINEAR: Report = (done) => Math.trunc(done * 100);
const NO_PROGRESS: Report = () => null;
const QUARTERS: Report = (done) => Math.trunc(done * 4) * 25;

interface Watched {
  /** From the end of the task to our seeing it. */
  lagMs: number;
  polls: number;
  longestWaitMs: number;
}

/** Watches a task from its start to its end, as an import does. */
function watch(durationMs: number, report: Report, random: () => number): Watched {
  let [now, polls, progressAt, longestWaitMs] = [0, 0, 0, 0];
  let progress = report(0);
  for (;;) {
    const history = { open: [{ startedAt: 0, progress }], progressAt, failures: 0 };
    const at = nextPollAt(history, BOUNDS, null, now, random());
    longestWaitMs = Math.max(longestWaitMs, at - now);
    polls += 1;
    now = at + 2 * WAY_MS;
    if (at + WAY_MS >= durationMs) return { lagMs: now - durationMs, polls, longestWaitMs };
    const seen = report((at + WAY_MS) / durationMs);
    if ((seen ?? 0) > (progress ?? 0)) progressAt = now;
    progress = seen;
  }
}

/** Watches many tasks of 2 to 20 s. */
function watchMany(report: Report) {
  const numbers = numbersFrom(42);
  const random = () => numbers(1_000_000) / 1_000_000;
  const watched = Array.from({ length: RUNS }, () => watch(2000 + numbers(18_001), report, random));
  const lags = watched.map(({ lagMs }) => lagMs).toSorted((a, b) => a - b);
  return {
    lag: (part: number) => lags[Math.min(RUNS - 1, Math.floor(part * RUNS))] ?? Infinity,
    mostPolls: Math.max(...watched.map(({ polls }) => polls)),
    meanPolls: watched.reduce((sum, { polls }) => sum + polls, 0) / RUNS,
  };
}

describe('tasks of 2 to 20 s, at the default bounds', () => {
  test('with progress in whole percent: the end is seen soon, in few polls', () => {
    const { lag, mostPolls } = watchMany(LINEAR);
    assert.ok(lag(0.5) <= 600, `p50 ${lag(0.5)} ms`);
    assert.ok(lag(0.95) <= 2500, `p95 ${lag(0.95)} ms`);
    assert.ok(mostPolls <= 12, `${mostPolls} polls`);
  });

  // A loop that waits 2 s has p50 1.05 s, p95 2 s and 5.9 polls: the first poll is all that may come on top.
  test('without progress: as soon as a loop of 2 s would see it, with one poll more at most', () => {
    const { lag, mostPolls, meanPolls } = watchMany(NO_PROGRESS);
    assert.ok(lag(0.5) <= 1100, `p50 ${lag(0.5)} ms`);
    assert.ok(lag(0.95) <= 2200, `p95 ${lag(0.95)} ms`);
    assert.ok(lag(1) <= 20_000 * 0.125 * 1.1 + 2 * WAY_MS, `at most ${lag(1)} ms`);
    assert.ok(mostPolls <= 12, `${mostPolls} polls`);
    assert.ok(meanPolls <= 6.9, `${meanPolls} polls`);
  });

  // Where the last step is seen just before the end, all the rest seems to be still to come.
  test('with progress in steps of 25: no later than a third of the time it took, in few polls', () => {
    const { lag, mostPolls } = watchMany(QUARTERS);
    assert.ok(lag(0.5) <= 1500, `p50 ${lag(0.5)} ms`);
    assert.ok(lag(1) <= 20_000 / 3 + 200, `at most ${lag(1)} ms`);
    assert.ok(mostPolls <= 14, `${mostPolls} polls`);
  });
});

describe('an hour', () => {
  const HOUR_MS = 3_600_000;
  const numbers = numbersFrom(3);
  const random = () => numbers(1_000_000) / 1_000_000;

  for (const [name, report] of [
    ['at 99 since the tenth second', (done: number) => Math.min(99, Math.trunc(done * 36_000))],
    ['at 100 since the tenth second', (done: number) => Math.min(100, Math.trunc(done * 36_000))],
    ['at 99 from the start', () => 99],
    ['at 100 from the start', () => 100],
    ['at 50', () => 50],
    ['at 0', () => 0],
    ['without progress', NO_PROGRESS],
    ['with progress in steps of 25', QUARTERS],
    ['with progress in whole percent', LINEAR],
  ] as const) {
    test(`${name}: polls stay within the bounds, about two a minute`, () => {
      const { polls, lagMs, longestWaitMs } = watch(HOUR_MS, report, random);
      assert.ok(polls >= 100 && polls <= 200, `${polls} polls`);
      assert.ok(lagMs <= BOUNDS.maxMs + 2 * WAY_MS, `${lagMs} ms`);
      assert.ok(longestWaitMs <= BOUNDS.maxMs);
    });
  }
});
