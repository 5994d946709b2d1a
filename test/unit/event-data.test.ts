import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventDataReader } from '../../src/domain/sse.ts';

function read(bytes: Uint8Array, size: number): string[] {
  const reader = new EventDataReader();
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += size)
    found.push(...reader.push(bytes.subarray(at, at + size)));
  return found;
}

const STREAMS: [string, string, string[]][] = [
  ['line feeds', 'data: é 東京 😀\n\ndata:2\n\n', ['é 東京 😀', '2']],
  ['CRLF', 'data: 1\r\n\r\ndata: 2\r\n\r\n', ['1', '2']],
  ['CR', 'data: 1\r\rdata: 2\r\r', ['1', '2']],
  ['several data lines', 'data: a\ndata: b\n\n', ['a\nb']],
  ['comments and other fields', ': ping\n\nevent: x\nid: 7\ndata: 1\nretry: 5\n\n', ['1']],
  ['events without data', 'event: ping\n\ndata: 1\n\n', ['1']],
  ['an end without a blank line', 'data: 1\n\ndata: lost', ['1']],
  ['a space that belongs to the data', 'data:  two\n\n', [' two']],
];
for (const [name, text, data] of STREAMS) {
  test(`${name}: the same data whatever the pieces`, () => {
    const bytes = new TextEncoder().encode(text);
    for (let size = 1; size <= bytes.length; size++) assert.deepEqual(read(bytes, size), data);
  });
}

test('of an event beyond the bound nothing is read, and the next one is', () => {
  const reader = new EventDataReader();
  const encoder = new TextEncoder();
  const piece = encoder.encode('x'.repeat(1_000_000));
  reader.push(encoder.encode('data: '));
  for (let n = 0; n < 9; n++) assert.deepEqual(reader.push(piece), []);
  assert.deepEqual(reader.push(encoder.encode('\n\ndata: 1\n\n')), ['1']);
});
