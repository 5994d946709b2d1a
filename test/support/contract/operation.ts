import { randomBytes } from 'node:crypto';
import type { Mistral } from '@mistralai/mistralai';
import type * as z from 'zod';
import type { World } from './world.ts';

/** A request to an operation: what fills its path, its query, and its body. */
export interface Sent {
  /** By the names of the path's parameters; those of the {@link World} where nothing is given. */
  ids?: Record<string, string>;
  query?: string;
  /** An object is sent as JSON, a text as it is. */
  body?: unknown;
  contentType?: string;
}

/** A request that is not quite the good one, and the status it gets. */
export interface Case {
  what: string;
  /** `good`: that of the good request, with an answer of the same shape. */
  status: 'good' | 400 | 404 | 409 | 422;
  /** `error_code` of an observability path, `code` of any other; a 422 has its own where none is given. */
  code?: string | null;
  /** An answer of another shape: a chat that is streamed. */
  answer?: 'stream';
  change: (good: Sent, world: World) => Sent | Promise<Sent>;
}

/** An operation of the API: what it takes, what it answers, and how it fails. */
export interface Operation {
  /** Method and path, `{parameters}` as the {@link World} names them. */
  call: string;
  /** The exact status of a good answer. */
  status: 200 | 201 | 202 | 204 | 400;
  /** Its JSON, every key; `bytes` for a file's content. Nothing at all for a 204. */
  answer?: z.ZodType | 'bytes';
  good?: (world: World) => Sent | Promise<Sent>;
  /** The calls of the official SDK that lead here. */
  sdk: ((mistral: Mistral, world: World) => Promise<unknown>)[];
  /** For each parameter of the path, the code of the 404 that an unknown one gets; undefined where any will do. */
  unknown?: Record<string, string | null | undefined>;
  cases?: Case[];
}

/** A text of so many characters that nothing else has. */
export const text = (length: number) => randomBytes(length).toString('hex').slice(0, length);

type Value = unknown;

/** Puts a value into a copy of a body; `undefined` takes the key out. @param path of keys, such as `a.b` */
function withValue(body: Value, path: string, value: Value): Value {
  const copy = structuredClone(body) as Record<string, Value>;
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let at = copy;
  for (const key of keys) at = at[key] as Record<string, Value>;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

function bodyCase(path: string, value: Value, rest: Pick<Case, 'status' | 'code'>): Case {
  const shown = value === undefined ? 'left out' : (JSON.stringify(value) ?? '');
  return {
    what: `${path} ${shown.length > 70 ? `${shown.slice(0, 50)}… (${shown.length})` : shown}`,
    ...rest,
    change: (good) => ({ ...good, body: withValue(good.body, path, value) }),
  };
}

/** Values of a body's field that are just in order. */
export const takes = (path: string, ...values: Value[]) =>
  values.map((value) => bodyCase(path, value, { status: 'good' }));

/** Values of a body's field that are just not in order: 422. */
export const refuses = (path: string, ...values: Value[]) =>
  values.map((value) => bodyCase(path, value, { status: 422 }));

/** Values of a body's field that fit the schema and are refused for what they say. */
export const fails = (
  status: 400 | 404,
  code: string | null | undefined,
  path: string,
  ...values: Value[]
) =>
  values.map((value) => bodyCase(path, value, code === undefined ? { status } : { status, code }));

/** Fields that have to be there. */
export const needs = (...paths: string[]) => paths.flatMap((path) => refuses(path, undefined));

/** Bounds of a text's length. @param prefix of the path, such as `judge_definition.` */
export function length(path: string, min: number, max: number): Case[] {
  // JSON Schema counts characters, also those of two UTF-16 units.
  const inside = takes(path, text(min), text(max), `${text(max - 1)}🪁`);
  const outside = refuses(path, ...(min > 0 ? [text(min - 1)] : []), text(max + 1), 5, null);
  return [...inside, ...outside];
}

const queryCase = (status: Case['status']) => (query: string) => ({
  what: `?${query}`,
  status,
  change: (good: Sent) => ({ ...good, query }),
});

export const takesQuery = (...queries: string[]) => queries.map(queryCase('good'));
export const refusesQuery = (...queries: string[]) => queries.map(queryCase(422));

const sizes = [
  ...takesQuery('page_size=0', 'page_size=1', 'page_size=100'),
  ...refusesQuery('page_size=-1', 'page_size=101', 'page_size=1.5', 'page_size=x'),
];
/** Of the search: pages are found by cursor. */
export const PAGE_SIZES: Case[] = sizes;
/** Of the lists. */
export const PAGES: Case[] = [
  ...sizes,
  ...takesQuery('page=1', 'page=1000', 'page=2&page_size=1'),
  ...refusesQuery('page=0', 'page=-1', 'page=1.5', 'page=x'),
];
