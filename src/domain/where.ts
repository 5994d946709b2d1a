import { jsonPointer, valueAt } from './json-pointer.ts';
import { positionIn, readExplorer } from './where/explorer.ts';
import { WhereMistake } from './where/mistake.ts';
import { type FilterTreeJson, readTree } from './where/tree.ts';

/**
 * A `where` that was read: `filters` is what the upstream takes as `search_params.filters`, null matches everything.
 * A mistake has a `position` in a text (UTF-16 units from 0) or a `path` in a tree (a JSON Pointer from its root).
 */
export type ReadWhere =
  | { ok: true; filters: FilterTreeJson | null }
  | { ok: false; message: string; position?: number; path?: string };

/**
 * Reads a `where`: a text in Mistral's Explorer language, a filter tree of the upstream, or nothing. Both are bounded
 * in conditions, length and depth as the built-in backend's filters are. The language is docs/filter-language.md.
 * @param now milliseconds since the epoch, which relative times count from
 */
export function readWhere(where: unknown, now: number): ReadWhere {
  if (where === undefined || where === null) return { ok: true, filters: null };
  try {
    const filters = typeof where === 'string' ? readExplorer(where, now) : readTree(where, now);
    return { ok: true, filters };
  } catch (error) {
    if (!(error instanceof WhereMistake)) throw error;
    const { at, message } = error;
    return typeof at === 'number'
      ? { ok: false, message, position: at }
      : { ok: false, message, path: at };
  }
}

/** A place in a filter as the built-in backend's messages begin with, such as `filters.AND[2].value: `. */
const PLACE = /^filters((?:\.(?:AND|OR|field|op|value)|\[\d{1,4}\])*): /;

/** The path to what a backend says of a filter, from the filter's root; null where its message names none. */
export function pathIn(message: string): string[] | null {
  const place = PLACE.exec(message)?.[1];
  return place === undefined ? null : (place.match(/\w+/g) ?? []);
}

/**
 * Finds in a `where` what a backend said of the filter that it was read into.
 * @param where as it was sent, and as {@link readWhere} took it
 * @param message the backend's
 * @param now milliseconds since the epoch
 * @returns the mistake with its place, or null where the message names none, or none that is in the `where`
 */
export function placeOf(
  where: unknown,
  message: string,
  now: number,
): Extract<ReadWhere, { ok: false }> | null {
  const path = pathIn(message);
  if (path === null) return null;
  if (typeof where === 'string') {
    const position = positionIn(where, path, now);
    return position === null ? null : { ok: false, message, position };
  }
  // A group with both lists is sent as another tree: what is not found here is left out.
  return valueAt(where, path) === null ? null : { ok: false, message, path: jsonPointer(path) };
}
