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
  assert.equal(nextPage(0, 50, 1), null);
  assert.equal(nextPage(50, 50, 1), null);
  assert.equal(nextPage(51, 50, 1), 2);
  assert.equal(nextPage(101, 50, 2), 3);
  assert.equal(nextPage(101, 50, 3), null);
  assert.equal(nextPage(101, 50, 1_000_000_000), null);
});
