import { Refusal } from '../domain/failures.ts';
import type { StartResult } from '../objects/import-calls.ts';
import type { AppContext } from './context.ts';
import { failureRefusal } from './upstream-refusal.ts';

/**
 * Answers what came of a start: 202 with the import.
 * @param id the import's
 * @throws {Refusal} what the upstream refused, or `idempotency_conflict`
 */
export function answerStart(c: AppContext, id: string, result: StartResult): Response {
  switch (result.kind) {
    case 'accepted':
      return c.body(result.view, 202, {
        'content-type': 'application/json',
        location: `/imports/${id}`,
        ...(result.isReplayed && { 'idempotency-replayed': 'true' }),
      });
    case 'refused':
      throw failureRefusal(result.failure);
    case 'conflict':
      throw conflictingKey();
  }
}

/** The same `Idempotency-Key` came with another request. */
export function conflictingKey(): Refusal {
  const message = 'This Idempotency-Key was used with another request; take a new one.';
  return new Refusal({ code: 'idempotency_conflict', message });
}
