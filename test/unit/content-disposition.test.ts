import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attachment } from '../../src/domain/content-disposition.ts';

const CASES: [string, string, string, string][] = [
  ['a plain name', 'support.jsonl', 'support.jsonl', 'support.jsonl'],
  ['spaces', 'a dataset.jsonl', 'a dataset.jsonl', 'a%20dataset.jsonl'],
  ['quotes, which would end the name', 'a "b".jsonl', 'a _b_.jsonl', 'a%20%22b%22.jsonl'],
  ['a path', '../etc\\x.jsonl', '.._etc_x.jsonl', '.._etc_x.jsonl'],
  ['a new header', 'a\r\nset-cookie: b', 'a__set-cookie: b', 'a__set-cookie%3A%20b'],
  [
    'other scripts',
    'Données 数据 🎐',
    'Donn_es __ _',
    'Donn%C3%A9es%20%E6%95%B0%E6%8D%AE%20%F0%9F%8E%90',
  ],
  ['what RFC 8187 escapes', "it's (50%)*", "it's (50_)*", 'it%27s%20%2850%25%29%2A'],
  ['half a character', 'a\ud800b', 'a_b', 'a%EF%BF%BDb'],
];

for (const [what, filename, ascii, extended] of CASES) {
  test(`a file name with ${what} is saved under it`, () => {
    const expected = `attachment; filename="${ascii}"; filename*=UTF-8''${extended}`;
    assert.equal(attachment(filename), expected);
    // Every value of a header is bytes.
    assert.doesNotThrow(() => new Headers({ 'content-disposition': attachment(filename) }));
  });
}
