import { DurableObject } from 'cloudflare:workers';
import { configOf } from '../config.ts';
import { logInfo } from '../platform/log.ts';
import { StartsStore } from './dataset-starts.sql.ts';

/** A turn that is kept for so long is looked into: its holder may be gone. */
const STALE_MS = 30_000;
/** Stands for the import of a task that was started without one. */
const NO_IMPORT = '';

interface Waiting {
  importId: string;
  resolve: (isGranted: boolean) => void;
}

/**
 * The turn to start an import in one dataset. Upstream tasks carry no mark of ours: a start whose answer was lost is
 * found again in the dataset's task list, which can only tell when no other import starts in between. So one import
 * starts at a time, and each task that was started is claimed by its import before the next may start.
 */
export class DatasetStarts extends DurableObject<Env> {
  readonly #store: StartsStore;
  #waiting: Waiting[] = [];

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new StartsStore(ctx.storage.sql);
  }

  /**
   * Waits for the turn, first come first served.
   * @param waitMs how long at most
   * @returns whether the turn is the import's now; it then is until {@link endTurn}, over crashes too
   */
  async takeTurn(importId: string, waitMs: number): Promise<boolean> {
    const now = Date.now();
    const holder = this.#store.holder();
    if (holder === null || holder.importId === importId) {
      this.#store.setHolder(importId, now);
      return true;
    }
    if (now - holder.since > STALE_MS && (await this.#isGone(holder.importId))) {
      // Asking let others in: the turn may have gone on meanwhile, or its holder may have come back for it.
      const { importId: holderId, since } = this.#store.holder() ?? {};
      if (holderId === holder.importId && since === holder.since) this.#next(now);
      return this.takeTurn(importId, waitMs);
    }
    return new Promise((resolve) => {
      const waiting = {
        importId,
        resolve: (isGranted: boolean) => {
          clearTimeout(timer);
          resolve(isGranted);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        resolve(false);
      }, waitMs);
      this.#waiting.push(waiting);
    });
  }

  /** Gives the turn on, if the import has it. @param taskId the task that it started and claims, or null */
  async endTurn(importId: string, taskId: string | null): Promise<void> {
    const now = Date.now();
    if (taskId !== null) this.#store.claim(taskId, importId, now);
    if (this.#store.holder()?.importId === importId) this.#next(now);
    if ((await this.ctx.storage.getAlarm()) === null) await this.#armPruning(now);
  }

  /** Notes a task that is no import's, so that none adopts it. */
  async claim(taskId: string): Promise<void> {
    await this.endTurn(NO_IMPORT, taskId);
  }

  /** Of some tasks those that belong to an import, or to none for certain. */
  claimed(taskIds: readonly string[]): string[] {
    return this.#store.claimed(taskIds);
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    this.#store.prune(now - this.#retentionMs());
    if (this.#store.isEmpty()) {
      await this.ctx.storage.deleteAll();
      this.#store.close();
    } else {
      await this.#armPruning(now);
    }
  }

  #next(now: number): void {
    const next = this.#waiting.shift();
    this.#store.setHolder(next?.importId ?? null, now);
    next?.resolve(true);
  }

  async #isGone(importId: string): Promise<boolean> {
    const isStarting = await this.env.IMPORT_JOB.getByName(importId).keepsTurn();
    if (!isStarting) logInfo('stale_turn', { import_id: importId });
    return !isStarting;
  }

  async #armPruning(now: number): Promise<void> {
    await this.ctx.storage.setAlarm(now + this.#retentionMs());
  }

  /** As long as an import can be open its task must not be taken for another's. */
  #retentionMs(): number {
    const { retentionMs, importDeadlineMs } = configOf(this.env);
    return Math.max(retentionMs, importDeadlineMs);
  }
}
