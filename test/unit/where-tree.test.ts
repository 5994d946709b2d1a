import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FILTER_OPERATORS } from '../../src/domain/filter-fields.ts';
import { readWhere } from '../../src/domain/where.ts';
import { EXPLORER_OPERATORS } from '../../src/domain/where/operators.ts';

const NOW = Date.parse('2026-03-10T12:00:00Z');

const c = (field: string, op: string, value: unknown) => ({ field, op, value });
const [A, B, C] = [c('a', 'eq', 1), c('b', 'eq', 2), c('c', 'eq', 3)];

describe('a tree of the upstream is passed on as it is', () => {
  const trees: readonly unknown[] = [
    A,
    { AND: [A] },
    { OR: [A, B] },
    { AND: [A, { OR: [B, { AND: [C] }] }] },
    ...FILTER_OPERATORS.map((op) => c('model_name', op, 'x')),
    ...[null, true, 0.5, 'x', '', ['x', 1], { k: [null] }].map((value) => c('a', 'eq', value)),
    c('__judge_1', 'gt', 3),
    c('model_nam', 'eq', 'x'),
    c('a field with spaces', 'eq', 'x'),
    c('__proto__', 'eq', '\ud800\0\ufeff'),
    c('timestamp', 'gte', '2026-02-01T00:00:00Z'),
    c('timestamp', 'gte', 1770000000),
    c('timestamp', 'isnull', false),
    c('metadata', 'includes', 'now-7d'),
  ];
  for (const tree of trees) {
    test(JSON.stringify(tree), () => {
      assert.deepEqual(readWhere(tree, NOW), { ok: true, filters: tree });
    });
  }
});

test('times before now are resolved at any depth', () => {
  const read = readWhere(
    { AND: [A, { OR: [c('timestamp', 'gt', 'now-7d'), c('timestamp', 'lt', 'now')] }] },
    NOW,
  );
  const times = [
    c('timestamp', 'gt', '2026-03-03T12:00:00.000Z'),
    c('timestamp', 'lt', '2026-03-10T12:00:00.000Z'),
  ];
  assert.deepEqual(read, { ok: true, filters: { AND: [A, { OR: times }] } });
});

test('a list that is null is a list that is not there', () => {
  assert.deepEqual(readWhere({ AND: [A], OR: null }, NOW), { ok: true, filters: { AND: [A] } });
  assert.deepEqual(readWhere({ OR: [A], AND: null }, NOW), { ok: true, filters: { OR: [A] } });
});

test('where a group has both lists, both must hold', () => {
  const filters = { AND: [A, { OR: [B, C] }] };
  assert.deepEqual(readWhere({ OR: [B, C], AND: [A] }, NOW), { ok: true, filters });
});

test('what was given is not changed', () => {
  const where = { AND: [c('timestamp', 'gt', 'now-7d')], OR: [A] };
  const before = structuredClone(where);
  readWhere(where, NOW);
  assert.deepEqual(where, before);
});

const parsed = (text: string): unknown => JSON.parse(text);

