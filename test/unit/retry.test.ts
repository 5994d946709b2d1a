import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_RETRY_S, nextAttemptAt } from '../../src/domain/retry.ts';

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
