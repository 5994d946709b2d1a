/** What came of one attempt to get an answer; `status` is null when no connection came about. */
export interface AttemptResult {
  status: number | null;
  /** What the answer's `Retry-After` asks for; null when it has none. */
  retryAfterMs: number | null;
}

const MAX_RETRIES = 2;
const RETRIED = new Set([502, 503, 504]);
/** A client waits so long for an answer; a longer pause is its own to make. */
const MAX_RETRY_AFTER_MS = 5000;
const BACKOFF_MS = 100;

/**
 * Whether to ask once more, before a byte of an answer has gone to the client: after a failed connection, a 502, 503 or
 * 504, or a 429 that asks for no more than five seconds; twice at the most, and within the time for headers.
 * @param made attempts made, 1 after the first
 * @param leftMs what is left of the time for headers
 * @param random 0 (inclusive) to 1 (exclusive), so that clients do not come back in step
 * @returns milliseconds to wait, or null when the answer stands
 */
export function retryDelay(
  { status, retryAfterMs }: AttemptResult,
  made: number,
  leftMs: number,
  random: number,
): number | null {
  if (made > MAX_RETRIES) return null;
  const delay = delayAfter(status, retryAfterMs, BACKOFF_MS * 2 ** (made - 1) * (0.5 + random));
  return delay === null || delay >= leftMs ? null : delay;
}

function delayAfter(
  status: number | null,
  retryAfterMs: number | null,
  backoffMs: number,
): number | null {
  if (status === 429) {
    return retryAfterMs !== null && retryAfterMs <= MAX_RETRY_AFTER_MS ? retryAfterMs : null;
  }
  if (status !== null && !RETRIED.has(status)) return null;
  if (retryAfterMs === null) return Math.round(backoffMs);
  return retryAfterMs <= MAX_RETRY_AFTER_MS ? Math.max(retryAfterMs, Math.round(backoffMs)) : null;
}
