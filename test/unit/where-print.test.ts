import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FILTER_OPERATORS } from '../../src/domain/filter-fields.ts';
import { readWhere } from '../../src/domain/where.ts';
import { EXPLORER_OPERATORS } from '../../src/domain/where/operators.ts';
import type { ConditionJson, FilterTreeJson } from '../../src/domain/where/tree.ts';
import { numbersFrom } from '../support/numbers.ts';
import { printFilter } from '../support/print-filter.ts';

const NOW = Date.parse('2026-03-10T12:00:00Z');

type Next = (end: number) => number;

function one<T>(list: readonly [T, ...T[]], next: Next): T {
  return list[next(list.length)] ?? list[0];
}

const FIELDS = [
  'model_name',
  'invoked_tools',
  '__judge_1-2',
  '_',
  'metadata.k',
  'contains',
  'null',
] as const;
const CHARACTERS = [
  'a',
  '"',
  '\\',
  '\n',
  '\t',
  '\r',
  ' ',
  '(',
  ')',
  'é',
  '😀',
  '\ud83d',
  '\0',
] as const;

function randomValue(next: Next): unknown {
  switch (next(6)) {
    case 0:
      return null;
    case 1:
      return next(2) === 0;
    case 2:
      return (next(2_000_001) - 1_000_000) / one([1, 3, 1000, 1e12, 1e-30], next) || 0;
    default:
      return Array.from({ length: next(8) }, () => one(CHARACTERS, next)).join('');
  }
}

function randomCondition(next: Next): ConditionJson {
  const op = FILTER_OPERATORS[next(FILTER_OPERATORS.length)] ?? 'eq';
  const field = one(FIELDS, next);
  if (op === 'isnull') return { field, op, value: next(2) === 0 };
  if (op === 'len_eq') return { field, op, value: next(1000) };
  return { field, op, value: randomValue(next) };
}

function randomTree(next: Next, levels: number): FilterTreeJson {
  if (levels === 0 || next(3) === 0) return randomCondition(next);
  const parts = Array.from({ length: 2 + next(3) }, () => randomTree(next, levels - 1));
  return next(2) === 0 ? { AND: parts } : { OR: parts };
}

test('reading what was printed gives the same tree, in 5000 trees', () => {
  const next = numbersFrom(20260310);
  let groups = 0;
  for (let round = 0; round < 5000; round++) {
    const tree = randomTree(next, 4);
    if (!('field' in tree)) groups++;
    const text = printFilter(tree);
    assert.deepEqual(readWhere(text, NOW), { ok: true, filters: tree }, text);
    // A tree is passed on as it is.
    assert.deepEqual(readWhere(tree, NOW), { ok: true, filters: tree });
  }
  assert.ok(groups > 2000);
});

const PIECES = [
  ...['(', ')', '((', '))', ' ', '\n', '"', '\\', "'", '"x"', '"\\"', '"\\q"', '“', ',', ';', '&&'],
  ...['AND', 'or', 'And ', ' OR ', 'NOT ', 'adn', 'true', 'FALSE', 'null', '0', '-1', '1e5', '01'],
  ...['1e999', '.', '-', '+', '_', 'a', 'model_nam', 'model_name', 'timestamp', '"now-7d"', 'now'],
  ...['"now-7x"', '\0', '\ufeff', '\u2028', '\ud800', '\udc00', '😀', '__proto__', 'startwith'],
  ...['a = 1', ' a contains "x" ', 'timestamp > "now"', 'b isnull true', 'c length_equals 2'],
  ...EXPLORER_OPERATORS.keys(),
];

test('no soup of pieces or characters throws, and each mistake is within the text', () => {
  const next = numbersFrom(7);
  const outcomes = { read: 0, refused: 0 };
  for (let round = 0; round < 30_000; round++) {
    const piece =
      round % 3 === 0
        ? () => String.fromCharCode(next(next(2) === 0 ? 128 : 65_536))
        : () => `${PIECES[next(PIECES.length)]}${next(3) === 0 ? '' : ' '}`;
    const text = Array.from({ length: next(14) }, piece).join('');
    const read = readWhere(text, NOW);
    if (read.ok) {
      outcomes.read++;
      assert.ok(read.filters !== null, 'a text is never nothing');
      const again = readWhere(printFilter(read.filters), NOW);
      assert.deepEqual(again, read, text);
      continue;
    }
    outcomes.refused++;
    assert.ok(
      read.position !== undefined && read.position >= 0 && read.position <= text.length,
      `${JSON.stringify(text)}: ${read.position}`,
    );
    assert.ok(
      read.message.isWellFormed() && read.message.endsWith('.') !== read.message.endsWith('?'),
    );
  }
  assert.ok(outcomes.read > 50, JSON.stringify(outcomes));
});

test('a text cut anywhere is read or refused within itself', () => {
  const text =
    'model_name = "a\\\\b\\"" AND (timestamp > "now-7d" OR x isnull false) OR (y length_equals 2 AND z != -1.5e3)';
  assert.ok(readWhere(text, NOW).ok);
  for (let end = 0; end < text.length; end++) {
    const cut = text.slice(0, end);
    const read = readWhere(cut, NOW);
    if (!read.ok) assert.ok(read.position !== undefined && read.position <= end, cut);
  }
});

const TREE_PARTS = [
  ...[
    null,
    true,
    5,
    '',
    'x',
    'eq',
    'AND',
    'timestamp',
    'now-7d',
    'now-7x',
    '\ud800',
    '=',
    'startwith',
  ],
];
const TREE_KEYS = ['AND', 'OR', 'and', 'field', 'op', 'value', '__proto__', 'a/b~', 'constructor'];

function randomJson(next: Next, levels: number): unknown {
  switch (levels === 0 ? 3 : next(6)) {
    case 0:
    case 1:
      return Object.fromEntries(
        Array.from({ length: next(4) }, () => [
          TREE_KEYS[next(TREE_KEYS.length)] ?? '',
          randomJson(next, levels - 1),
        ]),
      );
    case 2:
      return Array.from({ length: next(4) }, () => randomJson(next, levels - 1));
    case 5:
      return { field: randomJson(next, 0), op: randomJson(next, 0), value: randomJson(next, 1) };
    default:
      return TREE_PARTS[next(TREE_PARTS.length)];
  }
}

test('no JSON throws, and the path of each mistake leads to something or to a key that is there', () => {
  const next = numbersFrom(11);
  const outcomes = { read: 0, refused: 0 };
  for (let round = 0; round < 20_000; round++) {
    const where = randomJson(next, 4);
    if (where === null || typeof where === 'string') continue;
    const read = readWhere(where, NOW);
    if (read.ok) {
      outcomes.read++;
      assert.deepEqual(readWhere(read.filters, NOW), read, 'what was read can be read again');
      continue;
    }
    outcomes.refused++;
    let at: unknown = where;
    for (const step of (read.path ?? '?').split('/').slice(1)) {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      assert.ok(typeof at === 'object' && at !== null && Object.hasOwn(at, key), read.path);
      at = (at as Record<string, unknown>)[key];
    }
    assert.notEqual(read.path, undefined);
  }
  assert.ok(outcomes.read > 50 && outcomes.refused > 1000, JSON.stringify(outcomes));
});
