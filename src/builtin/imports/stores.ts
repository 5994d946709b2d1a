import type { Datasets } from '../datasets.sql.ts';
import type { Events } from '../events.sql.ts';
import type { Files } from '../files.sql.ts';
import type { StoredTask } from '../tasks.sql.ts';

/** Where an import takes from and puts to. */
export interface ImportStores {
  files: Files;
  datasets: Datasets;
  events: Events;
}

/** Ends a task as failed and takes back what it had added: there are no half imports. */
export function failTask(
  task: StoredTask,
  datasets: Datasets,
  message: string,
  now: number,
): StoredTask {
  datasets.deleteRecordsOfTask(task.datasetId, task.id);
  return { ...task, status: 'FAILED', message, updatedAt: now };
}
