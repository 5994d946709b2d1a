/** A `rate_limit` counts the requests of so long a time: of any minute, not of those of the clock. */
export const RATE_WINDOW_MS = 60_000;

/** What a limit says to one request; `retryAfterMs` until one would be admitted if no other comes before it. */
export type Admission = { ok: true } | { ok: false; retryAfterMs: number };

/**
 * The requests of one client that were admitted within the last minute. Exact: no minute, wherever it begins, has
 * more of them than the limit. Requests of one millisecond are one entry, so that any limit takes 60,000 at most.
 */
export class SlidingWindow {
  #moments: { at: number; count: number }[] = [];
  /** The entries before this one are over. They are cut off together, as to shift a list takes its length. */
  #first = 0;
  #count = 0;

  /**
   * Admits a request, and counts it, if fewer than `limit` were admitted in the minute that ends now. What is refused
   * does not count.
   * @param limit requests a minute; may be another one each time
   * @param now milliseconds since the epoch; a clock that was put back stands still until it has caught up
   */
  admit(limit: number, now: number): Admission {
    const latest = this.#moments.at(-1);
    const at = Math.max(now, latest?.at ?? now);
    this.#forget(at);
    if (this.#count >= limit) return { ok: false, retryAfterMs: this.#roomAt(limit) - now };
    if (latest?.at === at) latest.count += 1;
    else this.#moments.push({ at, count: 1 });
    this.#count += 1;
    return { ok: true };
  }

  /** When nothing that was admitted counts any more; null before the first. */
  emptyAt(): number | null {
    const latest = this.#moments.at(-1);
    return latest === undefined ? null : latest.at + RATE_WINDOW_MS;
  }

  #forget(now: number): void {
    for (let oldest = this.#moments[this.#first]; oldest !== undefined;) {
      if (oldest.at + RATE_WINDOW_MS > now) break;
      this.#count -= oldest.count;
      this.#first += 1;
      oldest = this.#moments[this.#first];
    }
    if (this.#first * 2 > this.#moments.length) {
      this.#moments = this.#moments.slice(this.#first);
      this.#first = 0;
    }
  }

  /** When so many entries will be over that fewer than `limit` count. */
  #roomAt(limit: number): number {
    let left = this.#count;
    for (let index = this.#first; ; index++) {
      const moment = this.#moments[index];
      if (moment === undefined) throw new RangeError('a limit is at least 1');
      left -= moment.count;
      if (left < limit) return moment.at + RATE_WINDOW_MS;
    }
  }
}
