/** Seconds before each attempt of a delivery, the first included; the default of `WEBHOOK_RETRY_S`. */
export const DEFAULT_RETRY_S: readonly number[] = [
  0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400,
];

const JITTER = 0.2;

/**
 * When the next attempt of a delivery is due.
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
): number | null {
  const delayS = scheduleS[made];
  if (delayS === undefined) return null;
  return now + Math.round(delayS * 1000 * (1 - JITTER + 2 * JITTER * random));
}
