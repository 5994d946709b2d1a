import {
  scheduleBody,
  scheduleListQuery,
  schedulePatch,
  scheduleRunBody,
} from '../../routes/schedules.ts';
import { CALLBACK, DATASET_ID, RUN_EXAMPLE, SCHEDULE_EXAMPLE } from '../examples.ts';
import { json, jsonBody, type Answer, type Operation } from '../operation.ts';

const PAGE = {
  limit: { description: 'How many are answered.', example: 10 },
  cursor: { description: '`next_cursor` of the page before.', example: '10' },
};

const schedule = (status: Answer['status'], description: string): Answer => ({
  status,
  description,
  content: [json('Schedule', SCHEDULE_EXAMPLE)],
});

export const scheduleOperations = (): Operation[] => [
  {
    call: 'POST /schedules',
    id: 'createSchedule',
    tag: 'schedules',
    summary: 'Make a schedule',
    description:
      'Makes an import at the times of `cron` (five fields) in `timezone`. With `incremental` each run imports what is new since the last one, each event once; `backfill` says from when on, `overlap_s` how late an event may be found.',
    key: 'observability:write',
    bodies: [
      jsonBody('NewSchedule', scheduleBody, {
        incremental: {
          name: 'nightly',
          cron: '0 3 * * *',
          timezone: 'Europe/Paris',
          dataset_id: DATASET_ID,
          import: {
            source: 'explorer',
            where: 'model_name = "mistral-small-latest"',
            incremental: true,
          },
          callback: CALLBACK,
          backfill: { from: '2026-11-01T00:00:00Z' },
        },
      }),
    ],
    answers: [{ ...schedule(201, 'The schedule.'), headers: ['location'] }],
    refusals: ['invalid_filter', 'callback_refused'],
  },
  {
    call: 'GET /schedules',
    id: 'listSchedules',
    tag: 'schedules',
    summary: 'List schedules',
    description: 'The schedules of this client.',
    key: 'observability:read',
    query: { schema: scheduleListQuery, notes: PAGE },
    answers: [
      {
        status: 200,
        description: 'The schedules; `next_cursor` is null after the last.',
        headers: ['link'],
        content: [json('SchedulePage', { schedules: [SCHEDULE_EXAMPLE], next_cursor: null })],
      },
    ],
  },
  {
    call: 'GET /schedules/{id}',
    id: 'getSchedule',
    tag: 'schedules',
    summary: 'A schedule',
    description: 'With its next times and its last run.',
    key: 'observability:read',
    answers: [schedule(200, 'The schedule.')],
  },
  {
    call: 'PATCH /schedules/{id}',
    id: 'updateSchedule',
    tag: 'schedules',
    summary: 'Change a schedule',
    description: 'Sets what is given. What was imported already stays known.',
    key: 'observability:write',
    bodies: [jsonBody('ScheduleChange', schedulePatch, { cron: { cron: '30 3 * * *' } })],
    answers: [schedule(200, 'The schedule as it is now.')],
    refusals: ['invalid_filter', 'callback_refused'],
  },
  {
    call: 'DELETE /schedules/{id}',
    id: 'deleteSchedule',
    tag: 'schedules',
    summary: 'Delete a schedule',
    description: 'Its imports stay.',
    key: 'observability:write',
    answers: [{ status: 204, description: 'It is deleted.' }],
  },
  {
    call: 'POST /schedules/{id}/run',
    id: 'runSchedule',
    tag: 'schedules',
    summary: 'Run a schedule now',
    description: 'With `dry_run` nothing is imported, and the answer says what would be.',
    key: 'observability:write',
    bodies: [jsonBody('ScheduleRunRequest', scheduleRunBody, { dry: { dry_run: true }, now: {} })],
    isBodyOptional: true,
    answers: [
      {
        status: 200,
        description: 'Of a dry run: what was found.',
        content: [json('RunReport', RUN_EXAMPLE.report)],
      },
      { status: 202, description: 'The run, which goes on.', content: [json('Run', RUN_EXAMPLE)] },
    ],
    refusals: ['invalid_filter'],
    asksUpstream: true,
  },
  {
    call: 'GET /schedules/{id}/runs',
    id: 'listRuns',
    tag: 'schedules',
    summary: 'Runs of a schedule',
    description: 'The newest first.',
    key: 'observability:read',
    query: { schema: scheduleListQuery, notes: PAGE },
    answers: [
      {
        status: 200,
        description: 'The runs; `next_cursor` is null after the last.',
        headers: ['link'],
        content: [json('RunPage', { runs: [RUN_EXAMPLE], next_cursor: null })],
      },
    ],
  },
];
