import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  EVENT_FIELDS,
  FILTER_OPERATORS,
  judgeField,
  operatorsOf,
} from '../../src/domain/filter-fields.ts';
import { isGroup, readFilter } from '../../src/domain/filter.ts';

const JUDGE = '6f1d3c1e-8f0e-4d0b-9d3e-0c8a7d4b2f10';
const EXTRA = [judgeField(JUDGE, 'Tone', 'CLASSIFICATION'), judgeField('2', 'Score', 'REGRESSION')];

const condition = (field: string, op: string, value: unknown) => ({ field, op, value });

function tree(value: unknown) {
  const read = readFilter(value, EXTRA);
  assert.ok(read.ok, read.ok ? '' : read.message);
  return read.tree;
}

function mistake(value: unknown): string {
  const read = readFilter(value, EXTRA);
  assert.ok(!read.ok);
  return read.message;
}

test('null is no filter; a bare condition and groups are read as they stand', () => {
  assert.equal(tree(null), null);
  const read = { field: 'model_name', type: 'TEXT', op: 'eq', value: 'm' };
  assert.deepEqual(tree(condition('model_name', 'eq', 'm')), read);
  assert.deepEqual(
    tree({ AND: [condition('model_name', 'eq', 'm'), { OR: null }], OR: [{ AND: [], OR: [] }] }),
    { and: [read, { and: [], or: [] }], or: [{ and: [], or: [] }] },
  );
});

test('an empty group holds, and keys beside AND and OR are passed over', () => {
  for (const open of [{}, { foo: 1 }, { AND: null }, { OR: [] }, { AND: [], foo: [] }]) {
    assert.deepEqual(tree(open), { and: [], or: [] });
  }
});

test('eq null and neq null are isnull', () => {
  const isnull = (value: boolean) => ({ field: 'metadata', type: 'MAP', op: 'isnull', value });
  assert.deepEqual(tree(condition('metadata', 'eq', null)), isnull(true));
  assert.deepEqual(tree(condition('metadata', 'neq', null)), isnull(false));
});

test('a judge is a field of its own type', () => {
  const name = `__judge_${JUDGE}`;
  assert.deepEqual(tree(condition(name, 'icontains', 'x')), {
    field: name,
    type: 'TEXT',
    op: 'icontains',
    value: 'x',
  });
  assert.match(mistake(condition('__judge_2', 'icontains', 'x')), /FLOAT/);
  assert.match(mistake(condition('__judge_3', 'eq', 'x')), /no field "__judge_3"/);
});

test('times are read with any zone and to any fraction, and refused without a zone', () => {
  const at = (value: string) => {
    const read = tree(condition('timestamp', 'gte', value));
    assert.ok(read !== null && !isGroup(read));
    return read.value;
  };
  const start = Date.UTC(2026, 1, 1);
  assert.equal(at('2026-02-01T00:00:00Z'), start);
  assert.equal(at('2026-02-01T01:00+01:00'), start);
  assert.equal(at('2026-02-01t01:00:00.069+0100'), start + 69);
  assert.equal(at('2026-02-01 00:00:00.000500z'), start + 0.5);
  for (const bad of [
    '2026-02-01',
    '2026-02-01T00:00:00',
    '2026-02-30T00:00:00Z',
    'now-7d',
    '',
    '1',
    '2026-13-01T00:00:00Z',
    '2026-02-01T25:00:00Z',
  ]) {
    assert.match(mistake(condition('timestamp', 'gte', bad)), /ISO 8601/, bad);
  }
});

const MISTAKES: [unknown, RegExp][] = [
  ['x', /filters: expected a condition/],
  [[], /filters: expected a condition/],
  [{ AND: {} }, /filters\.AND: expected a list/],
  [{ AND: [null] }, /filters\.AND\[0\]: expected a condition/],
  [{ OR: [{}, { AND: [5] }] }, /filters\.OR\[1\]\.AND\[0\]/],
  [{ field: 'model_name', op: 'eq' }, /lacks "value"/],
  [{ field: 'model_name', value: 1 }, /lacks "op"/],
  [{ op: 'eq', value: 1 }, /lacks "field"/],
  [{ ...condition('model_name', 'eq', 'm'), AND: [] }, /both a condition and a group/],
  [condition('colour', 'eq', 'm'), /no field "colour"/],
  [condition('__proto__', 'eq', 'm'), /no field "__proto__"/],
  [condition('model_name', 'like', 'm'), /no operator "like"; the operators are lt, /],
  [condition('model_name', 'toString', 'm'), /no operator/],
  [condition('model_name', 'includes', 'm'), /does not take the operator includes; it takes lt, /],
  [condition('invoked_tools', 'eq', 'm'), /it takes .*includes, excludes/],
  [condition('model_name', 'eq', 5), /needs a text, not 5/],
  [condition('model_name', 'contains', null), /needs a text, not null/],
  [condition('input_tokens', 'gt', '5'), /needs a number, not "5"/],
  [condition('input_tokens', 'gt', true), /needs a number/],
  [condition('streamed', 'eq', 1), /needs true or false/],
  [condition('model_name', 'isnull', 'true'), /needs true or false/],
  [condition('model_name', 'len_eq', 1.5), /needs a whole number/],
  [condition('model_name', 'len_eq', -1), /needs a whole number/],
  [condition('model_name', 'matches', '('), /needs a regular expression \(/],
];

for (const [value, message] of MISTAKES) {
  test(`refused: ${JSON.stringify(value)}`, () => {
    assert.match(mistake(value), message);
  });
}

test('limits: conditions, levels, size', () => {
  const one = condition('streamed', 'eq', true);
  const nested = (levels: number) => {
    let value: unknown = one;
    for (let level = 1; level < levels; level++) value = { AND: [value] };
    return value;
  };
  tree({ AND: Array(1000).fill(one) });
  assert.match(mistake({ AND: Array(1001).fill(one) }), /at most 1000 conditions/);
  tree(nested(100));
  assert.match(mistake(nested(101)), /at most 100 levels/);
  assert.match(mistake(nested(50_000)), /at most 100 levels/);
  tree(condition('model_name', 'eq', 'x'.repeat(100_000)));
  assert.match(mistake(condition('model_name', 'eq', 'x'.repeat(102_400))), /at most 102400/);
});

test('every operator is taken by some field, and every field takes isnull', () => {
  const taken = new Set(EVENT_FIELDS.flatMap(({ type }) => operatorsOf(type)));
  assert.deepEqual([...taken].toSorted(), [...FILTER_OPERATORS].toSorted());
  for (const { type } of EVENT_FIELDS) assert.ok(operatorsOf(type).includes('isnull'));
});
