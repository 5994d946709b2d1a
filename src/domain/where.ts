import { readExplorer } from './where/explorer.ts';
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
