import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Miniflare } from 'miniflare';
import {
  newSchedule,
  type ScheduleSettings,
  type ScheduleState,
} from '../../src/domain/schedule.ts';
import { until } from './until.ts';
import { send } from './worker.ts';

/** A run as the API shows it. */
export interface RunView {
  id: string;
  scheduled_at: string;
  started_at: string;
  finished_at: string | null;
  status: string;
  import_id: string | null;
  message: string | null;
  report: { matched: number; new: number; duplicate: number; imported: number } | null;
}

/** A schedule as the API shows it. */
export interface ScheduleView {
  id: string;
  object: string;
  name: string;
  cron: string;
  timezone: string;
  dataset_id: string;
  import: object;
  callback: object | null;
  overlap_s: number;
  backfill: { from: string } | null;
  notify_empty: boolean;
  next_runs: string[];
  watermark: string | null;
  last_run: RunView | null;
  created_at: string;
  updated_at: string;
}

export const DATASET = '0f0e0d0c-0b0a-4000-8000-010203040506';
export const INCREMENTAL = {
  source: 'explorer' as const,
  where: 'model_name = "a"',
  incremental: true,
};

const PLAIN: ScheduleSettings = {
  name: 's',
  cron: '0 * * * *',
  timezone: 'UTC',
  datasetId: DATASET,
  template: INCREMENTAL,
  callback: null,
  overlapMs: 900_000,
  notifyEmpty: false,
  origin: 'http://localhost',
};

/** Makes a schedule that imports what is new every hour, or what is given. */
export async function makeSchedule(
  url: string,
  key: string,
  given: object = {},
): Promise<ScheduleView> {
  const body = { name: 's', cron: '0 * * * *', dataset_id: DATASET, import: INCREMENTAL, ...given };
  const response = await send(`${url}/schedules`, key, 'POST', body);
  const text = await response.text();
  assert.equal(response.status, 201, text);
  return JSON.parse(text) as ScheduleView;
}

/**
 * Makes a schedule as if it had been made at a time that has passed, so that its ticks can pass as quickly as a test
 * likes. Goes past the API, which makes schedules now.
 * @param createdAt milliseconds since the epoch
 */
export async function makePastSchedule(
  miniflare: Miniflare,
  clientId: string,
  createdAt: number,
  given: Partial<ScheduleSettings> & { backfillFrom?: number } = {},
): Promise<ScheduleView> {
  const { backfillFrom = null, ...settings } = given;
  const id = `sch_${randomBytes(16).toString('base64url')}`;
  const state = newSchedule(id, clientId, { ...PLAIN, ...settings }, backfillFrom, createdAt);
  const binding: unknown = await miniflare.getDurableObjectNamespace('SCHEDULE');
  const schedules = binding as {
    idFromName: (name: string) => unknown;
    get: (id: unknown) => { create: (state: ScheduleState) => Promise<string> };
  };
  const view = await schedules.get(schedules.idFromName(id)).create(state);
  return JSON.parse(view) as ScheduleView;
}

export async function readSchedule(url: string, key: string, id: string): Promise<ScheduleView> {
  const response = await send(`${url}/schedules/${id}`, key, 'GET');
  assert.equal(response.status, 200);
  return (await response.json()) as ScheduleView;
}

/** All runs of a schedule, the oldest first. */
export async function readRuns(url: string, key: string, id: string): Promise<RunView[]> {
  const runs: RunView[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${cursor}`;
    const response = await send(`${url}/schedules/${id}/runs?limit=100${query}`, key, 'GET');
    assert.equal(response.status, 200);
    const page = (await response.json()) as { runs: RunView[]; next_cursor: string | null };
    runs.push(...page.runs);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return runs.toReversed();
}

/** Waits until no run is open, and returns the last one. */
export function settledRun(
  url: string,
  key: string,
  id: string,
  deadlineMs?: number,
): Promise<RunView> {
  return until(
    `the last run of ${id} to end`,
    async () => {
      const { last_run } = await readSchedule(url, key, id);
      return last_run?.finished_at ? last_run : null;
    },
    deadlineMs,
  );
}
