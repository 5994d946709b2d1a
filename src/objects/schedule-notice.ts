import { outcomeOf } from '../domain/import-outcome.ts';
import type { ImportState } from '../domain/import.ts';
import { logError } from '../platform/log.ts';

/**
 * Tells the schedule that started an import how it came out. Does not fail: a schedule that was not reached asks by
 * itself after a while.
 */
export async function tellSchedule(env: Env, state: ImportState): Promise<void> {
  const { id, run } = state;
  if (!run) return;
  try {
    await env.SCHEDULE.getByName(run.schedule).importEnded(run.run, id, outcomeOf(state));
  } catch (error) {
    logError('schedule_not_told', error, { import_id: id, schedule_id: run.schedule });
  }
}
