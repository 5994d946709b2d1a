/** Bounds of the poll interval, in milliseconds (`POLL_MIN_MS`, `POLL_MAX_MS`). */
export interface PollBounds {
  minMs: number;
  maxMs: number;
}

/** What the schedule looks at; times in milliseconds since the epoch. */
export interface PollHistory {
  createdAt: number;
  progress: number;
  polls: number;
  /** Polls without an answer since the last good one. */
  failures: number;
}

const GROWTH = 1.5;
const JITTER = 0.1;

/**
 * When to poll next. The interval starts at the lower bound and grows with each poll; where progress is
 * reported, it is cut so that the next poll falls where the end is expected. Failures double it instead.
 * @param retryAfterMs what the upstream asked for with `Retry-After`; never polled before it
 * @param random 0 (inclusive) to 1 (exclusive); spreads polls of imports that began together
 * @returns milliseconds since the epoch
 */
export function nextPollAt(
  history: PollHistory,
  bounds: PollBounds,
  retryAfterMs: number | null,
  now: number,
  random: number,
): number {
  const grown =
    history.failures > 0
      ? bounds.minMs * 2 ** Math.min(history.failures, 16)
      : bounds.minMs * GROWTH ** Math.min(history.polls, 32);
  const interval = Math.min(bounds.maxMs, grown, expectedRemaining(history, now));
  const spread = interval * (1 - JITTER + 2 * JITTER * random);
  const bounded = Math.min(bounds.maxMs, Math.max(bounds.minMs, Math.round(spread)));
  return now + Math.max(bounded, retryAfterMs ?? 0);
}

function expectedRemaining(history: PollHistory, now: number): number {
  if (history.failures > 0 || history.progress <= 0 || history.progress >= 100) return Infinity;
  return ((now - history.createdAt) * (100 - history.progress)) / history.progress;
}
