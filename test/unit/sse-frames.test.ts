import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventFramer } from '../../src/domain/sse-frames.ts';
import { eventFrame, KEEPALIVE } from '../../src/domain/sse.ts';

const encode = (text: string) => new TextEncoder().encode(text);

const EVENTS = [
  'data: é 東京 😀\n\n',
  ': ping\n\n',
  'event: x\nid: 7\ndata: 1\ndata: 2\n\n',
  '\n\n',
];
const STREAMS: [string, string[]][] = [
  ['line feeds', EVENTS],
  ['CRLF', EVENTS.map((event) => event.replaceAll('\n', '\r\n'))],
  ['CR', EVENTS.map((event) => event.replaceAll('\n', '\r'))],
  ['a mix of line ends', ['data: 1\r\n\n', 'data: 2\n\r\n', 'data: 3\r\r\n', 'data: 4\n\n']],
];
for (const [name, events] of STREAMS) {
  test(`${name}: whatever the pieces, only whole events come out, each as soon as it is whole`, () => {
    const bytes = encode(events.join(''));
    const ends = new Set<number>();
    events.reduce((at, event) => {
      ends.add(at + encode(event).byteLength);
      return at + encode(event).byteLength;
    }, 0);
    for (let size = 1; size <= bytes.length; size++) {
      const framer = new EventFramer();
      let out = Buffer.alloc(0);
      for (let at = 0; at < bytes.length; at += size) {
        const piece = bytes.subarray(at, at + size);
        const whole = framer.push(piece);
        if (whole !== null) out = Buffer.concat([out, whole]);
        const reached = at + piece.length;
        const lastEnd = Math.max(0, ...[...ends].filter((end) => end <= reached));
        assert.ok(out.length >= lastEnd, `${size}: an event waits at ${reached}`);
        assert.equal(out.length + framer.heldBytes, reached);
        assert.deepEqual(
          Buffer.concat([out, framer.held]),
          Buffer.from(bytes.subarray(0, reached)),
        );
      }
      assert.deepEqual(out, Buffer.from(bytes));
    }
  });
}

test('what is not whole is held: no piece of it comes out', () => {
  const framer = new EventFramer();
  assert.equal(framer.push(encode('data: {"a":"\\n\\n')), null);
  assert.equal(framer.push(encode('"}\n')), null);
  assert.equal(
    Buffer.from(framer.push(encode('\ndata: 2')) ?? []).toString(),
    'data: {"a":"\\n\\n"}\n\n',
  );
  assert.equal(Buffer.from(framer.held).toString(), 'data: 2');
});

test('a piece that ends with an event is handed on as it is, without a copy', () => {
  const piece = encode('data: 1\n\n');
  assert.equal(new EventFramer().push(piece), piece);
});

test('an empty piece changes nothing', () => {
  const framer = new EventFramer();
  framer.push(encode('data: 1\n'));
  assert.equal(framer.push(new Uint8Array()), null);
  assert.equal(Buffer.from(framer.push(encode('\n')) ?? []).toString(), 'data: 1\n\n');
});

test('frames as they are written', () => {
  assert.equal(eventFrame('{}'), 'data: {}\n\n');
  assert.equal(
    eventFrame('{}', { id: '7', event: 'import' }),
    'id: 7\nevent: import\ndata: {}\n\n',
  );
  assert.equal(KEEPALIVE, ': keepalive\n\n');
});
