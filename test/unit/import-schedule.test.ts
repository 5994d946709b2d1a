import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { advance, type Observation } from '../../src/domain/import-advance.ts';
import { schedule, type ScheduleInput } from '../../src/domain/import-schedule.ts';
import { startStep } from '../../src/domain/import-steps.ts';
import { IMPORT_STATUSES, isTerminal, type ImportState } from '../../src/domain/import.ts';
import {
  at,
  polled,
  runningImport,
  runningTask,
  sendingImport,
  started,
  startingImport,
  unstartedTask,
} from './import-fixtures.ts';

const BOUNDS = { minMs: 1000, maxMs: 30_000 };

type Kind = Observation['kind'];

const KINDS: readonly Kind[] = [
  'searched',
  'sending',
  'started',
  'start_refused',
  'start_deferred',
  'start_unknown',
  'start_absent',
  'start_untellable',
  'start_missing',
  'start_hindered',
  'polled',
  'denied',
  'unavailable',
  'deadline',
];

function scheduled(
  state: ImportState,
  kind: Kind,
  now: number,
  change: Partial<ScheduleInput> = {},
): ImportState {
  const input = { bounds: BOUNDS, retryAfterMs: null, now, random: 0.5, ...change };
  return schedule(state, kind, input);
}

function observe(
  state: ImportState,
  observation: Observation,
  now: number,
  change: Partial<ScheduleInput> = {},
): ImportState {
  return scheduled(advance(state, observation, now).state, observation.kind, now, change);
}

/** How long until the next search, start or look; null for none. */
const startWait = (state: ImportState, kind: Kind, change: Partial<ScheduleInput> = {}) => {
  const { nextStartAt } = scheduled(state, kind, at(20), change);
  return nextStartAt === null ? null : nextStartAt - at(20);
};

const later = (change: Partial<ImportState> = {}) =>
  runningImport({ tasks: [runningTask(), unstartedTask()], nextStartAt: at(2), ...change });

test('a terminal import has nothing due, whatever was observed', () => {
  for (const status of IMPORT_STATUSES.filter(isTerminal)) {
    for (const kind of KINDS) {
      const state = scheduled(later({ status, nextPollAt: at(3) }), kind, at(20));
      assert.deepEqual([state.nextStartAt, state.nextPollAt], [null, null], `${status}, ${kind}`);
    }
  }
});

test('an observation moves only what it tells of', () => {
  const MOVED: Partial<Record<Kind, string>> = {
    searched: 'start',
    started: 'start poll',
    start_refused: 'start',
    start_deferred: 'start',
    start_unknown: 'start',
    start_absent: 'start',
    start_missing: 'start',
    start_hindered: 'start',
    polled: 'poll',
    unavailable: 'poll',
  };
  const before = later({ nextStartAt: at(7), nextPollAt: at(77) });
  for (const kind of KINDS) {
    const after = scheduled(before, kind, at(20));
    const moved = [
      after.nextStartAt === before.nextStartAt ? [] : 'start',
      after.nextPollAt === before.nextPollAt ? [] : 'poll',
    ].flat();
    assert.equal(moved.join(' '), MOVED[kind] ?? '', kind);
  }
});

describe('what succeeded goes on at once', () => {
  const cases: readonly (readonly [string, ImportState, Kind, number | null])[] = [
    ['a search', startingImport(), 'searched', 0],
    ['a start, and another one is to come', later(), 'started', 0],
    ['a start, and it was the last', runningImport(), 'started', null],
    ['a look that found nothing', startingImport(), 'start_absent', 0],
    [
      'a look that found nothing, after failures',
      startingImport({ startFailures: 9 }),
      'start_absent',
      0,
    ],
    ['a refused start, and nothing else to start', runningImport(), 'start_refused', null],
  ];
  for (const [name, state, kind, wait] of cases) {
    test(`${name}: ${wait}`, () => assert.equal(startWait(state, kind), wait));
  }
});

describe('what failed is tried again later and later', () => {
  for (const kind of ['start_deferred', 'start_hindered', 'start_unknown'] as const) {
    test(`${kind}: doubled with each failure, within the bounds`, () => {
      const waits = [1, 2, 3, 4, 5, 6, 7, 100, 1_000_000].map((startFailures) =>
        startWait(later({ startFailures }), kind),
      );
      const longest = [30_000, 30_000, 30_000, 30_000];
      assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, ...longest]);
    });
  }

  test('Retry-After is waited for where it is longer, beyond the upper bound too', () => {
    const state = later({ startFailures: 2 });
    for (const [retryAfterMs, wait] of [
      [0, 2000],
      [1500, 2000],
      [7000, 7000],
      [120_000, 120_000],
    ] as const) {
      assert.equal(startWait(state, 'start_deferred', { retryAfterMs }), wait);
    }
  });

  test('a search counts as a start', () => {
    const state = startingImport({ tasks: [], search: { filters: {} }, startFailures: 3 });
    assert.equal(startWait(state, 'start_hindered'), 4000);
  });
});

