// The rows of test/worker/bad-input.test.ts for schedules.

const UUID = '00000000-0000-4000-8000-000000000000';
const READ = 'observability:read' as const;
const WRITE = 'observability:write' as const;

const plain = (needs: typeof READ | typeof WRITE, call: string) => ({
  call,
  needs,
  body: 'none' as const,
});
const json = (call: string, good: object) => ({
  call,
  needs: WRITE,
  body: 'json' as const,
  good,
});

const SCHEDULE = {
  name: 'nightly',
  cron: '0 3 * * *',
  dataset_id: UUID,
  import: { source: 'explorer', where: null, incremental: true },
};

/** Each route, what it needs, and a body that is in order. */
export const SCHEDULE_ROUTES = [
  json('POST /schedules', SCHEDULE),
  plain(READ, 'GET /schedules'),
  plain(READ, 'GET /schedules/:id'),
  json('PATCH /schedules/:id', { name: 'hourly', cron: '0 * * * *' }),
  plain(WRITE, 'DELETE /schedules/:id'),
  json('POST /schedules/:id/run', { dry_run: true }),
  plain(READ, 'GET /schedules/:id/runs'),
];

/** For each route that takes JSON: a body with several mistakes, and a JSON Pointer to every one. */
export const SCHEDULE_MISTAKES: Record<string, [object, string]> = {
  'POST /schedules': [
    {
      name: '',
      cron: '61 * * * *',
      timezone: 'Mars/Olympus',
      dataset_id: 'x',
      import: { source: 'explorer', event_ids: ['a'], incremental: true },
      callback: { url: 5 },
      overlap_s: -1,
      backfill: { from: 'yesterday' },
      notify_empty: 'no',
    },
    '/backfill/from /callback/url /cron /dataset_id /import/incremental /name /notify_empty /overlap_s /timezone',
  ],
  'PATCH /schedules/:id': [
    { cron: '* * *', timezone: '+01:00', import: { source: 'file' }, overlap_s: 0.5 },
    '/cron /import/file_id /overlap_s /timezone',
  ],
  'POST /schedules/:id/run': [{ dry_run: 1, dry: true }, '/dry /dry_run'],
};
