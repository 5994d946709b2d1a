import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readFilter } from '../../src/domain/filter.ts';
import { readWhere } from '../../src/domain/where.ts';

const NOW = Date.parse('2026-03-10T12:00:00Z');
const MAX_LENGTH = 102_400;

const FIELD = { name: 'a', label: 'A', type: 'INT', group: 'completion' } as const;
const A = { field: 'a', op: 'eq', value: 1 };

function filtersOf(where: unknown): unknown {
  const read = readWhere(where, NOW);
  assert.ok(read.ok, read.ok ? '' : read.message);
  return read.filters;
}

function mistakeOf(where: unknown) {
  const read = readWhere(where, NOW);
  assert.ok(!read.ok);
  return read;
}

/** `(a = 1 AND (a = 1 OR (…` with so many groups, each in the one before it. */
function nestedText(groups: number): string {
  let text = 'a = 1';
  for (let level = groups; level >= 1; level--) {
    text = `(a = 1 ${level % 2 === 1 ? 'AND' : 'OR'} ${text})`;
  }
  return text;
}

function nestedTree(groups: number): unknown {
  let tree: unknown = A;
  for (let level = groups; level >= 1; level--) {
    tree = { [level % 2 === 1 ? 'AND' : 'OR']: [A, tree] };
  }
  return tree;
}

describe('what must work', () => {
  test('150 conditions of 400 characters, as text and as tree', () => {
    const value = 'é'.repeat(400);
    const text = Array.from({ length: 150 }, () => `model_name icontains "${value}"`);
    const tree = {
      AND: Array.from({ length: 150 }, () => ({ field: 'model_name', op: 'icontains', value })),
    };
    assert.deepEqual(filtersOf(text.join(' AND ')), tree);
    assert.deepEqual(filtersOf(tree), tree);
    assert.ok(readFilter(tree, []).ok);
  });

  for (const groups of [60, 99]) {
    test(`${groups} groups in each other, as text and as tree`, () => {
      assert.deepEqual(filtersOf(nestedText(groups)), nestedTree(groups));
      assert.deepEqual(filtersOf(nestedTree(groups)), nestedTree(groups));
      // As deep as the built-in backend reads.
      assert.ok(readFilter(nestedTree(groups), [FIELD]).ok);
    });
  }

  test('parentheses that add no level do not count', () => {
    for (const depth of [200, 51_000]) {
      const text = `${'('.repeat(depth)}a=1${')'.repeat(depth)}`;
      assert.deepEqual(filtersOf(text), A);
      assert.deepEqual(filtersOf(`${text.slice(0, -1)} AND a=1)`), { AND: [A, A] });
    }
  });

  test('1000 conditions, as text and as tree', () => {
    const list = (key: string) => ({ [key]: Array.from({ length: 1000 }, () => A) });
    assert.deepEqual(filtersOf(Array(1000).fill('a=1').join(' AND ')), list('AND'));
    assert.deepEqual(filtersOf(Array(1000).fill('a=1').join(' OR ')), list('OR'));
    assert.deepEqual(filtersOf(list('OR')), list('OR'));
  });

  test('a text of 102,400 characters', () => {
    const text = `a = "${'x'.repeat(MAX_LENGTH - 6)}"`;
    assert.equal(text.length, MAX_LENGTH);
    assert.ok(readWhere(text, NOW).ok);
  });
});

