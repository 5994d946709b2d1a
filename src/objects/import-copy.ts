import type { ImportView } from '../domain/import-view.ts';
import type { ImportState } from '../domain/import.ts';
import { logError } from '../platform/log.ts';
import type { ImportCopies } from '../store/imports.ts';
import type { ImportStore } from './import-job.sql.ts';

/** KV takes one write a second per key. */
const INTERVAL_MS = 1000;
/** What only progress has changed is copied less often: each write costs. */
const PROGRESS_INTERVAL_MS = 10_000;

/** A copy; `expiresAt` in milliseconds since the epoch, null while the import is not terminal. */
interface CopyContent {
  state: ImportState;
  view: ImportView;
  expiresAt: number | null;
}

/** Keeps the copy of one import in KV in step with its state, coalescing changes. */
export class ImportCopy {
  readonly #store: ImportStore;
  readonly #copies: ImportCopies;

  /** By when a copy was wanted since the last one was begun. */
  #wantedBy: number | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(store: ImportStore, copies: ImportCopies) {
    this.#store = store;
    this.#copies = copies;
  }

  /** Has the copy written when its time has come; `isUrgent`: more than progress has changed. */
  want(isUrgent: boolean): void {
    if (!this.#store.isOpen) return;
    const interval = isUrgent ? INTERVAL_MS : PROGRESS_INTERVAL_MS;
    const by = this.#store.copyTimes().copiedAt + interval;
    this.#wantedBy = Math.min(this.#wantedBy ?? by, by);
    this.#store.wantCopy(by);
  }

  /** When the copy is to be written, milliseconds since the epoch; null while it is up to date. */
  dueAt(): number | null {
    return this.#store.copyTimes().dueAt;
  }

  /**
   * Writes the copy, after any that is being written.
   * @param look what to write, asked for when its turn has come; null for nothing
   */
  write(look: () => CopyContent | null): Promise<void> {
    this.#writing = this.#writing.then(() => this.#put(look()));
    return this.#writing;
  }

  async #put(content: CopyContent | null): Promise<void> {
    if (content === null) return;
    const { state, view, expiresAt } = content;
    const now = Date.now();
    // Wanted until it is there: the object may die in between, and what is not wanted is never written again.
    this.#store.beginCopy(now, now + INTERVAL_MS);
    this.#wantedBy = null;
    try {
      await this.#copies.put(state.clientId, view, state.status, expiresAt);
      if (this.#store.isOpen) this.#store.endCopy(this.#wantedBy);
    } catch (error) {
      logError('import_copy_failed', error, { import_id: state.id });
    }
  }

  async delete(state: ImportState, view: ImportView): Promise<void> {
    await this.#copies.delete(state.clientId, view);
  }
}
