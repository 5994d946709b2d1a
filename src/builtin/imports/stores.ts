import type { Conversations } from '../conversations.sql.ts';
import type { Datasets } from '../datasets.sql.ts';
import type { Files } from '../files.sql.ts';
import type { TaskIds } from '../task-ids.sql.ts';
import type { StoredTask } from '../tasks.sql.ts';

/** Where an import takes from and puts to. */
export interface ImportStores {
  files: Files;
  datasets: Datasets;
  conversations: Conversations;
  taskIds: TaskIds;
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
