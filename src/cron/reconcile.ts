import type { Config } from '../config.ts';
import { logError, logInfo } from '../platform/log.ts';
import { ImportCopies } from '../store/imports.ts';
import { RECONCILE_CURSOR_KEY } from '../store/keys.ts';

/** The trigger in wrangler.toml that this is for. */
export const RECONCILE_CRON = '*/5 * * * *';

/** What is no longer in step by so much is looked after, beside twice the longest poll interval. */
const GRACE_MS = 60_000;
/** Bounds the work of one tick; the next goes on where it ended. */
const MAX_WOKEN = 200;

/**
 * Looks after imports by their copies in KV: wakes open ones that should have moved, those whose webhook is overdue,
 * and ended ones that are past retention, which then go. A copy whose import is gone is dropped.
 * How far it came is kept in KV. A reading that is out of date, or two ticks at once, do something again that is done
 * already, and nothing else.
 * @param now milliseconds since the epoch
 */
export async function reconcile(env: Env, config: Config, now: number): Promise<void> {
  const store = new ImportCopies(env.KV);
  const before = {
    touched: now - 2 * config.pollMaxMs - GRACE_MS,
    ended: now - config.retentionMs - GRACE_MS,
  };
  const from = await env.KV.get(RECONCILE_CURSOR_KEY);
  const { copies, cursor } = await store.behind(before, MAX_WOKEN, from);
  let dropped = 0;
  for (const copy of copies) {
    try {
      if (await env.IMPORT_JOB.getByName(copy.importId).wake()) continue;
      await store.drop(copy);
      dropped++;
    } catch (error) {
      logError('reconcile_failed', error, { import_id: copy.importId });
    }
  }
  if (cursor !== null) await env.KV.put(RECONCILE_CURSOR_KEY, cursor);
  else if (from !== null) await env.KV.delete(RECONCILE_CURSOR_KEY);
  if (copies.length > 0) logInfo('reconcile', { woken: copies.length - dropped, dropped });
}
