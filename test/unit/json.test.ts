import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeeperThan, parseToHandOn } from '../../src/domain/json.ts';

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

test('what is handed on keeps the digits of integers that no number holds', () => {
  const text =
    '{"id":12345678901234567890,"list":[-9007199254740993,9007199254740991,0.5],"__proto__":{"n":1}}';
  assert.equal(JSON.stringify(parseToHandOn(text)), text);
  assert.equal(JSON.stringify(parseToHandOn('12345678901234567890')), '12345678901234567890');
});

test('what is handed on is the same value otherwise', () => {
  for (const text of ['{"a":[1.0,null,"12345678901234567890",1e3]}', '[]', 'null', '5', '"x"']) {
    assert.deepEqual(parseToHandOn(text), JSON.parse(text));
  }
  for (const text of ['', '{', '12345678901234567890,']) {
    assert.equal(parseToHandOn(text), undefined);
  }
});

test('what is handed on may be nested beyond measure, though its digits are lost then', () => {
  const nested = `${'{"a":'.repeat(100_000)}12345678901234567890${'}'.repeat(100_000)}`;
  assert.equal(isDeeperThan(parseToHandOn(nested), 1000), true);
});
