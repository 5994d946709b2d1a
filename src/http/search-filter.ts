import { Refusal } from '../domain/failures.ts';
import { placeOf, readWhere } from '../domain/where.ts';
import type { FilterTreeJson } from '../domain/where/tree.ts';
import { invalidFilter } from './refusals.ts';

/**
 * Reads the `where` of a body (docs/filter-language.md) into the API's filter tree; null, or left out, matches
 * everything.
 * @throws {Refusal} `invalid_filter`: of a text with the position of the mistake, of a tree with its path
 */
export function filtersOf(where: unknown): FilterTreeJson | null {
  const read = readWhere(where, Date.now());
  if (read.ok) return read.filters;
  throw invalidFilter(read, '/where');
}

/**
 * What a search was refused with; where the backend names a mistake in the filter, with its place in the `where`.
 * @param error anything that was thrown
 */
export function withPlace(error: unknown, where: unknown): unknown {
  if (!(error instanceof Refusal) || error.failure.code !== 'invalid_filter') return error;
  const mistake = placeOf(where, error.message, Date.now());
  return mistake === null ? error : invalidFilter(mistake, '/where');
}