/** Tree, path, and what the message says. */
const REFUSED: readonly (readonly [unknown, string, RegExp])[] = [
  // No tree at all.
  [5, '', /a condition \{field, op, value\} or a group.*not 5/],
  [true, '', /not true/],
  [[A], '', /A list is no filter/],
  [[], '', /A list is no filter/],
  // What would search unfiltered.
  [{}, '', /empty group would match everything/],
  [{ AND: null }, '', /empty group/],
  [{ AND: null, OR: null }, '', /empty group/],
  [{ AND: [] }, '/AND', /empty list/],
  [{ OR: [] }, '/OR', /empty list/],
  [{ AND: [A], OR: [] }, '/OR', /empty list/],
  [{ AND: [A, {}] }, '/AND/1', /empty group/],
  [{ OR: [{ AND: [] }] }, '/OR/0/AND', /empty list/],
  [{ and: [A] }, '/and', /did you mean AND, in capitals\?/],
  [{ AND: [A], or: [B] }, '/or', /did you mean OR/],
  [{ AND: [{ Or: [A] }] }, '/AND/0/Or', /did you mean OR/],
  [{ NOT: [A] }, '/NOT', /no key "NOT"; a condition has field, op and value/],
  [{ AND: [A], limit: 5 }, '/limit', /no key "limit"/],
  [{ filters: A }, '/filters', /no key "filters"/],
  [{ 'a/b~c': 1 }, '/a~1b~0c', /no key/],
  [{ '\ud800': 1 }, '/\ud800', /no key/],
  [parsed('{"__proto__":[1]}'), '/__proto__', /no key "__proto__"/],
  [
    parsed('{"AND":[{"field":"a","op":"eq","value":1,"__proto__":1}]}'),
    '/AND/0/__proto__',
    /no key/,
  ],
  // Lists that are none.
  [{ AND: A }, '/AND', /a list of conditions and groups/],
  [{ OR: 'a = 1' }, '/OR', /a list of conditions and groups, not "a = 1"/],
  [{ AND: ['a = 1'] }, '/AND/0', /a condition \{field, op, value\}/],
  [{ AND: [null] }, '/AND/0', /not null/],
  [{ AND: [[A]] }, '/AND/0', /a condition/],
  // Conditions.
  [{ field: 'a', op: 'eq' }, '', /"value" is missing/],
  [{ field: 'a', value: 1 }, '', /"op" is missing/],
  [{ AND: [A, { op: 'eq', value: 1 }] }, '/AND/1', /"field" is missing/],
  [{ ...A, extra: 1 }, '/extra', /no key "extra"/],
  [
    { field: 'a', operator: 'eq', value: 1 },
    '/operator',
    /no key "operator"; a condition has field, op/,
  ],
  [{ ...A, AND: [B] }, '/AND', /a condition and a group; put the condition into AND/],
  [{ ...A, OR: null }, '/OR', /a condition and a group/],
  [{ field: 5, op: 'eq', value: 1 }, '/field', /the name of a field, not 5/],
  [{ field: '', op: 'eq', value: 1 }, '/field', /the name of a field/],
  [{ field: null, op: 'eq', value: 1 }, '/field', /the name of a field/],
  // Operators.
  [
    { AND: [c('a', 'startwith', 'x')] },
    '/AND/0/op',
    /no operator "startwith"; did you mean startswith\?/,
  ],
  [c('a', '=', 1), '/op', /did you mean eq\?/],
  [c('a', '<>', 1), '/op', /did you mean neq\?/],
  [c('a', 'EQ', 1), '/op', /did you mean eq\?/],
  [c('a', 'ne', 1), '/op', /did you mean neq\?/],
  [c('a', 'length_equals', 1), '/op', /did you mean len_eq\?/],
  [c('a', 'ends_with', 'x'), '/op', /did you mean endswith\?/],
  [c('a', 'regex', 'x'), '/op', /did you mean matches\?/],
  [c('a', 'between', 1), '/op', /the operators are lt, lte/],
  [c('a', 'toString', 1), '/op', /the operators are/],
  [{ field: 'a', op: null, value: 1 }, '/op', /no operator null; the operators are/],
  [{ field: 'a', op: ['eq'], value: 1 }, '/op', /the operators are/],
  // Times.
  [{ OR: [A, c('timestamp', 'gt', 'now-7x')] }, '/OR/1/value', /"now-7x" is not a time/],
  [c('timestamp', 'eq', 'yesterday'), '/value', /"yesterday" is not a time/],
];

describe('what the upstream might pass over is refused with its path', () => {
  for (const [tree, path, message] of REFUSED) {
    test(JSON.stringify(tree), () => {
      const read = readWhere(tree, NOW);
      assert.ok(!read.ok, JSON.stringify(read));
      assert.match(read.message, message);
      assert.equal(read.path, path);
      assert.equal(read.position, undefined);
    });
  }
});

test('the language knows every operator of the upstream, and a tree is told each one by its spelling', () => {
  assert.deepEqual(new Set(EXPLORER_OPERATORS.values()), new Set(FILTER_OPERATORS));
  for (const [spelling, op] of EXPLORER_OPERATORS) {
    const read = readWhere(c('a', spelling, 1), NOW);
    if (spelling === op) assert.ok(read.ok);
    else assert.ok(!read.ok && read.message.endsWith(`did you mean ${op}?`), spelling);
  }
});
