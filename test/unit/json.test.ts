import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeeperThan } from '../../src/domain/json.ts';

test('objects and lists count as a level each, what is beside them does not', () => {
  assert.equal(isDeeperThan(7, 0), false);
  assert.equal(isDeeperThan({}, 0), true);
  assert.equal(isDeeperThan({}, 1), false);
  assert.equal(isDeeperThan({ a: [1, { b: null }], c: 'x' }, 3), false);
  assert.equal(isDeeperThan({ a: [1, { b: null }], c: 'x' }, 2), true);
});

test('a value that is nested beyond measure is not walked to its end', () => {
  const nested: unknown = JSON.parse('['.repeat(500_000) + ']'.repeat(500_000));
  assert.equal(isDeeperThan(nested, 1000), true);
});
