import { configOf } from './config.ts';
import { reconcile, RECONCILE_CRON } from './cron/reconcile.ts';
import { tick } from './cron/tick.ts';
import { app } from './http/app.ts';

export { Workspace } from './builtin/workspace.ts';
export { DatasetStarts } from './objects/dataset-starts.ts';
export { Hook } from './objects/hook.ts';
export { ImportJob } from './objects/import-job.ts';
export { RateLimiter } from './objects/rate-limiter.ts';
export { Registry } from './objects/registry.ts';
export { Schedule } from './objects/schedule.ts';
export { UsageLedger } from './objects/usage-ledger.ts';

export default {
  fetch: app.fetch,
  scheduled: ({ cron, scheduledTime }, env) =>
    cron === RECONCILE_CRON
      ? reconcile(env, configOf(env), scheduledTime)
      : tick(env, scheduledTime),
} satisfies ExportedHandler<Env>;
