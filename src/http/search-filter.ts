import { Refusal } from '../domain/failures.ts';
import type { JsonObject } from '../domain/json.ts';
import { readWhere } from '../domain/read-where.ts';

/**
 * Reads the `where` of a body into the API's filter tree; null, or left out, matches everything.
 * @param path where it stands in the body, as a JSON Pointer
 * @throws {Refusal} `invalid_filter`: of a text with the position of the mistake, of a tree with its path
 */
export function filtersOf(where: unknown, path = '/where'): JsonObject | null {
  const read = readWhere(where, Date.now());
  if (read.ok) return read.filters;
  const { message, position, path: at } = read;
  throw new Refusal({
    code: 'invalid_filter',
    message,
    ...(position !== undefined && { position }),
    ...(at !== undefined && { details: [{ path: path + at, message }] }),
  });
}
