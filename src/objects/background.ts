import { logError } from '../platform/log.ts';

/** Work that failed on our side is taken up again after this. */
const RETRY_MS = 1000;

/**
 * Work of an object beside its alarm, one at a time of each kind: waiting for a turn or for the upstream must hold up
 * neither the other nor deliveries, as it would in an alarm.
 */
export class Background<Kind extends string> {
  readonly #ctx: DurableObjectState;
  readonly #done: (soonest: number) => Promise<void>;
  readonly #busy = new Set<Kind>();

  /** @param done called after each piece of work; after a failure nothing is to be done before `soonest` */
  constructor(ctx: DurableObjectState, done: (soonest: number) => Promise<void>) {
    this.#ctx = ctx;
    this.#done = done;
  }

  isBusy(kind: Kind): boolean {
    return this.#busy.has(kind);
  }

  /** Begins work, unless some of its kind is going on. */
  run(kind: Kind, work: () => Promise<void>): void {
    if (this.#busy.has(kind)) return;
    this.#busy.add(kind);
    this.#ctx.waitUntil(this.#run(kind, work));
  }

  async #run(kind: Kind, work: () => Promise<void>): Promise<void> {
    let soonest = 0;
    try {
      await work();
    } catch (error) {
      logError(`${kind}_failed`, error, { object: this.#ctx.id.name ?? '' });
      soonest = Date.now() + RETRY_MS;
    }
    this.#busy.delete(kind);
    await this.#done(soonest);
  }
}
