import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prefersJson } from '../../src/domain/accept.ts';

const JSONL = 'application/x-ndjson';

const CASES: [string, boolean][] = [
  ['', false],
  ['*/*', false],
  ['application/json', true],
  ['Application/JSON', true],
  ['application/json; charset=utf-8', true],
  ['application/json, */*', true],
  ['*/*, application/json', true],
  ['application/json, text/plain, */*', true],
  ['application/json;q=0.9, */*;q=0.8', true],
  ['application/json;q=0.5, */*', false],
  ['application/json;q=0', false],
  ['application/json;q=0, */*', false],
  ['application/x-ndjson', false],
  ['application/x-ndjson, application/json', false],
  ['application/json, application/x-ndjson', false],
  ['application/json, application/x-ndjson;q=0.9', true],
  ['application/x-ndjson;q=0.1, application/json;q=0.2', true],
  ['application/*', false],
  ['application/*;q=0.5, application/json;q=0.7, */*', true],
  ['text/html, application/xhtml+xml, */*;q=0.8', false],
  ['application/json;q=x', false],
];

for (const [accept, expected] of CASES) {
  test(`Accept: ${accept || '(none)'} ${expected ? 'prefers JSON' : 'takes the default'}`, () => {
    assert.equal(prefersJson(accept, JSONL), expected);
  });
}
