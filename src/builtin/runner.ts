import type { Config } from '../config.ts';
import { logError } from '../platform/log.ts';
import { runSlice } from './imports/run.ts';
import type { ImportStores } from './imports/stores.ts';
import { judgeSlice, saveSlice, type CampaignStores } from './judging/campaign.ts';
import type { Tasks } from './tasks.sql.ts';

/** After a fault of our own the next slice waits, so that a task that cannot go on does not spin. */
const PAUSE_AFTER_FAULT_MS = 5000;

/**
 * Runs what takes long in a workspace: import tasks and campaigns, a slice of each per alarm, so that they go on after
 * a restart with no request made. While a campaign waits for its judge, imports go on.
 */
export class Runner {
  readonly #storage: DurableObjectStorage;
  readonly #tasks: Tasks;
  readonly #imports: ImportStores;
  readonly #campaigns: CampaignStores;
  readonly #config: () => Config;
  #woken = Promise.withResolvers<void>();

  /** @param config is read when a judge is needed */
  constructor(
    storage: DurableObjectStorage,
    tasks: Tasks,
    imports: ImportStores,
    campaigns: CampaignStores,
    config: () => Config,
  ) {
    this.#storage = storage;
    this.#tasks = tasks;
    this.#imports = imports;
    this.#campaigns = campaigns;
    this.#config = config;
  }

  /** Sees to it that what is running goes on. */
  wake(): Promise<void> {
    this.#woken.resolve();
    return this.#storage.setAlarm(Date.now());
  }

  async alarm(): Promise<void> {
    if (this.#isIdle()) return;
    // Armed before the work: whatever happens in it, the rest goes on.
    await this.#storage.setAlarm(Date.now() + PAUSE_AFTER_FAULT_MS);
    const turn = { isOver: false };
    const judging = this.#campaignSlice().finally(() => (turn.isOver = true));
    let isWell = this.#importSlice();
    while (isWell && !turn.isOver) {
      this.#woken = Promise.withResolvers();
      const hasTask = this.#tasks.nextRunning() !== null;
      // A pause lets requests have their turn, too.
      await Promise.race([judging, hasTask ? scheduler.wait(0) : this.#woken.promise]);
      if (!turn.isOver) isWell = this.#importSlice();
    }
    if (!(await judging) || !isWell) return;
    if (this.#isIdle()) await this.#storage.deleteAlarm();
    else await this.wake();
  }

  #isIdle(): boolean {
    return this.#tasks.nextRunning() === null && this.#campaigns.campaigns.nextRunning() === null;
  }

  /** True when it went well. */
  #importSlice(): boolean {
    const task = this.#tasks.nextRunning();
    if (task === null) return true;
    try {
      this.#storage.transactionSync(() => {
        this.#tasks.save(runSlice(task, this.#imports, Date.now()));
      });
      return true;
    } catch (error) {
      logError('import_slice_failed', error, { task_id: task.id });
      // To the end of the queue, or no other task would ever have its turn.
      this.#tasks.save({ ...task, updatedAt: Date.now() });
      return false;
    }
  }

  /** True when it went well. */
  async #campaignSlice(): Promise<boolean> {
    const { campaigns } = this.#campaigns;
    const campaign = campaigns.nextRunning();
    if (campaign === null) return true;
    try {
      const slice = await judgeSlice(campaign, this.#campaigns, this.#config());
      this.#storage.transactionSync(() => saveSlice(slice, this.#campaigns, Date.now()));
      return true;
    } catch (error) {
      logError('campaign_slice_failed', error, { campaign_id: campaign.id });
      campaigns.save({ ...campaign, updatedAt: Date.now() });
      return false;
    }
  }
}
