import type { ImportView } from '../domain/import-view.ts';
import type { ImportState } from '../domain/import.ts';
import { logError } from '../platform/log.ts';
import type { ImportCopies } from '../store/imports.ts';
import type { ImportStore } from './import-job.sql.ts';

/** KV takes one write a second per key. */
const INTERVAL_MS = 1000;
/** What only progress has changed is copied less often: each write costs. */
const PROGRESS_INTERVAL_MS = 10_000;

/** Keeps the copy of one import in KV in step with its state, coalescing changes. */
export class ImportCopy {
  readonly #store: ImportStore;
  readonly #copies: ImportCopies;

  constructor(store: ImportStore, copies: ImportCopies) {
    this.#store = store;
    this.#copies = copies;
  }

  /** Has the copy written when its time has come; `isUrgent`: more than progress has changed. */
  want(isUrgent: boolean): void {
    if (!this.#store.isOpen) return;
    const interval = isUrgent ? INTERVAL_MS : PROGRESS_INTERVAL_MS;
    this.#store.wantCopy(this.#store.copyTimes().copiedAt + interval);
  }

  /** When the copy is to be written, milliseconds since the epoch; null while it is up to date. */
  dueAt(): number | null {
    return this.#store.copyTimes().dueAt;
  }

  /**
   * Writes the copy.
   * @param expiresAt milliseconds since the epoch; null while the import is not terminal
   */
  async write(state: ImportState, view: ImportView, expiresAt: number | null): Promise<void> {
    // Marked before the write: what changes while it is under way wants another one.
    this.#store.markCopied(Date.now());
    try {
      await this.#copies.put(state.clientId, view, state.status, expiresAt);
    } catch (error) {
      this.want(true);
      logError('import_copy_failed', error, { import_id: state.id });
    }
  }

  async delete(state: ImportState, view: ImportView): Promise<void> {
    await this.#copies.delete(state.clientId, view);
  }
}
