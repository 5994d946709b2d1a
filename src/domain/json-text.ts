/** Joins JSON texts of lists to the JSON text of one list, without reading what is in them. */
export function joinLists(...lists: readonly string[]): string {
  const contents = lists.map((list) => list.trim().slice(1, -1).trim());
  return `[${contents.filter((content) => content !== '').join(',')}]`;
}
