import { nextTimes } from './cron.ts';
import type { Run, ScheduleState } from './schedule.ts';
import { iso, isoOrNull } from './time.ts';

const NEXT_RUNS = 3;

/** A run as the API shows it; times ISO 8601 in UTC. */
export function runView(run: Run) {
  return {
    id: run.id,
    scheduled_at: iso(run.scheduledAt),
    started_at: iso(run.startedAt),
    finished_at: isoOrNull(run.finishedAt),
    status: run.status,
    import_id: run.importId,
    message: run.message,
    report: run.report,
  };
}

/** A schedule as the API shows it; times ISO 8601 in UTC. @param now milliseconds since the epoch */
export function scheduleView(state: ScheduleState, last: Run | null, now: number) {
  const { callback, nextDueAt } = state;
  // A tick that is late has not run what is due: that is no future time.
  const from = nextDueAt === null || nextDueAt <= now ? now : nextDueAt - 1;
  return {
    id: state.id,
    object: 'schedule',
    name: state.name,
    cron: state.cron,
    timezone: state.timezone,
    dataset_id: state.datasetId,
    import: state.template,
    callback,
    overlap_s: state.overlapMs / 1000,
    backfill: state.backfillFrom === null ? null : { from: iso(state.backfillFrom) },
    notify_empty: state.notifyEmpty,
    next_runs: nextTimes(state.cron, state.timezone, from, NEXT_RUNS).map(iso),
    watermark: isoOrNull(state.watermark),
    last_run: last && runView(last),
    created_at: iso(state.createdAt),
    updated_at: iso(state.updatedAt),
  };
}
