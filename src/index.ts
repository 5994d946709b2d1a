import { configOf } from './config.ts';
import { reconcile } from './cron/reconcile.ts';
import { app } from './http/app.ts';

export { Workspace } from './builtin/workspace.ts';
export { DatasetStarts } from './objects/dataset-starts.ts';
export { Hook } from './objects/hook.ts';
export { ImportJob } from './objects/import-job.ts';
export { RateLimiter } from './objects/rate-limiter.ts';
export { Registry } from './objects/registry.ts';
export { UsageLedger } from './objects/usage-ledger.ts';

export default {
  fetch: app.fetch,
  scheduled: (controller, env) => reconcile(env, configOf(env), controller.scheduledTime),
} satisfies ExportedHandler<Env>;
