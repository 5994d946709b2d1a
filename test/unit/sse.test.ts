import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EventBoundary, eventFrame, KEEPALIVE } from '../../src/domain/sse.ts';

const utf8 = new TextEncoder();

const LINES = [
  ': a comment',
  '',
  'data: {"content":"é😀"}',
  '',
  'id: 7',
  'event: import',
  'data: first',
  'data: second',
  '',
  '',
  'data',
  '',
  'data: [DONE]',
  '',
  '',
];

const STREAMS: readonly (readonly [string, string])[] = [
  ['LF', LINES.join('\n')],
  ['CRLF', LINES.join('\r\n')],
  ['CR', LINES.join('\r')],
  ['LF and CRLF in turn', 'data: a\r\n\ndata: b\n\r\ndata: c\n\n'],
  ['blank lines at the start', '\r\n\n\r\ndata: a\r\n\r\n'],
];

/** By the text itself: nothing yet, or the last line is a blank one. */
function isAfterBlankLine(text: string): boolean {
  const lines = text.split(/\r\n|\r|\n/);
  return lines.at(-1) === '' && (lines.at(-2) ?? '') === '';
}

function boundaryAfter(...parts: Uint8Array[]): boolean {
  const boundary = new EventBoundary();
  for (const part of parts) boundary.push(part);
  return boundary.between;
}

describe('the boundary between two events', () => {
  for (const [name, text] of STREAMS) {
    const stream = utf8.encode(text);

    test(`${name}: is never seen within an event, wherever the stream is cut`, () => {
      for (let offset = 0; offset <= stream.byteLength; offset++) {
        const arrived = stream.subarray(0, offset);
        if (boundaryAfter(arrived)) {
          assert.ok(isAfterBlankLine(new TextDecoder().decode(arrived)), `cut at ${offset}`);
        }
      }
    });

    test(`${name}: is the same however the bytes came in`, () => {
      for (let offset = 0; offset <= stream.byteLength; offset++) {
        const whole = boundaryAfter(stream.subarray(0, offset));
        const single = Array.from({ length: offset }, (_, at) => stream.subarray(at, at + 1));
        assert.equal(boundaryAfter(...single), whole, `byte by byte to ${offset}`);
        for (let cut = 0; cut <= offset; cut++) {
          const parts = [stream.subarray(0, cut), stream.subarray(cut, offset)];
          assert.equal(boundaryAfter(...parts), whole, `cut at ${cut}, to ${offset}`);
        }
      }
    });
  }

  for (const [name, text] of STREAMS.filter(([name]) => name !== 'CR')) {
    test(`${name}: is seen after each blank line that is wholly there`, () => {
      for (const { index, 0: end } of text.matchAll(/(?<=\n|^)\r?\n/g)) {
        const arrived = utf8.encode(text.slice(0, index + end.length));
        assert.equal(boundaryAfter(arrived), true, `cut at character ${index}`);
      }
    });
  }

  test('is there before the first byte', () => {
    assert.equal(boundaryAfter(), true);
    assert.equal(boundaryAfter(new Uint8Array()), true);
  });

  test('one CRLF is one line end, even when a cut falls within it', () => {
    assert.equal(boundaryAfter(utf8.encode('data: a\r\n')), false);
    assert.equal(boundaryAfter(utf8.encode('data: a\r'), utf8.encode('\n')), false);
    assert.equal(boundaryAfter(utf8.encode('data: a\r'), utf8.encode('\n\r\n')), true);
  });

  test('a byte after it opens the next event', () => {
    assert.equal(boundaryAfter(utf8.encode('data: a\n\n'), utf8.encode('d')), false);
    assert.equal(boundaryAfter(utf8.encode('data: a\n\n:')), false);
  });

  test('an empty chunk changes nothing', () => {
    const nothing = new Uint8Array();
    assert.equal(boundaryAfter(utf8.encode('data: a\n'), nothing), false);
    assert.equal(boundaryAfter(utf8.encode('data: a\n'), nothing, utf8.encode('\n')), true);
  });
});

describe('a frame', () => {
  test('holds its data and ends with a blank line', () => {
    assert.equal(eventFrame('{"a":1}'), 'data: {"a":1}\n\n');
  });

  test('names id and event before the data', () => {
    const frame = eventFrame('{}', { id: '3', event: 'import' });
    assert.equal(frame, 'id: 3\nevent: import\ndata: {}\n\n');
  });

  test('takes either name alone', () => {
    assert.equal(eventFrame('x', { id: '3' }), 'id: 3\ndata: x\n\n');
    assert.equal(eventFrame('x', { event: 'import' }), 'event: import\ndata: x\n\n');
  });

  test('of a keepalive is a comment, after which an event may begin', () => {
    assert.match(KEEPALIVE, /^:[^\r\n]*\n\n$/);
    assert.equal(boundaryAfter(utf8.encode(KEEPALIVE)), true);
  });
});
