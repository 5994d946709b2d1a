// What the examples of several operations have in common.

export const EVENT_ID = '7c1f5e0a-3b54-4a4e-9f0c-2f6f0c1f8a11';
export const DATASET_ID = 'd2719a4c-8f0e-4d5f-9c51-0d4f3f7c1a11';
export const IMPORT_ID = 'imp_kq3J0x5T8vW2yZ7aB4cD1e';
export const CLIENT_ID = 'cl_kq3J0x5T8vW2yZ7aB4cD1e';
const OWNER_ID = '5b2b7c1e-9a0d-4b7e-8a55-6d0f4f6b2c33';
const AT = '2026-11-26T12:00:00.000Z';
const LATER = '2026-11-26T12:00:04.000Z';

export const CALLBACK = { url: 'https://example.com/hook', events: ['import.completed'] };

export const PREVIEW_EXAMPLE = {
  event_id: EVENT_ID,
  correlation_id: 'rQ1y8Yk0m3nB5xZ7',
  created_at: AT,
  extra_fields: { model_name: 'mistral-small-latest' },
  nb_input_tokens: 9,
  nb_output_tokens: 12,
};

export const DATASET_EXAMPLE = {
  id: DATASET_ID,
  created_at: AT,
  updated_at: AT,
  deleted_at: null,
  name: 'support answers',
  description: 'Good answers of November',
  owner_id: OWNER_ID,
  workspace_id: OWNER_ID,
};

export const RECORD_EXAMPLE = {
  id: '0f8c2a77-51c9-4d2e-8f6f-3c6b1d2e4f55',
  created_at: AT,
  updated_at: AT,
  deleted_at: null,
  dataset_id: DATASET_ID,
  payload: { messages: [{ role: 'user', content: 'Hello' }] },
  properties: {},
  source: 'DIRECT_INPUT',
};

export const IMPORT_EXAMPLE = {
  id: IMPORT_ID,
  object: 'import',
  dataset_id: DATASET_ID,
  source: 'explorer',
  status: 'completed',
  progress: 100,
  message: null,
  tasks: [{ id: '9e3b4d10-6f1c-4c8a-b7a5-1d2c3b4a5f66', status: 'COMPLETED', progress: 100 }],
  metadata: { run: 7 },
  sequence: 3,
  created_at: AT,
  updated_at: LATER,
  finished_at: LATER,
  polls: 4,
  detected_after_ms: 120,
  callback: CALLBACK,
  delivery: { status: 'delivered', attempts: 1, next_attempt_at: null, last_status: 200 },
};

export const ATTEMPT_EXAMPLE = {
  id: 'msg_kq3J0x5T8vW2yZ7aB4cD1e',
  event: 'import.completed',
  attempt: 1,
  at: LATER,
  duration_ms: 85,
  status: 200,
  error: null,
  response_excerpt: 'ok',
};

export const SCHEDULE_ID = 'sch_kq3J0x5T8vW2yZ7aB4cD1e';

export const RUN_EXAMPLE = {
  id: 'run_kq3J0x5T8vW2yZ7aB4cD1e',
  scheduled_at: AT,
  started_at: AT,
  finished_at: LATER,
  status: 'completed',
  import_id: IMPORT_ID,
  message: null,
  report: { matched: 12, new: 10, duplicate: 2, imported: 10 },
};

export const SCHEDULE_EXAMPLE = {
  id: SCHEDULE_ID,
  object: 'schedule',
  name: 'nightly',
  cron: '0 3 * * *',
  timezone: 'Europe/Paris',
  dataset_id: DATASET_ID,
  import: { source: 'explorer', where: null, incremental: true },
  callback: null,
  overlap_s: 900,
  backfill: null,
  notify_empty: false,
  next_runs: ['2026-11-27T02:00:00.000Z'],
  watermark: AT,
  last_run: RUN_EXAMPLE,
  created_at: AT,
  updated_at: AT,
};

export const HOOK_ID = 'hook_kq3J0x5T8vW2yZ7aB4cD1e';

export const HOOK_EXAMPLE = {
  id: HOOK_ID,
  object: 'hook',
  url: `https://windsock.example/hooks/${HOOK_ID}`,
  name: 'campaign finished',
  dataset_id: DATASET_ID,
  import: { source: 'campaign', campaign_id: '' },
  map: { '/campaign_id': '/data/campaign/id' },
  verify: 'standard-webhooks',
  callback: null,
  created_at: AT,
  updated_at: AT,
};

export const CLIENT_EXAMPLE = {
  id: CLIENT_ID,
  name: 'my app',
  scopes: ['chat', 'observability:read'],
  rate_limit: 600,
  created_at: AT,
};
