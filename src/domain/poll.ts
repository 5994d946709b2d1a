/** Bounds of the poll interval, in milliseconds (`POLL_MIN_MS`, `POLL_MAX_MS`). */
export interface PollBounds {
  minMs: number;
  maxMs: number;
}

/** What the schedule looks at; times in milliseconds since the epoch. */
export interface PollHistory {
  /** The tasks that go on. */
  open: readonly { startedAt: number; progress: number | null }[];
  /** When progress last moved. */
  progressAt: number;
  /** Polls without an answer since the last good one. */
  failures: number;
}

/** The wait grows with the time the task has taken: so late, in relation, is the end of a long one seen at most. */
const GROWTH_BLIND = 0.125;
/** Where progress tells when the end is near, there is no need to look so often before it. */
const GROWTH_GUIDED = 0.5;
const JITTER = 0.1;
/** Added to the expected end: a poll just before it would cost a whole interval. */
const MARGIN_MS = 50;

/**
 * When to poll next. The interval starts at the lower bound, doubles and grows with the age of the task; where progress
 * is reported, the poll falls where the end is expected. A task that stands still is asked less and less often, and
 * failures double the interval.
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
  const interval = Math.max(wantedInterval(history, bounds, now, random), bounds.minMs);
  return now + Math.max(Math.round(Math.min(bounds.maxMs, interval)), retryAfterMs ?? 0);
}

function wantedInterval(
  history: PollHistory,
  { minMs }: PollBounds,
  now: number,
  random: number,
): number {
  const spread = 1 - JITTER + 2 * JITTER * random;
  if (history.failures > 0) return doubled(minMs, history.failures) * spread;
  const age = now - Math.min(now, ...history.open.map(({ startedAt }) => startedAt));
  const stillFor = (now - history.progressAt) * GROWTH_BLIND * spread;
  const remaining = expectedRemaining(history, now);
  if (remaining === null) {
    return Math.max(Math.min(minMs + age, 2 * minMs), age * GROWTH_BLIND) * spread;
  }
  const grown = Math.max(minMs, age * GROWTH_GUIDED) * spread;
  const guided = remaining <= grown + minMs ? remaining + MARGIN_MS : grown;
  return Math.max(guided, stillFor);
}

/** A wait that doubles with each failure, up to where every bound is passed; in the unit of the first. */
export function doubled(first: number, failures: number): number {
  return first * 2 ** Math.min(failures, 16);
}

/** Of the task that ends last; null where one does not tell. Progress is cut to whole percent: this is the latest end. */
function expectedRemaining({ open }: PollHistory, now: number): number | null {
  let latest = 0;
  for (const { startedAt, progress } of open) {
    if (progress === null || progress <= 0) return null;
    const reached = Math.min(100, progress);
    latest = Math.max(latest, ((now - startedAt) * (100 - reached)) / reached);
  }
  return open.length === 0 ? null : latest;
}
