import { logError } from '../platform/log.ts';
import { runSlice } from './imports/run.ts';
import type { ImportStores } from './imports/stores.ts';
import type { Tasks } from './tasks.sql.ts';

/** After a fault of our own the next slice waits, so that a task that cannot go on does not spin. */
const PAUSE_AFTER_FAULT_MS = 5000;

/** Runs what takes long in a workspace, a slice per alarm, so that it goes on after a restart with no request made. */
export class Runner {
  readonly #storage: DurableObjectStorage;
  readonly #tasks: Tasks;
  readonly #stores: ImportStores;

  constructor(storage: DurableObjectStorage, tasks: Tasks, stores: ImportStores) {
    this.#storage = storage;
    this.#tasks = tasks;
    this.#stores = stores;
  }

  /** Sees to it that the alarm goes on with what is running. */
  wake(): Promise<void> {
    return this.#storage.setAlarm(Date.now());
  }

  async alarm(): Promise<void> {
    if (this.#isIdle()) return;
    // Armed before the work: whatever happens in it, the rest goes on.
    await this.#storage.setAlarm(Date.now() + PAUSE_AFTER_FAULT_MS);
    if (!this.#importSlice()) return;
    if (this.#isIdle()) await this.#storage.deleteAlarm();
    else await this.wake();
  }

  #isIdle(): boolean {
    return this.#tasks.nextRunning() === null;
  }

  /** True when it went well. */
  #importSlice(): boolean {
    const task = this.#tasks.nextRunning();
    if (task === null) return true;
    try {
      this.#storage.transactionSync(() => {
        this.#tasks.save(runSlice(task, this.#stores, Date.now()));
      });
      return true;
    } catch (error) {
      logError('import_slice_failed', error, { task_id: task.id });
      // To the end of the queue, or no other task would ever have its turn.
      this.#tasks.save({ ...task, updatedAt: Date.now() });
      return false;
    }
  }
}
