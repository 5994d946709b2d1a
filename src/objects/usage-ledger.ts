import { DurableObject } from 'cloudflare:workers';
import { configOf } from '../config.ts';
import {
  FOLDED_ID_MS,
  nextFoldAt,
  usageReport,
  type LedgerRow,
  type UsageReport,
} from '../domain/usage.ts';
import { logError } from '../platform/log.ts';
import { UsageStore } from './usage-ledger.sql.ts';

const RECENT_ROWS = 100;
/** Bounds one transaction; what is left follows at once, in the next alarm. */
const MAX_FOLDED_ROWS = 10_000;
/** When folding is tried again after it failed, or the object died in it. */
const FALLBACK_ALARM_MS = 60_000;

/**
 * What one client used: a row an answered chat, and daily totals of what is older than `RETENTION_DAYS`. When rows are
 * folded and what a report holds is decided in `domain/usage`.
 */
export class UsageLedger extends DurableObject<Env> {
  readonly #store: UsageStore;
  #lastFoldAt = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new UsageStore(ctx.storage.sql);
  }

  /** Takes rows over, all or none; a row that came before is not counted again. */
  async add(rows: LedgerRow[]): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      for (const row of rows) this.#store.add(row);
    });
    const due = this.#nextFoldAt();
    const armed = await this.ctx.storage.getAlarm();
    if (due !== null && (armed === null || due < armed)) await this.ctx.storage.setAlarm(due);
  }

  /**
   * What was used since a time (milliseconds since the epoch). Of a day that was folded it is not known what came when:
   * it counts whole when its last chat is in.
   */
  report(since: number): UsageReport {
    return usageReport(since, this.#store.days(since), this.#store.recent(since, RECENT_ROWS));
  }

  override async alarm(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + FALLBACK_ALARM_MS);
    try {
      const isMore = this.#fold(Date.now());
      const next = isMore ? Date.now() : this.#nextFoldAt();
      if (next === null) await this.ctx.storage.deleteAlarm();
      else await this.ctx.storage.setAlarm(next);
    } catch (error) {
      // A throw would use up the platform's retries; the fallback alarm comes again without end.
      logError('usage_fold_failed', error, { client_id: this.ctx.id.name ?? '' });
    }
  }

  /** @returns whether there is more to fold */
  #fold(now: number): boolean {
    const before = now - configOf(this.env).retentionMs;
    this.#lastFoldAt = now;
    return this.ctx.storage.transactionSync(() => {
      this.#store.forgetFolded(now - FOLDED_ID_MS);
      return this.#store.fold(before, MAX_FOLDED_ROWS, now);
    });
  }

  #nextFoldAt(): number | null {
    return nextFoldAt(this.#store.age(), configOf(this.env).retentionMs, this.#lastFoldAt);
  }
}
