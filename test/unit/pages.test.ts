import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextCursor, nextPage, type FeedEnd } from '../../src/mistral/pages.ts';

const FEEDS: [string, FeedEnd, string | null][] = [
  ['next and cursor alike', { next: 'b', cursor: 'b' }, 'b'],
  ['next alone', { next: 'b' }, 'b'],
  ['cursor alone', { cursor: 'b' }, 'b'],
  ['next beside the cursor of this page', { next: 'b', cursor: 'a' }, 'b'],
  ['a URL with a cursor', { next: 'https://x/search?page_size=5&cursor=b%3D', cursor: 'a' }, 'b='],
  ['a path with a cursor', { next: '/v1/search?cursor=b' }, 'b'],
  ['a query with a cursor', { next: '?cursor=b&page_size=5' }, 'b'],
  ['a URL without a cursor', { next: 'https://x/search?page_size=5', cursor: 'b' }, 'b'],
  ['a token that begins as a path would', { next: '/9j/4AAQ==' }, '/9j/4AAQ=='],
  ['null', { next: null, cursor: null }, null],
  ['next null, whatever the cursor', { next: null, cursor: 'b' }, null],
  ['nothing', {}, null],
  ['an empty text', { next: '', cursor: '' }, null],
  ['the page that was asked for', { next: 'a' }, null],
  ['something else', { next: 7 }, null],
];

for (const [what, feed, expected] of FEEDS) {
  test(`a feed with ${what} goes on at ${expected ?? 'nothing'}`, () => {
    assert.equal(nextCursor(feed, 'a'), expected);
  });
}

test('there is a next page while the count is not reached', () => {
  for (const [count, limit, page, expected] of [
    [0, 50, 1, null],
    [50, 50, 1, null],
    [51, 50, 1, 2],
    [101, 50, 2, 3],
    [101, 50, 3, null],
    [101, 50, 1_000_000_000, null],
  ] as const) {
    assert.equal(nextPage({ count }, limit, page), expected);
    assert.equal(nextPage({ count, results: [1], next: null }, limit, page), expected);
  }
});

test('a count may be that of the page alone: then the list goes on while a next page is named', () => {
  const page = { results: [1, 2], count: 2 };
  assert.equal(nextPage({ ...page, next: '/v1/x?page=2' }, 2, 1), 2);
  assert.equal(nextPage({ ...page, next: 3 }, 2, 2), 3);
  for (const next of [undefined, null, '', true, {}]) {
    assert.equal(nextPage({ ...page, next }, 2, 1), null);
  }
  // It would name one for ever.
  assert.equal(nextPage({ results: [], count: 0, next: '?page=4' }, 2, 3), null);
});
