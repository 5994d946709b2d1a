import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { JsonlCheck, MAX_MISTAKES } from '../../src/domain/jsonl-check.ts';
import { checkLine, MAX_LINE_BYTES } from '../../src/domain/jsonl.ts';

const utf8 = new TextEncoder();
const ROW = '{"messages":[]}';
const BYTE_ORDER_MARK = '\uFEFF';
const NOT_UTF8 = Uint8Array.of(0x22, 0xff, 0x22);
const NO_ROW = [1, 'is missing: there is no row at all'];

type Told = (string | number)[][];

/** The mistakes of a file that comes in pieces, as pairs of line and reason. */
function mistakesOf(...pieces: (string | Uint8Array)[]): Told {
  const check = new JsonlCheck();
  for (const piece of pieces) check.push(typeof piece === 'string' ? utf8.encode(piece) : piece);
  check.end();
  return check.mistakes.map(({ line, reason }) => [line, reason]);
}

function bytesOf(parts: readonly (string | Uint8Array)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? utf8.encode(part) : part)));
}

/** A row of exactly so many bytes. */
function rowOf(bytes: number): string {
  const empty = '{"payload":{"a":""}}';
  return empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`);
}

const NEITHER = 'has neither "messages" nor "payload"';

/** Samples of files and what is told of them. */
const FILES: readonly (readonly [string, readonly (string | Uint8Array)[], Told])[] = [
  ['rows of both generations', [`${ROW}\n{"payload":{"a":1},"properties":{}}\n`], []],
  ['no line end after the last row', [`${ROW}\n${ROW}`], []],
  ['CRLF', [`${ROW}\r\n${ROW}\r\n`], []],
  ['a byte order mark', [`${BYTE_ORDER_MARK}${ROW}\n`], []],
  ['blank lines, which are read over', [`\n${ROW}\n\n \t\r\n${ROW}\n\n`], []],
  ['letters of several bytes', ['{"payload":{"é€":"😀"}}\n'], []],
  ['a lone CR within a row, where JSON takes it for a blank', [`{"messages":\r[]}\n`], []],
  ['a lone CR between two rows', [`${ROW}\r${ROW}\n`], [[1, 'is not JSON']]],
  ['nothing', [''], [NO_ROW]],
  ['a byte order mark alone', [BYTE_ORDER_MARK], [NO_ROW]],
  ['blank lines alone', ['\r\n\n  \n'], [NO_ROW]],
  ['a byte order mark later on', [`${ROW}\n${BYTE_ORDER_MARK}${ROW}`], [[2, 'is not JSON']]],
  ['a last row that is cut', [`${ROW}\n{"messages":[`], [[2, 'is not JSON']]],
  ['a line of bytes that are no text', [`${ROW}\n`, NOT_UTF8, `\n${ROW}`], [[2, 'is not UTF-8']]],
  [
    'a letter that is cut off by a line end',
    ['"', utf8.encode('é').subarray(0, 1), '\n'],
    [[1, 'is not UTF-8']],
  ],
  ['a blank line before a bad one, which counts', [`\n\n{}\n${ROW}`], [[3, NEITHER]]],
  [
    'several mistakes among rows in order',
    [`[]\n${ROW}\nx\r\n${ROW}\n{}`],
    [
      [1, 'is not a JSON object'],
      [3, 'is not JSON'],
      [5, NEITHER],
    ],
  ],
];

describe('a file', () => {
  for (const [name, parts, told] of FILES) {
    const file = bytesOf(parts);

    test(`with ${name}, in one piece`, () => {
      assert.deepEqual(mistakesOf(file), told);
    });

    test(`with ${name}, is judged alike wherever it is cut`, () => {
      for (let first = 0; first <= file.byteLength; first++) {
        for (let second = first; second <= file.byteLength; second++) {
          const pieces = [file.subarray(0, first), file.subarray(first, second)];
          const found = mistakesOf(...pieces, file.subarray(second));
          assert.deepEqual(found, told, `cut at ${first}, ${second}`);
        }
      }
    });

    test(`with ${name}, byte by byte in a buffer that is used again`, () => {
      const check = new JsonlCheck();
      const buffer = new Uint8Array(1);
      for (const byte of file) {
        buffer[0] = byte;
        check.push(buffer);
      }
      check.end();
      assert.deepEqual(
        check.mistakes.map(({ line, reason }) => [line, reason]),
        told,
      );
    });
  }
});

describe('a long line', () => {
  const tooLong = `is longer than ${MAX_LINE_BYTES} bytes`;
  const longest = rowOf(MAX_LINE_BYTES);
  const frames: readonly (readonly [string, string, string])[] = [
    ['alone', '', ''],
    ['with LF', '', '\n'],
    ['with CRLF', '', '\r\n'],
    ['after a byte order mark, with CRLF', BYTE_ORDER_MARK, '\r\n'],
  ];
  for (const [name, before, after] of frames) {
    const sizes = [MAX_LINE_BYTES, 65_536, 1_999_999, 1];

    test(`${name} may have as many bytes as are taken, and not one more`, () => {
      for (const size of sizes.slice(0, -1)) {
        assert.deepEqual(mistakesOf(...pieces(before + longest + after, size)), []);
        const longer = before + rowOf(MAX_LINE_BYTES + 1) + after;
        assert.deepEqual(mistakesOf(...pieces(longer, size)), [[1, tooLong]], `by ${size}`);
      }
    });
  }

  test('in the middle is told with its number, and the lines after it are still read', () => {
    const file = `${ROW}\n${rowOf(MAX_LINE_BYTES + 10)}\n${ROW}\n{}\n`;
    for (const size of [1000, 65_536, file.length]) {
      assert.deepEqual(mistakesOf(...pieces(file, size)), [
        [2, tooLong],
        [4, NEITHER],
      ]);
    }
  });

  test('at the end, without a line end, is told too', () => {
    assert.deepEqual(mistakesOf(...pieces(`${ROW}\n${'x'.repeat(5_000_000)}`, 65_536)), [
      [2, tooLong],
    ]);
  });

  test('of blanks is too long as any other', () => {
    assert.deepEqual(mistakesOf(...pieces(`${' '.repeat(3_000_000)}\n${ROW}\n`, 65_536)), [
      [1, tooLong],
    ]);
  });

  test('is not kept: what is held stays below the limit of a line, and goes once it is too long', () => {
    const check = new JsonlCheck();
    const piece = new Uint8Array(65_536).fill(0x78);
    let most = 0;
    for (let sent = 0; sent < 30_000_000; sent += piece.byteLength) {
      check.push(piece);
      most = Math.max(most, check.heldBytes);
    }
    assert.ok(most > 1_000_000 && most <= MAX_LINE_BYTES + 4, `${most} bytes`);
    assert.equal(check.heldBytes, 0);
  });
});

function* pieces(text: string, size: number): Generator<Uint8Array> {
  const bytes = utf8.encode(text);
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

test('30 MB of rows leave no more behind than one row', () => {
  const check = new JsonlCheck();
  const rows = utf8.encode(`${rowOf(700)}\n`.repeat(1000));
  let most = 0;
  for (let sent = 0; sent < 30_000_000; sent += rows.byteLength) {
    for (let at = 0; at < rows.byteLength; at += 65_536) {
      check.push(rows.subarray(at, at + 65_536));
      most = Math.max(most, check.heldBytes);
    }
  }
  check.end();
  assert.deepEqual(check.mistakes, []);
  assert.ok(most > 0 && most <= 4096, `${most} bytes`);
});

test('twenty mistakes are told, and what comes after them is not looked at', () => {
  const check = new JsonlCheck();
  check.push(utf8.encode(`${ROW}\n`.repeat(3) + 'x\n'.repeat(MAX_MISTAKES - 1)));
  assert.equal(check.isFull, false);
  check.push(utf8.encode('y\nz\nz\n'));
  assert.equal(check.isFull, true);
  check.push(utf8.encode('z'.repeat(100)));
  check.end();
  assert.equal(MAX_MISTAKES, 20);
  assert.deepEqual(
    check.mistakes.map(({ line }) => line),
    Array.from({ length: MAX_MISTAKES }, (_, index) => index + 4),
  );
});

test('a line by itself is a row, blank or a mistake', () => {
  assert.deepEqual(checkLine(utf8.encode(ROW)), {
    ok: true,
    row: { payload: { messages: [] }, properties: {} },
  });
  assert.equal(checkLine(utf8.encode(' \t')), 'blank');
  assert.deepEqual(checkLine(NOT_UTF8), { ok: false, reason: 'is not UTF-8' });
  // A decoder that failed must not carry anything over to the next line.
  assert.equal(checkLine(new Uint8Array()), 'blank');
});
