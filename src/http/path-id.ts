import * as z from 'zod/mini';
import { Refusal } from '../domain/failures.ts';
import type { AppContext } from './context.ts';

const uuid = z.lazy(() => z.guid());

/**
 * An id in the path, where the upstream's are UUIDs; nobody has to be asked about another.
 * @param what the thing is, such as `event`
 * @throws {Refusal} 404 for what cannot be the id of one
 */
export function uuidOf(c: AppContext, parameter: string, what: string): string {
  const id = uuid.safeParse(c.req.param(parameter));
  if (id.success) return id.data;
  throw new Refusal({ code: 'not_found', message: `There is no such ${what}.` });
}
