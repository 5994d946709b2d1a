import * as z from 'zod/mini';
import type { FailureDetail } from './failures.ts';
import { jsonPointer } from './json-pointer.ts';

/** So many mistakes are told; who has made them by the thousand has made one. */
const MAX_DETAILS = 100;

/** What a schema makes of a value, or what is wrong with that. */
type Checked<Value> =
  | { success: true; data: Value; error?: undefined }
  | { success: false; error: { issues: readonly z.core.$ZodIssue[] } };

/**
 * Checks a value. zod hands mistakes up as arguments, of which the stack takes some hundred thousand: a value with more
 * has one mistake, that they are too many.
 */
export function check<Schema extends z.core.$ZodType>(
  schema: Schema,
  value: unknown,
): Checked<z.output<Schema>> {
  try {
    return z.safeParse(schema, value);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    const message = 'has more mistakes than can be told';
    const issue = { code: 'custom' as const, path: [], message, input: undefined };
    return { success: false, error: { issues: [issue] } };
  }
}

/** The first mistakes of a list, as many as are told. */
export function firstOf<Mistake>(mistakes: readonly Mistake[]): Mistake[] {
  return mistakes.slice(0, MAX_DETAILS);
}

/**
 * What a schema found, each mistake at its own place: an unknown field is one there, not at its parent's. Of many the
 * first.
 */
export function detailsOf(issues: readonly z.core.$ZodIssue[]): FailureDetail[] {
  const details = firstOf(issues).flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') {
      return [{ path: jsonPointer(issue.path), message: issue.message }];
    }
    return firstOf(issue.keys).map((key) => ({
      path: jsonPointer([...issue.path, key]),
      message: `Unknown field: ${key}`,
    }));
  });
  return firstOf(details);
}
