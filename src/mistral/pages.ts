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

/** What a numbered list says of itself. */
export interface NumberedPage {
  results?: readonly unknown[] | null | undefined;
  count: number;
  next?: unknown;
}

/**
 * The number of the page after this one, null at the end. The count is the one field that is always there; as it may be
 * that of the page alone, a page that is not empty and names a next one is not the last either.
 */
export function nextPage(
  { results, count, next }: NumberedPage,
  limit: number,
  page: number,
): number | null {
  const isNamed = (typeof next === 'string' && next !== '') || typeof next === 'number';
  const goesOn = page * limit < count || (isNamed && (results ?? []).length > 0);
  return goesOn ? page + 1 : null;
}
