import assert from 'node:assert/strict';
import { test } from 'node:test';
import { predicateOf, type FieldValue, type FilterRow } from '../../src/domain/filter-evaluate.ts';
import { readFilter } from '../../src/domain/filter.ts';
import { PatternBudgetError } from '../../src/domain/pattern.ts';

function holds(filter: unknown, row: FilterRow, stepsLeft = 1_000_000): boolean {
  const read = readFilter(filter, []);
  assert.ok(read.ok && read.tree !== null, read.ok ? '' : read.message);
  return predicateOf(read.tree)(row, { stepsLeft });
}

const TEXT = 'last_user_message_preview';
const TOOLS = 'invoked_tools';

// Field, what the event holds there, operator, value, whether it holds.
const CASES: [string, FieldValue, string, unknown, boolean][] = [
  [TEXT, 'hello', 'eq', 'hello', true],
  [TEXT, 'hello', 'eq', 'Hello', false],
  [TEXT, 'hello', 'neq', 'Hello', true],
  [TEXT, null, 'eq', 'x', false],
  [TEXT, null, 'neq', 'x', true],
  [TEXT, null, 'notcontains', 'x', true],
  [TEXT, null, 'inotcontains', 'x', true],
  [TEXT, null, 'contains', '', false],
  [TEXT, null, 'lt', 'x', false],
  [TEXT, null, 'len_eq', 0, false],
  [TEXT, null, 'matches', '', false],
  [TEXT, null, 'isnull', true, true],
  [TEXT, '', 'isnull', true, false],
  [TEXT, '', 'isnull', false, true],
  [TEXT, null, 'eq', null, true],
  [TEXT, '', 'neq', null, true],
  [TEXT, 'STRASSE', 'icontains', 'straße', true],
  [TEXT, 'ΣΊΣΥΦΟΣ', 'iendswith', 'φος', true],
  [TEXT, '\u212A', 'icontains', 'k', true],
  [TEXT, 'Éa', 'istartswith', 'é', true],
  [TEXT, 'hello', 'startswith', '', true],
  [TEXT, 'ab', 'endswith', 'aab', false],
  [TEXT, '😀', 'len_eq', 1, true],
  [TEXT, '\uFF5E', 'lt', '😀', true],
  [TEXT, '😀a', 'gt', '😀', true],
  [TEXT, '😀', 'lt', '😁', true],
  [TEXT, 'a', 'lte', 'a', true],
  [TEXT, 'say hello', 'matches', 'h.l+o', true],
  [TEXT, 'say hello', 'matches', '^hello', false],
  [TOOLS, [], 'isnull', true, false],
  [TOOLS, [], 'len_eq', 0, true],
  [TOOLS, ['web_search'], 'includes', 'web_search', true],
  [TOOLS, ['web_search'], 'includes', 'web', false],
  [TOOLS, ['web_search'], 'contains', 'web', true],
  [TOOLS, ['a', 'web'], 'startswith', 'w', true],
  [TOOLS, ['a', 'web'], 'notcontains', 'w', false],
  [TOOLS, [], 'notcontains', 'w', true],
  [TOOLS, ['a'], 'excludes', 'b', true],
  [TOOLS, null, 'excludes', 'b', true],
  [TOOLS, ['a', 'Web'], 'matches', '^W', true],
  ['metadata', { team: 'x' }, 'includes', 'team', true],
  ['metadata', { team: 'x' }, 'includes', 'x', false],
  ['metadata', { team: 'x' }, 'includes', 'toString', false],
  ['metadata', { team: 'x' }, 'len_eq', 1, true],
  ['input_tokens', 5, 'gt', 4.5, true],
  ['input_tokens', 5, 'lte', 5, true],
  ['input_tokens', null, 'gte', 0, false],
  ['input_tokens', null, 'neq', 0, true],
  ['streamed', false, 'eq', false, true],
  ['streamed', false, 'neq', true, true],
  ['timestamp', 1000, 'eq', '1970-01-01T01:00:01+01:00', true],
  ['timestamp', 1000, 'lt', '1970-01-01T00:00:01.0005Z', true],
];

for (const [field, held, op, value, expected] of CASES) {
  const what = `${JSON.stringify(held)} ${op} ${JSON.stringify(value)} is ${String(expected)}`;
  test(`${field}: ${what}`, () => {
    assert.equal(holds({ field, op, value }, { [field]: held }), expected);
    if (held === null) assert.equal(holds({ field, op, value }, {}), expected, 'left out');
  });
}

test('both lists of a group must hold, and an empty one does', () => {
  const yes = { field: 'streamed', op: 'eq', value: true };
  const no = { field: 'streamed', op: 'eq', value: false };
  const row = { streamed: true };
  const groups: [object, boolean][] = [
    [{}, true],
    [{ AND: [], OR: [] }, true],
    [{ AND: [yes], OR: [no] }, false],
    [{ AND: [yes], OR: [no, yes] }, true],
    [{ AND: [no], OR: [yes] }, false],
    [{ AND: [yes, {}] }, true],
    [{ OR: [no, {}] }, true],
    [{ OR: [{ AND: [yes, no] }, { OR: [no] }] }, false],
  ];
  for (const [group, expected] of groups) {
    assert.equal(holds(group, row), expected, JSON.stringify(group));
  }
});

test('a regular expression that uses up its budget stops', () => {
  const filter = { field: TEXT, op: 'matches', value: '(a|b|ab)*c' };
  assert.throws(() => holds(filter, { [TEXT]: 'ab'.repeat(200) }, 50), PatternBudgetError);
});
