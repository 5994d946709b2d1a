import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkRow, linesOf } from '../../src/domain/jsonl.ts';

const utf8 = new TextEncoder();
const BYTE_ORDER_MARK = '\uFEFF';

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

describe('a row', () => {
  const messages = [{ role: 'user', content: 'Hi' }];
  const accepted: readonly (readonly [string, object, object])[] = [
    [
      'of messages and properties',
      { messages, properties: { lang: 'fr' } },
      { payload: { messages }, properties: { lang: 'fr' } },
    ],
    ['of messages alone', { messages }, { payload: { messages }, properties: {} }],
    [
      'of payload and properties',
      { payload: { messages, model: 'm' }, properties: { lang: 'fr' } },
      { payload: { messages, model: 'm' }, properties: { lang: 'fr' } },
    ],
    ['of payload alone', { payload: {} }, { payload: {}, properties: {} }],
    [
      'with null properties, as some exports write them',
      { messages, properties: null },
      { payload: { messages }, properties: {} },
    ],
    [
      'with both, where the newer generation wins',
      { payload: { a: 1 }, messages },
      { payload: { a: 1 }, properties: {} },
    ],
    [
      'with no messages in the list',
      { messages: [] },
      { payload: { messages: [] }, properties: {} },
    ],
  ];
  for (const [name, line, row] of accepted) {
    test(`${name} is read`, () => {
      assert.deepEqual(checkRow(JSON.stringify(line)), { ok: true, row });
    });
  }

  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /not JSON/],
    ['{"messages":[]', /not JSON/],
    ['{"messages":[]}{"messages":[]}', /not JSON/],
    ["{'messages':[]}", /not JSON/],
    [`${BYTE_ORDER_MARK}{"messages":[]}`, /not JSON/],
    ['[]', /not a JSON object/],
    ['null', /not a JSON object/],
    ['"messages"', /not a JSON object/],
    ['{}', /neither "messages" nor "payload"/],
    ['{"properties":{}}', /neither "messages" nor "payload"/],
    ['{"payload":[]}', /"payload" that is not an object/],
    ['{"payload":"x"}', /"payload" that is not an object/],
    ['{"messages":{}}', /"messages" that are not a list of objects/],
    ['{"messages":["Hi"]}', /"messages" that are not a list of objects/],
    ['{"messages":[{},null]}', /"messages" that are not a list of objects/],
    ['{"messages":[[]]}', /"messages" that are not a list of objects/],
    ['{"messages":[],"properties":[]}', /"properties" that are not an object/],
    ['{"payload":{},"properties":"x"}', /"properties" that are not an object/],
  ];
  for (const [line, reason] of refused) {
    test(`${JSON.stringify(line)} is refused: ${reason.source}`, () => {
      const check = checkRow(line);
      assert.match(check.ok ? 'was taken' : check.reason, reason);
    });
  }
});

/** Samples of files and the lines that are in them. */
const FILES: readonly (readonly [string, string, string[]])[] = [
  ['LF after the last line', 'one\ntwo\n', ['one', 'two']],
  ['no line end after the last line', 'one\ntwo', ['one', 'two']],
  ['CRLF', 'one\r\ntwo\r\n', ['one', 'two']],
  ['CRLF, none after the last line', 'one\r\ntwo', ['one', 'two']],
  ['both line ends in turn', 'one\r\ntwo\nthree\r\n', ['one', 'two', 'three']],
  ['a carriage return within a line', 'o\rne\ntwo', ['o\rne', 'two']],
  ['two carriage returns before the line feed', 'one\r\r\n', ['one\r']],
  ['empty lines', '\none\n\r\n\ntwo\n', ['', 'one', '', '', 'two']],
  ['a byte order mark', `${BYTE_ORDER_MARK}one\ntwo\n`, ['one', 'two']],
  ['a byte order mark and one line', `${BYTE_ORDER_MARK}one`, ['one']],
  ['a byte order mark later on', `one\n${BYTE_ORDER_MARK}two`, ['one', `${BYTE_ORDER_MARK}two`]],
  ['letters of several bytes', 'é€\n😀\r\n', ['é€', '😀']],
  ['a line separator of Unicode', 'one\u2028two\n', ['one\u2028two']],
  ['one line feed alone', '\n', ['']],
];

/** Reads a file as an importer does: slice after slice, each from the end of the last whole line. */
function readInSlices(file: Uint8Array, cuts: readonly number[]): string[] {
  const lines: string[] = [];
  let offset = 0;
  for (const stop of [...cuts, file.byteLength]) {
    const sliceStart = offset;
    const slice = file.subarray(sliceStart, stop);
    for (const line of linesOf(slice, sliceStart === 0, stop === file.byteLength)) {
      lines.push(textOf(line.bytes));
      offset = sliceStart + line.end;
    }
  }
  assert.equal(offset, file.byteLength, 'the last line ends where the file does');
  return lines;
}

describe('the lines of a file', () => {
  for (const [name, text, lines] of FILES) {
    const file = utf8.encode(text);

    test(`with ${name}, in one slice`, () => {
      assert.deepEqual(readInSlices(file, []), lines);
    });

    test(`with ${name}, are the same wherever it is cut`, () => {
      for (let first = 0; first <= file.byteLength; first++) {
        for (let second = first; second <= file.byteLength; second++) {
          assert.deepEqual(
            readInSlices(file, [first, second]),
            lines,
            `cut at ${first}, ${second}`,
          );
        }
      }
    });

    test(`with ${name}, are the same byte by byte`, () => {
      const cuts = Array.from(file, (_, index) => index);
      assert.deepEqual(readInSlices(file, cuts), lines);
    });
  }

  test('of an empty file are none', () => {
    assert.deepEqual([...linesOf(new Uint8Array(), true, true)], []);
  });

  test('of a file that is only a byte order mark are none', () => {
    assert.deepEqual([...linesOf(utf8.encode(BYTE_ORDER_MARK), true, true)], []);
  });

  test('hold back what may go on in the next slice', () => {
    const lines = [...linesOf(utf8.encode('one\ntw'), true, false)];
    assert.deepEqual(
      lines.map(({ bytes, end }) => [textOf(bytes), end]),
      [['one', 4]],
    );
  });

  test('say where each line ends, line end and byte order mark included', () => {
    const slice = utf8.encode(`${BYTE_ORDER_MARK}é\r\ntwo\nx`);
    assert.deepEqual(
      [...linesOf(slice, true, true)].map(({ end }) => end),
      [7, 11, 12],
    );
  });
});
