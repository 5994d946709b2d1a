import type { NextDue } from '../objects/registry.ts';
import { logError, logInfo } from '../platform/log.ts';

/**
 * Bounds the calls of one tick, which the platform allows a thousand; who has waited longest comes first, the rest at
 * the next.
 */
const MAX_DUE = 900;
/** Schedules that are called at a time. */
const LANES = 25;

/**
 * Has every schedule that is due record its run: one call that finds them, one for each of them, one that notes when
 * they are due next. A schedule that was not reached stays due; one that is told twice runs once.
 * @param now the scheduled time of the tick, milliseconds since the epoch
 */
export async function tick(env: Env, now: number): Promise<void> {
  const registry = env.REGISTRY.getByName('schedules');
  const due = await registry.due(now, MAX_DUE);
  if (due.length === 0) return;
  const moved: NextDue[] = [];
  const waiting = due.values();
  const lane = async () => {
    for (const { id, dueAt } of waiting) {
      try {
        moved.push({ id, dueAt, next: await env.SCHEDULE.getByName(id).tick(now) });
      } catch (error) {
        logError('schedule_tick_failed', error, { schedule_id: id });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(LANES, due.length) }, lane));
  await registry.moveOn(moved);
  logInfo('tick', { due: due.length, called: moved.length });
}
