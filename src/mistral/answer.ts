import type { FailureCode } from '../domain/failures.ts';

/** An answer as it came. */
export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** An answer that is no success, or none at all. */
export interface UpstreamFailure {
  /** HTTP status, or null when there was no answer that could be read. */
  status: number | null;
  /** What it is to a client that waits for it. */
  code: FailureCode;
  message: string;
  /** The beginning of the answer's body. */
  body: string;
  /** What the upstream asked for with `Retry-After`. */
  retryAfterMs: number | null;
  /** Null when nothing was answered. */
  answer: RawAnswer | null;
}

export type UpstreamResult<T> = { ok: true; value: T } | { ok: false; failure: UpstreamFailure };

/**
 * Whether a failure is what the same request will get again: a redirect, a 4xx other than 408 and 429, or an answer that
 * is too large.
 */
export function isForGood({ status, code }: Pick<UpstreamFailure, 'status' | 'code'>): boolean {
  if (status === null) return code === 'invalid_request';
  return status < 500 && status !== 408 && status !== 429;
}
