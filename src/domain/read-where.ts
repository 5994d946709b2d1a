import { isObject, type JsonObject } from './json.ts';

export type ReadWhere =
  | { ok: true; filters: JsonObject | null }
  | { ok: false; message: string; position?: number; path?: string };

/** Stands in until the reader of `where` is there: trees pass, texts are refused. */
export function readWhere(where: unknown, _now: number): ReadWhere {
  if (where === null || where === undefined) return { ok: true, filters: null };
  if (isObject(where) && Object.keys(where).length > 0) return { ok: true, filters: where };
  return typeof where === 'string'
    ? { ok: false, message: 'expected a tree', position: 0 }
    : { ok: false, message: 'expected a condition or a group', path: '' };
}
