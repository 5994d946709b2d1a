import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parsePointer, valueAt, withValueAt } from '../../src/domain/json-pointer.ts';

/** The document of RFC 6901, 5, and its pointers. */
const RFC_DOCUMENT = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'e^f': 3,
  'g|h': 4,
  'i\\j': 5,
  'k"l': 6,
  ' ': 7,
  'm~n': 8,
};
const RFC_EXAMPLES: [string, unknown][] = [
  ['', RFC_DOCUMENT],
  ['/foo', ['bar', 'baz']],
  ['/foo/0', 'bar'],
  ['/', 0],
  ['/a~1b', 1],
  ['/c%d', 2],
  ['/e^f', 3],
  ['/g|h', 4],
  ['/i\\j', 5],
  ['/k"l', 6],
  ['/ ', 7],
  ['/m~0n', 8],
];

function look(document: unknown, pointer: string): { value: unknown } | null {
  return valueAt(document, parsePointer(pointer) ?? assert.fail(`${pointer} is a pointer`));
}

function put(document: unknown, pointer: string, value: unknown): unknown {
  const path = parsePointer(pointer) ?? assert.fail(`${pointer} is a pointer`);
  return withValueAt(document, path, value)?.document;
}

describe('the examples of RFC 6901', () => {
  for (const [pointer, value] of RFC_EXAMPLES) {
    test(`“${pointer}” finds ${JSON.stringify(value).slice(0, 30)}`, () => {
      assert.deepEqual(look(RFC_DOCUMENT, pointer), { value });
    });
  }
});

test('an escaped tilde before a one stays a tilde and a one', () => {
  assert.deepEqual(parsePointer('/~01'), ['~1']);
  assert.deepEqual(parsePointer('/~0~1/~1~0'), ['~/', '/~']);
});

test('what is no pointer is told: no slash in front, a tilde before anything but 0 and 1', () => {
  for (const text of ['a', 'a/b', '#/a', ' /a', '$.a', '/a~', '/a~2', '/~/b', '~0']) {
    assert.equal(parsePointer(text), null, text);
  }
});

test('null, false, 0 and "" are found; what is not there is not', () => {
  const document = { a: null, b: false, c: 0, d: '', e: [null] };
  for (const [pointer, value] of [
    ['/a', null],
    ['/b', false],
    ['/c', 0],
    ['/d', ''],
    ['/e/0', null],
  ] as const) {
    assert.deepEqual(look(document, pointer), { value });
  }
  for (const pointer of ['/z', '/a/b', '/c/0', '/d/0', '/d/length', '/e/1', '/', '/A']) {
    assert.equal(look(document, pointer), null, pointer);
  }
});

test('items are found by an index in its one spelling only', () => {
  for (const token of [
    '-',
    '-1',
    '01',
    '1.0',
    '1e0',
    '+1',
    ' 1',
    '',
    'length',
    '2',
    '9'.repeat(20),
  ]) {
    assert.equal(look([5, 6], `/${token}`), null, token);
  }
  assert.deepEqual(look([5, 6], '/1'), { value: 6 });
});

test('nothing is found that an object inherits', () => {
  for (const pointer of [
    '/__proto__',
    '/constructor',
    '/constructor/name',
    '/toString',
    '/hasOwnProperty',
  ]) {
    assert.equal(look({ a: 1 }, pointer), null, pointer);
    assert.equal(look([1], pointer), null, pointer);
    assert.equal(look('text', pointer), null, pointer);
  }
  assert.deepEqual(look(JSON.parse('{"__proto__":{"a":1}}'), '/__proto__/a'), { value: 1 });
});

test('a value is put where a pointer leads, parents are made as objects', () => {
  assert.deepEqual(put({}, '/a', 1), { a: 1 });
  assert.deepEqual(put(undefined, '/a/b/0', 1), { a: { b: { 0: 1 } } });
  assert.deepEqual(put({ a: 1, b: { c: 2 } }, '/b/d', 3), { a: 1, b: { c: 2, d: 3 } });
  assert.deepEqual(put({ a: [1, { b: 2 }] }, '/a/1/b', 3), { a: [1, { b: 3 }] });
  assert.deepEqual(put({ 'a/b': 1 }, '/a~1b', 2), { 'a/b': 2 });
  assert.deepEqual(put({}, '', 7), 7);
});

test('nothing is put into a text, a number, null, or beyond a list', () => {
  for (const document of ['text', 7, null, true]) {
    assert.equal(put({ a: document }, '/a/b', 1), undefined);
  }
  for (const token of ['2', '-', 'x', '01']) {
    assert.equal(put([1, 2], `/${token}`, 3), undefined, token);
  }
});

test('the document that is written to stays as it was, and so do all objects', () => {
  const document = { a: { b: [1] } };
  put(document, '/a/b/0', 2);
  put(document, '/__proto__/polluted', true);
  put(document, '/constructor/prototype/polluted', true);
  assert.deepEqual(document, { a: { b: [1] } });
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
  const written = put({}, '/__proto__', { polluted: true }) as object;
  assert.deepEqual(Object.keys(written), ['__proto__']);
  assert.equal(Object.getPrototypeOf(written), Object.prototype);
});
