import type { StoredTask } from '../tasks.sql.ts';
import { runFileSlice } from './file.ts';
import { runListSlice } from './list.ts';
import type { ImportStores } from './stores.ts';

/**
 * Does the next slice of an import task and returns the task as it then stands. All that a slice writes and the task's
 * new place belong in one transaction (no await between them), so that a crash repeats a slice or not, whole.
 * @param now milliseconds since the epoch
 */
export function runSlice(task: StoredTask, stores: ImportStores, now: number): StoredTask {
  switch (task.kind) {
    case 'file':
      return runFileSlice(task, stores, now);
    case 'explorer':
    case 'playground':
    case 'campaign':
    case 'dataset':
      return runListSlice(task, stores, now);
  }
}
