// How the lists of the API are continued is not documented. `FeedResult` has `next` and `cursor`, `PaginatedResult` has
// a count and `next`, and each may be null or left out.

/** What a feed says of its next page. */
export interface FeedEnd {
  next?: unknown;
  cursor?: unknown;
}

/**
 * The cursor of the page after this one, null at the end: `next` where the feed has it, be it the cursor itself or a
 * URL that holds it, else `cursor`. A feed that names the page it was asked for would never end.
 * @param sent the cursor that was asked with
 */
export function nextCursor({ next, cursor }: FeedEnd, sent: string | null): string | null {
  const token = next === undefined || isUrl(next) ? (cursorIn(next) ?? cursor) : next;
  return typeof token === 'string' && token !== '' && token !== sent ? token : null;
}

function isUrl(next: unknown): next is string {
  return typeof next === 'string' && /^(?:https?:\/\/|\/[^?]*\?|\?)/i.test(next);
}

function cursorIn(next: unknown): string | null {
  if (!isUrl(next)) return null;
  return new URLSearchParams(next.slice(next.indexOf('?') + 1)).get('cursor');
}

/**
 * The number of the page after this one, null at the end. It follows from the count: that is the one field of a page
 * which is always there.
 */
export function nextPage(count: number, limit: number, page: number): number | null {
  return page * limit < count ? page + 1 : null;
}
