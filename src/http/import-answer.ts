import { Refusal } from '../domain/failures.ts';
import type { StartResult } from '../objects/import-calls.ts';
import type { AppContext } from './context.ts';
import { withPlace } from './search-filter.ts';
import { failureRefusal } from './upstream-refusal.ts';

/**
 * Answers what came of a start: 202 with the import.
 * @param id the import's
 * @param where the request's filter, to tell where in it the upstream found a mistake
 * @throws {Refusal} what the upstream refused, or `idempotency_conflict`
 */
export function answerStart(
  c: AppContext,
  id: string,
  result: StartResult,
  where: unknown = null,
): Response {
  switch (result.kind) {
    case 'accepted':
      return c.body(result.view, 202, {
        'content-type': 'application/json',
        location: `/imports/${id}`,
        ...(result.isReplayed && { 'idempotency-replayed': 'true' }),
      });
    case 'refused':
      throw withPlace(failureRefusal(result.failure), where);
    case 'conflict':
      throw conflictingKey();
  }
}

/** The same `Idempotency-Key` came with another request. */
export function conflictingKey(): Refusal {
  const message = 'This Idempotency-Key was used with another request; take a new one.';
  return new Refusal({ code: 'idempotency_conflict', message });
}
