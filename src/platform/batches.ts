import { logError } from './log.ts';
import { pause } from './pause.ts';

/** How a {@link Batches} works; times in milliseconds. */
export interface BatchSettings {
  /** The name of the log line for what could not be handed over. */
  failure: string;
  /** So long is waited for more, from the first item on. */
  gatherMs: number;
  /** So many items wait under one name at most: with the last of them all are handed over at once. */
  maxWaiting: number;
  /** The pauses before a hand-over is tried again. */
  retryMs: readonly number[];
}

interface Waiting<Item> {
  items: Item[];
  /** Milliseconds since the epoch. */
  since: number;
}

/** A flush that is so late died with its request; the next item sets off another. */
const OVERDUE_MS = 1000;

/**
 * Gathers items under a name in this isolate's memory, and hands over at once what came within a short time. The
 * request that brings the first item carries the hand-over; the others only add theirs, because a request must not wait
 * for another's promise on Workers.
 */
export class Batches<Item> {
  readonly #settings: BatchSettings;
  readonly #waiting = new Map<string, Waiting<Item>>();

  constructor(settings: BatchSettings) {
    this.#settings = settings;
  }

  /**
   * Adds an item.
   * @param handOver may be called again with the same items after it failed
   * @returns the hand-over, when this item sets one off; it never rejects
   */
  add(name: string, item: Item, handOver: (items: Item[]) => Promise<void>): Promise<void> | null {
    const { gatherMs, maxWaiting } = this.#settings;
    const now = Date.now();
    const known = this.#waiting.get(name);
    const waiting = known ?? { items: [], since: now };
    if (known === undefined) this.#waiting.set(name, waiting);
    waiting.items.push(item);
    if (waiting.items.length >= maxWaiting) return this.#flush(name, waiting, handOver);
    if (known === undefined) {
      return pause(gatherMs).then(() => this.#flush(name, waiting, handOver));
    }
    const isOverdue = now > waiting.since + gatherMs + OVERDUE_MS;
    return isOverdue ? this.#flush(name, waiting, handOver) : null;
  }

  async #flush(
    name: string,
    waiting: Waiting<Item>,
    handOver: (items: Item[]) => Promise<void>,
  ): Promise<void> {
    // Another flush may have taken these already, and newer items may be waiting for one of their own.
    if (this.#waiting.get(name) !== waiting) return;
    this.#waiting.delete(name);
    for (const retryMs of [...this.#settings.retryMs, null]) {
      try {
        await handOver(waiting.items);
        return;
      } catch (error) {
        if (retryMs === null) {
          logError(this.#settings.failure, error, { name, items: waiting.items.length });
        } else {
          await pause(retryMs);
        }
      }
    }
  }
}
