/**
 * A page of rows that are numbered by `seq`, the newest first. What is added meanwhile moves nothing.
 * @param cursor as the page before gave it, null for the first
 * @param read gives up to `limit` rows with a smaller `seq` than `before`, the newest first
 * @returns the rows and the cursor of the next page, null after the last; `bad_cursor` for one that no page gave
 */
export function seqPage<Row extends { seq: number }>(
  limit: number,
  cursor: string | null,
  read: (before: number, limit: number) => Row[],
): { rows: Row[]; cursor: string | null } | 'bad_cursor' {
  if (cursor !== null && !/^\d{1,15}$/.test(cursor)) return 'bad_cursor';
  const before = cursor === null ? Number.MAX_SAFE_INTEGER : Number(cursor);
  // One more tells whether there is a next page.
  const found = read(before, limit + 1);
  const rows = found.slice(0, limit);
  const last = found.length > limit ? rows.at(-1) : undefined;
  return { rows, cursor: last === undefined ? null : String(last.seq) };
}
