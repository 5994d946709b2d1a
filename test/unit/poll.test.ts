import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextPollAt, type PollHistory } from '../../src/domain/poll.ts';

const NOW = 1_772_366_400_000;
const BOUNDS = { minMs: 1000, maxMs: 30_000 };
const NO_JITTER = 0.5;
const ALMOST_ONE = 1 - Number.EPSILON;

function interval(
  history: Partial<PollHistory>,
  { retryAfterMs = null, random = NO_JITTER, bounds = BOUNDS }: Circumstances = {},
): number {
  const whole = { createdAt: NOW, progress: 0, polls: 0, failures: 0, ...history };
  return nextPollAt(whole, bounds, retryAfterMs, NOW, random) - NOW;
}

interface Circumstances {
  retryAfterMs?: number | null;
  random?: number;
  bounds?: { minMs: number; maxMs: number };
}

test('without progress the interval grows by half with each poll, up to the upper bound', () => {
  const grown = Array.from({ length: 11 }, (_, polls) => interval({ polls }));
  assert.deepEqual(
    grown,
    [1000, 1500, 2250, 3375, 5063, 7594, 11_391, 17_086, 25_629, 30_000, 30_000],
  );
});

test('an import polled for a day still gets a finite interval', () => {
  assert.equal(interval({ polls: 1_000_000 }), BOUNDS.maxMs);
  assert.equal(interval({ polls: 1_000_000, failures: 1_000_000 }), BOUNDS.maxMs);
});

test('failures double the interval, however few polls there were before', () => {
  const doubled = [1, 2, 3, 4, 5, 6].map((failures) => interval({ polls: 1, failures }));
  assert.deepEqual(doubled, [2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test('the next poll falls where the reported progress says the end will be', () => {
  const cases = [
    { progress: 90, elapsedMs: 60_000, expected: 6667 },
    { progress: 50, elapsedMs: 12_000, expected: 12_000 },
    { progress: 99, elapsedMs: 500_000, expected: 5051 },
  ];
  for (const { progress, elapsedMs, expected } of cases) {
    assert.equal(interval({ createdAt: NOW - elapsedMs, progress, polls: 20 }), expected);
  }
});

test('a far end does not make an early poll later than its growth allows', () => {
  assert.equal(interval({ createdAt: NOW - 60_000, progress: 1, polls: 1 }), 1500);
});

test('an end that is due already is looked for at the lower bound', () => {
  assert.equal(interval({ createdAt: NOW - 3000, progress: 99, polls: 20 }), BOUNDS.minMs);
  const createdLaterByItsClock = NOW + 5000;
  assert.equal(interval({ createdAt: createdLaterByItsClock, progress: 50, polls: 20 }), 1000);
});

test('progress that tells no end is passed over', () => {
  const createdAt = NOW - 2000;
  assert.equal(interval({ createdAt, progress: 0, polls: 20 }), BOUNDS.maxMs);
  assert.equal(interval({ createdAt, progress: 100, polls: 20 }), BOUNDS.maxMs);
});

test('a failing upstream is not polled sooner because the end was near', () => {
  const createdAt = NOW - 2000;
  assert.equal(interval({ createdAt, progress: 99, polls: 20, failures: 4 }), 16_000);
});

test('Retry-After is waited for, beyond the upper bound too', () => {
  assert.equal(interval({}, { retryAfterMs: 7000 }), 7000);
  assert.equal(interval({ failures: 3 }, { retryAfterMs: 120_000 }), 120_000);
});

test('a Retry-After shorter than the interval does not shorten it', () => {
  assert.equal(interval({ failures: 3 }, { retryAfterMs: 10 }), 8000);
  assert.equal(interval({ failures: 3 }, { retryAfterMs: 0 }), 8000);
});

test('imports that began together are spread by a tenth to either side', () => {
  assert.equal(interval({ failures: 3 }, { random: 0 }), 7200);
  assert.equal(interval({ failures: 3 }, { random: 0.25 }), 7600);
  assert.equal(interval({ failures: 3 }, { random: ALMOST_ONE }), 8800);
});

test('jitter never leaves the bounds', () => {
  assert.equal(interval({}, { random: 0 }), BOUNDS.minMs);
  assert.equal(interval({ polls: 32 }, { random: ALMOST_ONE }), BOUNDS.maxMs);
  const bounds = { minMs: 5000, maxMs: 5000 };
  for (const random of [0, NO_JITTER, ALMOST_ONE]) {
    assert.equal(interval({ polls: 3 }, { random, bounds }), 5000);
  }
});