describe('an open start', () => {
  /** Settled so many milliseconds after the observation. */
  const open = (settles: number, startFailures = 0) =>
    sendingImport({
      startFailures,
      openStart: { position: 0, sentAt: at(20) - 1, settledAt: at(20) + settles },
    });
  const cases: readonly (readonly [string, ImportState, Kind, number])[] = [
    ['is looked for now and then before it settles', open(9000), 'start_absent', 1000],
    ['is looked for exactly when it settles', open(300), 'start_absent', 300],
    ['is looked for at once when it has settled', open(0), 'start_absent', 0],
    ['is looked for at once when it has settled long ago', open(-5000), 'start_absent', 0],
    ['backs off where looks fail', open(-5000, 3), 'start_hindered', 4000],
    ['backs off before it settles too', open(9000, 3), 'start_hindered', 4000],
    ['that was answered is looked for after the lower bound', open(0, 1), 'start_unknown', 1000],
  ];
  for (const [name, state, kind, wait] of cases) {
    test(name, () => assert.equal(startWait(state, kind), wait));
  }

  test('Retry-After holds for looks as well', () => {
    assert.equal(startWait(open(-1), 'start_unknown', { retryAfterMs: 9000 }), 9000);
    assert.equal(startWait(open(9000), 'start_hindered', { retryAfterMs: 20_000 }), 20_000);
  });

  test('nobody answered: looks in vain wait until it settles, then it is sent again at once', () => {
    let now = at(1);
    let state = observe(startingImport(), { kind: 'sending', position: 0 }, now);
    now = at(2);
    state = observe(state, { kind: 'start_unknown', isAnswered: false }, now);
    const looks: number[] = [];
    while (state.openStart !== null) {
      now = state.nextStartAt ?? Infinity;
      assert.deepEqual(startStep(state, now), { kind: 'look' });
      looks.push((now - at(0)) / 1000);
      // Each answer takes its time.
      now += 80;
      state = observe(state, { kind: 'start_absent' }, now);
    }
    assert.ok(
      looks.every((second) => second <= 13),
      looks.join(' '),
    );
    assert.ok(looks.length <= 10);
    assert.ok((looks.at(-1) ?? 0) >= 11, 'the last look began when the start had settled');
    assert.deepEqual(startStep(state, now), { kind: 'send', position: 0 });
  });

  test('answered with 500: one look is enough', () => {
    const sent = observe(startingImport(), { kind: 'sending', position: 0 }, at(1));
    const failed = observe(sent, { kind: 'start_unknown', isAnswered: true }, at(2));
    assert.equal(failed.nextStartAt, at(3));
    assert.equal(startStep(failed, at(2.999)), null);
    assert.deepEqual(startStep(failed, at(3)), { kind: 'look' });
    const absent = observe(failed, { kind: 'start_absent' }, at(3.1));
    assert.deepEqual(startStep(absent, at(3.1)), { kind: 'send', position: 0 });
  });

  test('an upstream that answers 500 for ever is asked less and less often', () => {
    let state = startingImport();
    let now = at(0);
    const sends: number[] = [];
    while (now < at(600)) {
      now = Math.max(now, state.nextStartAt ?? Infinity);
      const step = startStep(state, now);
      if (step?.kind === 'send') {
        sends.push(now);
        state = observe(state, { kind: 'sending', position: step.position }, now);
        state = observe(state, { kind: 'start_unknown', isAnswered: true }, now);
      } else {
        state = observe(state, { kind: 'start_absent' }, now);
      }
    }
    const gaps = sends.slice(1).map((time, index) => time - (sends[index] ?? 0));
    assert.deepEqual(gaps.slice(0, 6), [1000, 2000, 4000, 8000, 16_000, 30_000]);
    assert.ok(gaps.slice(5).every((gap) => gap === 30_000));
  });
});

describe('polls', () => {
  test('are due after the first start, not before it', () => {
    assert.equal(scheduled(startingImport(), 'polled', at(1)).nextPollAt, null);
    const begun = observe(sendingImport(), started(), at(1));
    assert.equal(begun.nextPollAt, at(2));
  });

  test('end while no task is open, and begin again with the next start', () => {
    const state = observe(later(), polled({ status: 'COMPLETED' }), at(5));
    assert.equal(state.status, 'running');
    assert.equal(state.nextPollAt, null);
    const next = observe(state, started({ id: 'task_2' }, 1), at(6));
    assert.equal(next.nextPollAt, at(7));
  });

  test('failures double the wait; Retry-After is waited for', () => {
    let state = runningImport();
    const waits = [1, 2, 3].map((second) => {
      state = observe(state, { kind: 'unavailable' }, at(second));
      return (state.nextPollAt ?? 0) - at(second);
    });
    assert.deepEqual(waits, [2000, 4000, 8000]);
    const asked = observe(state, { kind: 'unavailable' }, at(4), { retryAfterMs: 60_000 });
    assert.equal(asked.nextPollAt, at(64));
  });

  test('starts in quick succession do not put the poll off', () => {
    const tasks = [runningTask(), ...Array.from({ length: 50 }, () => unstartedTask())];
    let state = later({ tasks, nextPollAt: at(8) });
    for (let position = 1; position <= 50; position++) {
      const now = at(7 + position * 0.1);
      state = observe(state, started({ id: `task_${position + 1}` }, position), now);
      assert.equal(state.nextPollAt, at(8));
    }
  });

  test('a start brings a far poll nearer', () => {
    const old = later({ nextPollAt: at(630) });
    const state = observe(old, started({ id: 'task_2' }, 1), at(10));
    assert.ok((state.nextPollAt ?? 0) < at(20));
  });

  test('a start does not bring a poll before what a failing upstream asked for', () => {
    const failing = observe(later(), { kind: 'unavailable' }, at(2), { retryAfterMs: 60_000 });
    const state = observe(failing, started({ id: 'task_2' }, 1), at(3));
    assert.equal(state.nextPollAt, at(62));
  });
});
