import { DurableObject } from 'cloudflare:workers';
import { SlidingWindow, type Admission } from '../domain/rate-limit.ts';

/**
 * Counts the requests of one client, in memory: a deploy or a crash forgets at most the last minute, and an admission
 * waits for no disk (docs/decisions/009-rate-limit.md).
 */
export class RateLimiter extends DurableObject<Env> {
  readonly #window = new SlidingWindow();
  #isHeld = false;

  /** Whether the client may make a request now, which counts if so. @param limit requests a minute, at least 1 */
  admit(limit: number): Admission {
    const admission = this.#window.admit(limit, Date.now());
    if (!this.#isHeld) this.#hold();
    return admission;
  }

  /** An idle object leaves memory after some ten seconds, unless a timer is open: one is, while anything counts. */
  #hold(): void {
    const restMs = (this.#window.emptyAt() ?? 0) - Date.now();
    this.#isHeld = restMs > 0;
    if (this.#isHeld) setTimeout(() => this.#hold(), restMs);
  }
}
