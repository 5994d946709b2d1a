import { RpcTarget } from 'cloudflare:workers';
import type { Campaigns } from '../campaigns.sql.ts';
import type { Conversations } from '../conversations.sql.ts';
import type { Datasets, Page } from '../datasets.sql.ts';
import { campaignInput } from '../imports/campaign.ts';
import type { ImportStores } from '../imports/stores.ts';
import type { Judges } from '../judges.sql.ts';
import type { TaskIds } from '../task-ids.sql.ts';
import type { StoredTask, Tasks } from '../tasks.sql.ts';

/** What is to be imported. An id that a list holds twice is imported once. */
export type ImportRequest =
  | { kind: 'file'; fileId: string }
  | { kind: 'campaign'; campaignId: string }
  | { kind: 'explorer' | 'playground' | 'dataset'; ids: readonly string[] };

/** The task that was started, or what there is not. */
export type ImportStart = { task: StoredTask } | { missing: 'dataset' | 'campaign' };

/** The import tasks of a workspace, over RPC. */
export class TasksApi extends RpcTarget {
  readonly #tasks: Tasks;
  readonly #taskIds: TaskIds;
  readonly #datasets: Datasets;
  readonly #conversations: Conversations;
  readonly #campaigns: Campaigns;
  readonly #judges: Judges;
  readonly #wake: () => Promise<void>;

  /** @param wake sees to it that the workspace's alarm goes on with what is running */
  constructor(
    tasks: Tasks,
    { taskIds, datasets, conversations }: ImportStores,
    campaigns: Campaigns,
    judges: Judges,
    wake: () => Promise<void>,
  ) {
    super();
    this.#tasks = tasks;
    this.#taskIds = taskIds;
    this.#datasets = datasets;
    this.#conversations = conversations;
    this.#campaigns = campaigns;
    this.#judges = judges;
    this.#wake = wake;
  }

  async start(datasetId: string, request: ImportRequest): Promise<ImportStart> {
    if (this.#datasets.get(datasetId) === null) return { missing: 'dataset' };
    const task = this.#create(datasetId, request);
    if (task === null) return { missing: 'campaign' };
    await this.#wake();
    return { task };
  }

  get(datasetId: string, taskId: string): StoredTask | null {
    return this.#tasks.get(datasetId, taskId);
  }

  /** Null when there is no such dataset. */
  list(datasetId: string, page: Page): { tasks: StoredTask[]; count: number } | null {
    return this.#datasets.get(datasetId) && this.#tasks.list(datasetId, page);
  }

  #create(datasetId: string, request: ImportRequest): StoredTask | null {
    const now = Date.now();
    const { kind } = request;
    if (kind === 'file') return this.#tasks.create(datasetId, { kind, input: request.fileId }, now);
    if (kind !== 'campaign') {
      const task = this.#tasks.create(datasetId, { kind, input: '' }, now);
      this.#taskIds.add(task.id, this.#distinct(request.ids, kind));
      return task;
    }
    const campaign = this.#campaigns.get(request.campaignId);
    if (campaign === null) return null;
    const { id, judgeId, nbEvents } = campaign;
    const input = campaignInput({
      id: judgeId,
      name: this.#judges.get(judgeId)?.definition.name ?? '',
    });
    const task = this.#tasks.create(datasetId, { kind, input }, now);
    const seqs = this.#campaigns.selected(id, 0, nbEvents).map(({ seq }) => seq);
    this.#taskIds.add(task.id, this.#conversations.idsOf(seqs));
    return task;
  }

  /** A chat may be named by its completion's id and by its event's: both become the latter. */
  #distinct(ids: readonly string[], kind: 'explorer' | 'playground' | 'dataset'): string[] {
    const named = kind === 'playground' ? this.#conversations.eventIdsOf(ids) : ids;
    return [...new Set(named)];
  }
}
