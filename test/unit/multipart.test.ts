import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { boundaryOf, MultipartParser, type PartHead } from '../../src/domain/multipart.ts';

interface Part extends PartHead {
  data: string;
}

/** Parses a body that comes in pieces of one size; null when it is malformed or not whole. */
function parse(body: Uint8Array, boundary: string, size: number): Part[] | null {
  const parser = new MultipartParser(boundary);
  const parts: (PartHead & { chunks: Uint8Array[] })[] = [];
  for (let at = 0; at < body.length; at += size) {
    for (const event of parser.push(body.subarray(at, at + size))) {
      if (event.kind === 'malformed') return null;
      if (event.kind === 'part') parts.push({ ...event.head, chunks: [] });
      else parts.at(-1)?.chunks.push(event.bytes.slice());
    }
  }
  if (!parser.isComplete) return null;
  return parts.map(({ chunks, ...head }) => ({ ...head, data: Buffer.concat(chunks).toString() }));
}

const bytes = (text: string) => new TextEncoder().encode(text);
const field = (name: string, data: string) => ({
  name,
  filename: null,
  contentType: 'application/octet-stream',
  data,
});

const BODIES: [string, string, Part[]][] = [
  [
    'two fields and a file',
    '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B\r\ncontent-disposition:form-data; name=b\r\n\r\n\r\n--B\r\nContent-Disposition: form-data; name="file"; filename="x.txt"\r\nContent-Type: text/plain\r\n\r\nline\r\nline\r\n\r\n--B--\r\n',
    [
      field('a', '1'),
      field('b', ''),
      { name: 'file', filename: 'x.txt', contentType: 'text/plain', data: 'line\r\nline\r\n' },
    ],
  ],
  [
    'data that nearly holds the delimiter',
    '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n--\r\n--A\r--B\n--B \r\r\n-\r\n--B--',
    [field('a', '\r\n--\r\n--A\r--B\n--B \r\r\n-')],
  ],
  [
    'a preamble, padding after a delimiter, and an epilogue',
    'to be read over\r\n--B \t\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B--\r\nmore\r\n--B\r\n',
    [field('a', '1')],
  ],
  [
    'a part without the line end that comes before data',
    '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n--B--\r\n',
    [field('a', '')],
  ],
  [
    'names beyond Latin-1, quoted, and escaped as FormData does',
    '--B\r\nContent-Disposition: form-data; name="é"; filename="日本 \\"q\\" %22.jsonl"\r\n\r\n1\r\n--B--',
    [{ ...field('é', '1'), filename: '日本 "q" ".jsonl' }],
  ],
  [
    'an extended name, with a language',
    `--B\r\nContent-Disposition: form-data; name="a"; filename="x"; filename*=UTF-8'en'a%20%E2%82%AC\r\n\r\n1\r\n--B--`,
    [{ ...field('a', '1'), filename: 'a €' }],
  ],
  [
    'an extended name that is malformed beside a plain one',
    `--B\r\nContent-Disposition: form-data; name="a"; filename="x"; filename*=UTF-8''%E0%A4\r\n\r\n1\r\n--B--`,
    [{ ...field('a', '1'), filename: 'x' }],
  ],
  ['no part at all', '--B--\r\n', []],
];
for (const [name, body, parts] of BODIES) {
  test(`${name}: read the same whatever the pieces it comes in`, () => {
    for (let size = 1; size <= body.length; size++) {
      assert.deepEqual(parse(bytes(body), 'B', size), parts, `in pieces of ${size}`);
    }
  });
}

describe('a body that is not in order is malformed or never whole', () => {
  const BAD: [string, string][] = [
    ['nothing', ''],
    ['no delimiter', 'hello'],
    ['no closing delimiter', '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1'],
    ['headers that do not end', '--B\r\nContent-Disposition: form-data; name="a"\r\n--B--\r\n'],
    ['no headers', '--B\r\n\r\n1\r\n--B--\r\n'],
    ['no name', '--B\r\nContent-Disposition: form-data; filename="a"\r\n\r\n1\r\n--B--'],
    ['another disposition', '--B\r\nContent-Disposition: attachment; name="a"\r\n\r\n1\r\n--B--'],
    [
      'text after a delimiter',
      '--Bx\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B--',
    ],
    ['headers without bound', `--B\r\nx: ${'y'.repeat(20_000)}`],
    ['a delimiter line without bound', `--B${' '.repeat(20_000)}`],
  ];
  for (const [name, body] of BAD) {
    test(name, () => {
      for (const size of [1, 7, 1000, 100_000]) assert.equal(parse(bytes(body), 'B', size), null);
    });
  }
});

test('what FormData writes is read back', async () => {
  const form = new FormData();
  form.set('purpose', 'batch');
  form.set('file', new Blob(['{"a":1}\n'], { type: 'application/jsonl' }), 'q"uote\n.jsonl');
  const response = new Response(form);
  const boundary = boundaryOf(response.headers.get('content-type') ?? '');
  const body = new Uint8Array(await response.arrayBuffer());
  assert.deepEqual(parse(body, boundary ?? '', 5), [
    field('purpose', 'batch'),
    {
      name: 'file',
      filename: 'q"uote\n.jsonl',
      contentType: 'application/jsonl',
      data: '{"a":1}\n',
    },
  ]);
});

test('the boundary is found quoted or bare, and only in multipart/form-data', () => {
  assert.equal(boundaryOf('multipart/form-data; boundary=abc'), 'abc');
  assert.equal(boundaryOf('Multipart/Form-Data;charset=x; Boundary="a b"'), 'a b');
  for (const type of [
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/mixed; boundary=a',
    'text/plain',
  ]) {
    assert.equal(boundaryOf(type), null, type);
  }
});
