import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_RETRY_S, nextAttemptAt } from '../../src/domain/retry.ts';
import { numbersFrom } from '../support/numbers.ts';

const NOW = 1_772_366_400_000;
const NO_JITTER = 0.5;
const ALMOST_ONE = 1 - Number.EPSILON;

test('the default schedule reaches from at once to a day, in ten attempts', () => {
  assert.deepEqual(
    DEFAULT_RETRY_S,
    [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400],
  );
});

test('each attempt waits for its own entry of the schedule', () => {
  DEFAULT_RETRY_S.forEach((delayS, made) => {
    assert.equal(nextAttemptAt(made, DEFAULT_RETRY_S, NOW, NO_JITTER), NOW + delayS * 1000);
  });
});

test('after the last attempt there is no next one', () => {
  assert.equal(nextAttemptAt(2, [0, 5], NOW, NO_JITTER), null);
  assert.equal(nextAttemptAt(3, [0, 5], NOW, NO_JITTER), null);
  assert.equal(nextAttemptAt(0, [], NOW, NO_JITTER), null);
});

test('a delay is spread by a fifth to either side', () => {
  assert.equal(nextAttemptAt(0, [300], NOW, 0), NOW + 240_000);
  assert.equal(nextAttemptAt(0, [300], NOW, 0.25), NOW + 270_000);
  assert.equal(nextAttemptAt(0, [300], NOW, ALMOST_ONE), NOW + 360_000);
});

test('a first attempt with no delay is due at once, whatever the jitter', () => {
  for (const random of [0, NO_JITTER, ALMOST_ONE]) {
    assert.equal(nextAttemptAt(0, DEFAULT_RETRY_S, NOW, random), NOW);
  }
});

test('a fractional delay becomes a whole number of milliseconds', () => {
  assert.equal(nextAttemptAt(0, [0.0125], NOW, NO_JITTER), NOW + 13);
});

describe('Retry-After', () => {
  const FAR = NOW + 1e12;
  const SCHEDULE = [0, 5, 300, 1800];
  /** The wait before the next attempt, in seconds, for a receiver that asks for so many. */
  function waitS(made: number, askedS: number, latest = FAR, random = NO_JITTER): number | null {
    const request = { afterMs: askedS * 1000, latest };
    const next = nextAttemptAt(made, SCHEDULE, NOW, random, request);
    return next === null ? null : (next - NOW) / 1000;
  }

  const cases: readonly (readonly [string, number, number, number])[] = [
    ['puts an attempt off', 1, 60, 60],
    ['does not bring it nearer', 1, 1, 5],
    ['of nothing changes nothing', 2, 0, 300],
    ['is honoured up to the delay after the next one', 1, 300, 300],
    ['and not beyond', 1, 301, 300],
    ['however long it is', 2, 1e9, 1800],
    ['has no delay after the last one: that one holds', 3, 1e9, 1800],
  ];
  for (const [name, made, askedS, expected] of cases) {
    test(name, () => assert.equal(waitS(made, askedS), expected));
  }

  test('never outlasts the latest time, but does not bring the planned attempt before it', () => {
    assert.equal(waitS(2, 1000, NOW + 700_000), 700);
    assert.equal(waitS(2, 1000, NOW + 100_000), 300);
    assert.equal(waitS(2, 1000, NOW - 100_000), 300);
  });

  test('does not add an attempt to a schedule that is used up', () => {
    assert.equal(waitS(4, 60), null);
  });

  test('is waited for whole: jitter does not shorten it', () => {
    assert.equal(waitS(1, 60, FAR, 0), 60);
    assert.equal(waitS(1, 60, FAR, ALMOST_ONE), 60);
    assert.equal(waitS(2, 310, FAR, ALMOST_ONE), 360, 'the planned delay with its jitter is later');
  });

  test('whatever is asked for: not before the plan, not after what is allowed', () => {
    const numbers = numbersFrom(9);
    for (let round = 0; round < 5000; round++) {
      const made = numbers(SCHEDULE.length);
      const random = numbers(1000) / 1000;
      const planned = nextAttemptAt(made, SCHEDULE, NOW, random) ?? NaN;
      const latest = NOW + numbers(4_000_000) - 1_000_000;
      const request = { afterMs: numbers(4_000_000), latest };
      const next = nextAttemptAt(made, SCHEDULE, NOW, random, request) ?? NaN;
      const longest = NOW + (SCHEDULE[made + 1] ?? SCHEDULE[made] ?? 0) * 1000;
      assert.ok(next >= planned);
      assert.ok(next === planned || (next <= Math.min(latest, longest) && next > planned));
      assert.ok(next >= Math.min(NOW + request.afterMs, latest, longest));
    }
  });
});
