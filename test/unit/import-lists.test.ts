import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skippedMessage } from '../../src/domain/import-message.ts';
import { joinLists } from '../../src/domain/json-text.ts';

test('lists are joined as texts, whatever is in them and around them', () => {
  const cases: [string[], unknown[]][] = [
    [[], []],
    [['[]', '[]'], []],
    [
      ['[1]', '[]', ' [ ] ', '[2,3]'],
      [1, 2, 3],
    ],
    [
      ['\n[ {"a":"]["} ]\n', '[[","]]'],
      [{ a: '][' }, [',']],
    ],
  ];
  for (const [lists, expected] of cases) {
    assert.deepEqual(JSON.parse(joinLists(...lists)), expected);
  }
});

test('the message of skipped ids names a few and counts all; without any there is none', () => {
  assert.equal(skippedMessage([]), null);
  assert.equal(
    skippedMessage([
      { reason: 'unknown', count: 2, first: ['a', 'b'] },
      { reason: 'too_large', count: 9, first: ['c', 'd'] },
    ]),
    'Skipped 2 unknown: a, b; 9 too large for a record: c, d, ….',
  );
});
