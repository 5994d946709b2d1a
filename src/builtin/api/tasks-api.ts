import { RpcTarget } from 'cloudflare:workers';
import type { Datasets, Page } from '../datasets.sql.ts';
import type { StoredTask, TaskInput, Tasks } from '../tasks.sql.ts';

/** The import tasks of a workspace, over RPC. */
export class TasksApi extends RpcTarget {
  readonly #tasks: Tasks;
  readonly #datasets: Datasets;
  readonly #wake: () => Promise<void>;

  /** @param wake sees to it that the workspace's alarm goes on with what is running */
  constructor(tasks: Tasks, datasets: Datasets, wake: () => Promise<void>) {
    super();
    this.#tasks = tasks;
    this.#datasets = datasets;
    this.#wake = wake;
  }

  /** Starts an import; null when there is no such dataset. */
  async start(datasetId: string, input: TaskInput): Promise<StoredTask | null> {
    if (this.#datasets.get(datasetId) === null) return null;
    const task = this.#tasks.create(datasetId, input, Date.now());
    await this.#wake();
    return task;
  }

  get(datasetId: string, taskId: string): StoredTask | null {
    return this.#tasks.get(datasetId, taskId);
  }

  /** Null when there is no such dataset. */
  list(datasetId: string, page: Page): { tasks: StoredTask[]; count: number } | null {
    return this.#datasets.get(datasetId) && this.#tasks.list(datasetId, page);
  }
}
