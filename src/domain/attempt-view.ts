import { iso } from './time.ts';

/** One attempt of a delivery as the API shows it; `attempt` counts from 1, `at` is ISO 8601 in UTC. */
export interface AttemptView {
  /** `webhook-id` of the delivery. */
  id: string;
  event: string;
  attempt: number;
  at: string;
  duration_ms: number;
  /** HTTP status of the receiver, null when there was none. */
  status: number | null;
  error: null | 'dns' | 'connect' | 'timeout' | 'http' | 'blocked';
  response_excerpt: string;
}

/** @param attempt times in milliseconds (since the epoch) */
export function attemptView(
  attempt: Omit<AttemptView, 'at' | 'duration_ms' | 'response_excerpt'> & {
    at: number;
    durationMs: number;
    responseExcerpt: string;
  },
): AttemptView {
  return {
    id: attempt.id,
    event: attempt.event,
    attempt: attempt.attempt,
    at: iso(attempt.at),
    duration_ms: attempt.durationMs,
    status: attempt.status,
    error: attempt.error,
    response_excerpt: attempt.responseExcerpt,
  };
}
