/** Seconds before each attempt of a delivery, the first included; the default of `WEBHOOK_RETRY_S`. */
export const DEFAULT_RETRY_S: readonly number[] = [
  0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400,
];

const JITTER = 0.2;

/** What a receiver asked for with `Retry-After`. */
export interface RetryRequest {
  afterMs: number;
  /** Milliseconds since the epoch; what was asked for counts up to here. */
  latest: number;
}

/**
 * When the next attempt of a delivery is due. A receiver can put it off with `Retry-After`, up to the delay after the
 * next one, so that it cannot hold a webhook for ever.
 * @param made attempts made so far; 0 before the first
 * @param scheduleS seconds before each attempt
 * @param now milliseconds since the epoch
 * @param random 0 (inclusive) to 1 (exclusive); spreads the delay by ±20 % so that receivers are not hit in step
 * @returns milliseconds since the epoch, or null when the schedule is used up
 */
export function nextAttemptAt(
  made: number,
  scheduleS: readonly number[],
  now: number,
  random: number,
  request: RetryRequest | null = null,
): number | null {
  const delayS = scheduleS[made];
  if (delayS === undefined) return null;
  const planned = now + Math.round(delayS * 1000 * (1 - JITTER + 2 * JITTER * random));
  if (request === null) return planned;
  const longestMs = (scheduleS[made + 1] ?? delayS) * 1000;
  const asked = Math.min(now + Math.min(request.afterMs, longestMs), request.latest);
  return Math.max(planned, asked);
}
