import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nextPollAt, type PollBounds, type PollHistory } from '../../src/domain/poll.ts';
import { numbersFrom } from '../support/numbers.ts';

const NOW = 1_772_366_400_000;
const BOUNDS = { minMs: 1000, maxMs: 30_000 };
const NO_JITTER = 0.5;
const ALMOST_ONE = 1 - Number.EPSILON;

interface Circumstances {
  retryAfterMs?: number | null;
  random?: number;
  bounds?: PollBounds;
}

/** Tasks as old as told, in milliseconds, with their progress. */
const tasks = (...ages: (readonly [number, number | null])[]): PollHistory['open'] =>
  ages.map(([age, progress]) => ({ startedAt: NOW - age, progress }));

function interval(
  history: Partial<PollHistory>,
  { retryAfterMs = null, random = NO_JITTER, bounds = BOUNDS }: Circumstances = {},
): number {
  const whole = { open: tasks([0, null]), progressAt: NOW, failures: 0, ...history };
  return nextPollAt(whole, bounds, retryAfterMs, NOW, random) - NOW;
}

test('without progress the interval doubles, then is an eighth of the age of the task, within the bounds', () => {
  const ages = [0, 500, 1000, 16_000, 24_000, 120_000, 240_000, 3_600_000, 1e12];
  assert.deepEqual(
    ages.map((age) => interval({ open: tasks([age, null]) })),
    [1000, 1500, 2000, 2000, 3000, 15_000, 30_000, 30_000, 30_000],
  );
});

describe('reported progress', () => {
  const cases: readonly (readonly [string, number, number, number])[] = [
    ['the end is near: just after it', 10_000, 90, 1161],
    ['half way of a long task: half its age', 12_000, 50, 6000],
    ['a far end: half its age', 60_000, 1, 30_000],
    ['a young task with a far end: the lower bound', 1000, 5, 1000],
    ['at its end: the lower bound', 10_000, 99, 1000],
    ['at 100 and not ended: the lower bound', 10_000, 100, 1000],
    ['above 100: as at 100', 10_000, 4000, 1000],
    ['none yet: as without progress', 20_000, 0, 2500],
    ['below none: as without progress', 20_000, -7, 2500],
    ['started in our future: the lower bound', -5000, 50, 1000],
  ];
  for (const [name, age, progress, expected] of cases) {
    test(name, () => assert.equal(interval({ open: tasks([age, progress]) }), expected));
  }

  test('that stands still is looked at less and less often', () => {
    const waits = [1, 8, 20, 60, 600, 3600].map((seconds) =>
      interval({ open: tasks([4_000_000, 99.99]), progressAt: NOW - seconds * 1000 }),
    );
    assert.deepEqual(waits, [1000, 1000, 2500, 7500, 30_000, 30_000]);
  });

  test('of several tasks: the one that ends last counts', () => {
    assert.equal(interval({ open: tasks([9000, 90], [9000, 75], [9000, 50]) }), 4500);
    assert.equal(interval({ open: tasks([9000, 99], [9000, 75]) }), 3050);
  });

  test('of several tasks: where one tells none, the age of the oldest counts', () => {
    assert.equal(interval({ open: tasks([20_000, 99], [9000, null]) }), 2500);
    assert.equal(interval({ open: tasks([20_000, 99], [1000, 0]) }), 2500);
  });
});

describe('failures', () => {
  test('double the interval, however old the task is', () => {
    const doubled = [1, 2, 3, 4, 5, 6].map((failures) =>
      interval({ open: tasks([3_600_000, null]), failures }),
    );
    assert.deepEqual(doubled, [2000, 4000, 8000, 16_000, 30_000, 30_000]);
    assert.equal(interval({ failures: 1_000_000 }), BOUNDS.maxMs);
  });

  test('are not polled sooner because the end was near', () => {
    assert.equal(interval({ open: tasks([2000, 99]), failures: 4 }), 16_000);
  });
});

describe('Retry-After', () => {
  test('is waited for, beyond the upper bound too', () => {
    assert.equal(interval({}, { retryAfterMs: 7000 }), 7000);
    assert.equal(interval({ failures: 3 }, { retryAfterMs: 120_000 }), 120_000);
  });

  test('does not shorten the interval', () => {
    assert.equal(interval({ failures: 3 }, { retryAfterMs: 10 }), 8000);
    assert.equal(interval({ failures: 3 }, { retryAfterMs: 0 }), 8000);
  });
});

describe('jitter', () => {
  test('spreads imports that began together by a tenth to either side', () => {
    for (const history of [{ failures: 3 }, { open: tasks([64_000, null]) }]) {
      assert.equal(interval(history, { random: 0 }), 7200);
      assert.equal(interval(history, { random: 0.25 }), 7600);
      assert.equal(interval(history, { random: ALMOST_ONE }), 8800);
    }
  });

  test('does not move a poll away from the end that is expected', () => {
    for (const random of [0, NO_JITTER, ALMOST_ONE]) {
      assert.equal(interval({ open: tasks([10_000, 90]) }, { random }), 1161);
    }
  });

  test('never leaves the bounds', () => {
    assert.equal(interval({}, { random: 0 }), BOUNDS.minMs);
    assert.equal(interval({ failures: 9 }, { random: ALMOST_ONE }), BOUNDS.maxMs);
    const bounds = { minMs: 5000, maxMs: 5000 };
    for (const random of [0, NO_JITTER, ALMOST_ONE]) {
      assert.equal(interval({ open: tasks([9000, 9]) }, { random, bounds }), 5000);
    }
  });
});

test('whatever the history: a whole number within the bounds, or as Retry-After asks', () => {
  const numbers = numbersFrom(5);
  for (let round = 0; round < 5000; round++) {
    const minMs = 1 + numbers(3000);
    const bounds = { minMs, maxMs: minMs + numbers(60_000) };
    const open = Array.from(
      { length: numbers(5) },
      () =>
        [
          numbers(2 ** (1 + numbers(30))) - 500,
          numbers(4) === 0 ? null : numbers(130) - 10,
        ] as const,
    );
    const history = {
      open: tasks(...open),
      progressAt: NOW - numbers(1_000_000),
      failures: numbers(3) === 0 ? numbers(40) : 0,
    };
    const random = numbers(1000) / 1000;
    const retryAfterMs = numbers(2) === 0 ? null : numbers(100_000);
    const wait = interval(history, { bounds, random, retryAfterMs });
    assert.ok(Number.isInteger(wait), String(wait));
    assert.ok(wait >= Math.max(bounds.minMs, retryAfterMs ?? 0), JSON.stringify({ history, wait }));
    assert.ok(wait <= Math.max(bounds.maxMs, retryAfterMs ?? 0), JSON.stringify({ history, wait }));
    const withoutRetry = interval(history, { bounds, random });
    assert.equal(wait, Math.max(withoutRetry, retryAfterMs ?? 0));
  }
});
