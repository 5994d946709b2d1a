import type { ObservedTask, OpenStart } from './import.ts';

/** The upstream's clock is taken to be off by at most so much. */
const CLOCK_TOLERANCE_MS = 5000;

/** What a dataset's task list tells of an open start. */
export type Finding =
  | { kind: 'found'; task: ObservedTask }
  | { kind: 'absent' }
  | { kind: 'untellable'; message: string };

/**
 * Looks for the task of a start that was sent but not noted. Upstream tasks carry no mark of ours, so it is the one that
 * was made since the start was sent and belongs to no import. Starts in one dataset go one at a time, so there is at
 * most one of ours; where there are several, others start imports too and the list cannot tell.
 * @param tasks the whole list, in any order
 * @param claimed ids of tasks that belong to an import already
 */
export function findStarted(
  tasks: readonly ObservedTask[],
  openStart: OpenStart,
  claimed: ReadonlySet<string>,
): Finding {
  const from = openStart.sentAt - CLOCK_TOLERANCE_MS;
  const to = openStart.settledAt + CLOCK_TOLERANCE_MS;
  const free = new Map(tasks.filter(({ id }) => !claimed.has(id)).map((task) => [task.id, task]));
  const fitting = [...free.values()].filter(
    ({ createdAt }) => createdAt === null || (createdAt >= from && createdAt <= to),
  );
  const [first] = fitting;
  if (first === undefined) return { kind: 'absent' };
  if (fitting.length === 1 && first.createdAt !== null) return { kind: 'found', task: first };
  const message =
    `Whether the upstream started the import cannot be told: ${fitting.length} task(s) of the dataset ` +
    'were made at that time and belong to no import. Look at the dataset before you start it again.';
  return { kind: 'untellable', message };
}
