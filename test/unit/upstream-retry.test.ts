import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfterOf } from '../../src/domain/retry-after.ts';
import { retryDelay } from '../../src/domain/upstream-retry.ts';

const HALF = 0.5;
const CASES: [string, number | null, number | null, number, number, number | null][] = [
  // status, retry-after, attempts made, time left → delay
  ['no connection', null, null, 1, 60_000, 100],
  ['no connection, again', null, null, 2, 60_000, 200],
  ['no connection, a third time', null, null, 3, 60_000, null],
  ['502', 502, null, 1, 60_000, 100],
  ['503', 503, null, 1, 60_000, 100],
  ['504', 504, null, 2, 60_000, 200],
  ['503 that asks for a time', 503, 2000, 1, 60_000, 2000],
  ['503 that asks for too long', 503, 5001, 1, 60_000, null],
  ['429 without Retry-After', 429, null, 1, 60_000, null],
  ['429 at once', 429, 0, 1, 60_000, 0],
  ['429 in five seconds', 429, 5000, 1, 60_000, 5000],
  ['429 in more', 429, 5001, 1, 60_000, null],
  ['429 beyond the time that is left', 429, 3000, 1, 3000, null],
  ['no time left', 503, null, 1, 50, null],
  ['200', 200, null, 1, 60_000, null],
  ['400', 400, null, 1, 60_000, null],
  ['500', 500, null, 1, 60_000, null],
  ['408', 408, 1000, 1, 60_000, null],
];
for (const [name, status, retryAfterMs, made, leftMs, delay] of CASES) {
  test(`${name}: ${delay === null ? 'stands' : `asked again after ${delay} ms`}`, () => {
    assert.equal(retryDelay({ status, retryAfterMs }, made, leftMs, HALF), delay);
  });
}

test('Retry-After in seconds, as a date, or as neither', () => {
  const now = Date.parse('2026-11-26T12:00:00Z');
  assert.equal(retryAfterOf('3', now), 3000);
  assert.equal(retryAfterOf('Thu, 26 Nov 2026 12:00:05 GMT', now), 5000);
  assert.equal(retryAfterOf('Thu, 26 Nov 2026 11:00:00 GMT', now), 0);
  assert.equal(retryAfterOf('soon', now), null);
  assert.equal(retryAfterOf('-1', now), null);
  assert.equal(retryAfterOf(null, now), null);
});
