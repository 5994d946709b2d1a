import type { Context } from 'hono';
import * as z from 'zod/mini';
import { TOO_DEEP } from '../domain/filter.ts';
import { isJsonType, isObject } from '../domain/json.ts';
import { check, firstOf } from '../domain/issue-details.ts';
import type { ValidationDetail } from '../mistral/errors.ts';
import '../platform/schema-messages.ts';
import type { Page } from './datasets.sql.ts';
import { searchRefused, type BuiltinError } from './errors.ts';

type Invalid = (details: readonly ValidationDetail[]) => BuiltinError;

/**
 * Reads a JSON body and checks it.
 * @param invalid makes the 422 of the path's family of errors
 */
export async function readBody<T>(
  c: Context,
  schema: z.ZodMiniType<T>,
  invalid: Invalid,
): Promise<T> {
  const type = c.req.header('content-type') ?? '';
  if (!isJsonType(type)) {
    const msg = 'Send the body as JSON, with content-type: application/json';
    throw invalid([{ type: 'model_attributes_type', loc: ['body'], msg }]);
  }
  const text = await c.req.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid([{ type: 'json_invalid', loc: ['body'], msg: 'The body is not JSON' }]);
  }
  return checked('body', value, schema, invalid);
}

/** Checks the query; a key given more than once is a list. */
export function readQuery<T>(c: Context, schema: z.ZodMiniType<T>, invalid: Invalid): T {
  const query = Object.entries(c.req.queries()).map(([key, values]) => [
    key,
    values.length === 1 ? values[0] : values,
  ]);
  return checked('query', Object.fromEntries(query), schema, invalid);
}

/** A path id that has to be a UUID. */
export function readUuid(c: Context, name: string, invalid: Invalid): string {
  const parsed = uuid.safeParse(c.req.param(name));
  if (parsed.success) return parsed.data;
  throw invalid([{ type: 'uuid_parsing', loc: ['path', name], msg: 'Input should be a UUID' }]);
}

function checked<T>(where: string, value: unknown, schema: z.ZodMiniType<T>, invalid: Invalid): T {
  const parsed = check(schema, value);
  if (parsed.success) return parsed.data;
  throw invalid(firstOf(parsed.error.issues).flatMap((issue) => detailsOf(where, issue)));
}

function detailsOf(where: string, issue: z.core.$ZodIssue): ValidationDetail[] {
  const loc = [where, ...issue.path.map((key) => (typeof key === 'number' ? key : String(key)))];
  if (issue.code === 'unrecognized_keys') {
    const msg = 'Extra inputs are not permitted';
    return firstOf(issue.keys).map((key) => ({ type: 'extra_forbidden', loc: [...loc, key], msg }));
  }
  return [{ type: issue.code, loc, msg: issue.message }];
}

/** A UUID in any case; ids are stored in lower case (RFC 9562, 4). */
export const uuid = z.lazy(() => z.guid().check(z.toLowerCase()));

/** A whole number in a query; an empty value is none. */
export const wholeNumber = (min: number, max: number, fallback: number) =>
  z._default(
    z.pipe(
      z.pipe(
        z.string().check(z.regex(/^-?\d{1,15}$/, 'must be a whole number')),
        z.transform(Number),
      ),
      z.int().check(z.minimum(min), z.maximum(max)),
    ),
    fallback,
  );

/** An object with any content, handed on as it was parsed: keys such as `__proto__` stay. */
export const anyObject = z.lazy(() =>
  z.custom<Record<string, unknown>>(isObject, 'must be an object'),
);

/** A filter as the JSON text that the workspace reads, where its mistakes are found. */
export function filtersText(filters: Record<string, unknown> | null): string {
  try {
    return JSON.stringify(filters);
  } catch {
    // JSON of any depth can be read, but not written.
    throw searchRefused({ status: 400, code: 'SEARCH_BAD_REQUEST', message: TOO_DEEP });
  }
}

/** `page` and `page_size` of the observability lists. */
export const pageQuery = () =>
  z.object({ page: wholeNumber(1, 1_000_000_000, 1), page_size: wholeNumber(0, 100, 50) });

/** The page that a {@link pageQuery} asks for. */
export function pageOf(query: { page: number; page_size: number }): Page {
  return { page: query.page, pageSize: query.page_size };
}