describe('past the limits', () => {
  test('the 1001st condition is the mistake', () => {
    const text = Array(1001).fill('a=1').join(' OR ');
    const mistake = mistakeOf(text);
    assert.equal(mistake.position, 1000 * 'a=1 OR '.length);
    assert.match(mistake.message, /at most 1000 conditions/);
    const half = { OR: Array.from({ length: 600 }, () => A) };
    const inTree = mistakeOf({ AND: [half, half] });
    assert.equal(inTree.path, '/AND/1/OR/400');
    assert.match(inTree.message, /at most 1000 conditions/);
  });

  test('the 102,401st character is the mistake', () => {
    const mistake = mistakeOf(`a = "${'x'.repeat(MAX_LENGTH - 5)}"`);
    assert.equal(mistake.position, MAX_LENGTH);
    assert.match(mistake.message, /at most 102400 characters; this one has 102401/);
    const inTree = mistakeOf({ field: 'a', op: 'eq', value: 'x'.repeat(MAX_LENGTH) });
    assert.equal(inTree.path, '');
    assert.match(inTree.message, /at most 102400 characters as JSON/);
  });

  test('100 groups in each other are too deep', () => {
    assert.ok(!readFilter(nestedTree(100), [FIELD]).ok);
    const mistake = mistakeOf(nestedText(100));
    assert.equal(mistake.position, 0);
    assert.match(mistake.message, /more than 100 levels/);
    const later = mistakeOf(`a = 1 OR ${nestedText(100)}`);
    assert.equal(later.position, 'a = 1 OR '.length);
    const inTree = mistakeOf(nestedTree(100));
    assert.equal(inTree.path, `${'/AND/1/OR/1'.repeat(49)}/AND/1/OR/0`);
    assert.match(inTree.message, /100 levels/);
  });

  test('groups of both lists count the level that they need', () => {
    let tree: unknown = A;
    for (let level = 0; level < 49; level++) tree = { AND: [A], OR: [tree] };
    assert.ok(readFilter(filtersOf(tree), [FIELD]).ok);
    assert.match(mistakeOf({ AND: [A], OR: [tree] }).message, /100 levels/);
  });

  test('no depth of a tree or of a value crashes', () => {
    for (const depth of [101, 10_000, 200_000]) {
      const group: unknown = JSON.parse(`${'{"AND":['.repeat(depth)}1${']}'.repeat(depth)}`);
      assert.equal(readWhere(group, NOW).ok, false);
      const value: unknown = JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
      const read = readWhere({ field: 'a', op: 'eq', value }, NOW);
      // In between it is the stack that says how deep JSON is written.
      if (depth !== 10_000) assert.equal(read.ok, depth === 101, `${depth}`);
    }
  });
});

/** Texts that are slow to read for a reader that goes back. */
const HOSTILE: Readonly<Record<string, string>> = {
  parentheses: '('.repeat(MAX_LENGTH),
  'closed parentheses': ')'.repeat(MAX_LENGTH),
  'parentheses in pairs': '()'.repeat(MAX_LENGTH / 2),
  'one word': 'a'.repeat(MAX_LENGTH),
  'one operator': `a ${'startswit'.repeat(11_000)}`,
  'one symbol': `a ${'='.repeat(MAX_LENGTH - 2)}`,
  'one number': `a = ${'1'.repeat(MAX_LENGTH - 4)}`,
  'one exponent': `a = 1e${'0'.repeat(MAX_LENGTH - 6)}`,
  'no number': `a = ${'1.'.repeat(51_000)}`,
  'one text without end': `"${'x'.repeat(MAX_LENGTH - 1)}`,
  'quotes without end': `a = ${'"'.repeat(MAX_LENGTH - 5)}`,
  escapes: `a = "${'\\\\'.repeat(51_190)}"`,
  'escaped quotes without end': `a = "${'\\"'.repeat(51_190)}`,
  'white space': ' '.repeat(MAX_LENGTH),
  'white space between': `a${' '.repeat(MAX_LENGTH - 4)}= 1`,
  'a long time': `timestamp = "now-${'1'.repeat(MAX_LENGTH - 20)}d"`,
  'a long fraction': `timestamp = "2026-02-01T00:00:00.${'1'.repeat(MAX_LENGTH - 40)}Z"`,
  'white space in a time': `timestamp = "${' '.repeat(MAX_LENGTH - 20)}"`,
  'unknown fields nearly as long as known ones': Array(1100)
    .fill('responsa_massages_praview=1')
    .join(' OR '),
  'alternating groups': `${'(a=1 AND (a=1 OR '.repeat(490)}a=1${'))'.repeat(490)}`,
  'groups to the left': `${'('.repeat(999)}a=1${' AND a=1)'.repeat(999)}`,
  'other characters': '😀'.repeat(MAX_LENGTH / 2),
  NUL: '\0'.repeat(MAX_LENGTH),
  surrogates: `a = "${'\ud800'.repeat(MAX_LENGTH - 6)}"`,
};

describe('100 KB of anything are answered at once', () => {
  for (const [name, text] of Object.entries(HOSTILE)) {
    test(name, () => {
      assert.ok(text.length <= MAX_LENGTH);
      const start = process.cpuUsage();
      const read = readWhere(text, NOW);
      const { user, system } = process.cpuUsage(start);
      // Milliseconds are usual; a reader that goes back at each character takes many seconds.
      assert.ok(user + system < 1_000_000, `${(user + system) / 1000} ms`);
      if (read.ok) return;
      assert.ok(read.position !== undefined && read.position <= text.length);
      assert.ok(read.message.length < 400);
    });
  }
});
