import type * as z from 'zod/mini';
import type { FailureDetail } from './failures.ts';
import { jsonPointer } from './json-pointer.ts';

/** What a schema found, each mistake at its own place: an unknown field is one there, not at its parent's. */
export function detailsOf(issues: readonly z.core.$ZodIssue[]): FailureDetail[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') {
      return [{ path: jsonPointer(issue.path), message: issue.message }];
    }
    return issue.keys.map((key) => ({
      path: jsonPointer([...issue.path, key]),
      message: `Unknown field: ${key}`,
    }));
  });
}
