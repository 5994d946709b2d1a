import type { Config } from '../config.ts';
import { logInfo } from '../platform/log.ts';
import { ImportCopies } from '../store/imports.ts';

/** What is no longer in step by so much is looked after, beside twice the longest poll interval. */
const GRACE_MS = 60_000;
/** Bounds the work of one tick. */
const MAX_WOKEN = 200;

/** The trigger in wrangler.toml that this is for. */
export const RECONCILE_CRON = '*/5 * * * *';

/** Wakes imports that should have moved: those whose copy is not terminal and was not touched for too long. */
export async function reconcile(env: Env, config: Config, now: number): Promise<void> {
  let woken = 0;
  for await (const id of new ImportCopies(env.KV).stalled(now - 2 * config.pollMaxMs - GRACE_MS)) {
    await env.IMPORT_JOB.getByName(id).wake();
    if (++woken === MAX_WOKEN) break;
  }
  if (woken > 0) logInfo('reconcile', { woken });
}
