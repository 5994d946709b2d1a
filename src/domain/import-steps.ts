import { isTerminal, openTasks, type ImportState } from './import.ts';

/** What an import is to do about its starts next. */
export type StartStep =
  | { kind: 'search'; filters: unknown }
  /** Send the start of a task, once the dataset's turn is ours. */
  | { kind: 'send'; position: number }
  /** Look for the task of the open start in the dataset's task list. */
  | { kind: 'look' }
  /** Give the dataset's turn back. */
  | { kind: 'end_turn'; taskId: string | null };

/**
 * The next step of starting that is due, or null. An open start that nobody is sending died with the object that sent
 * it, and is looked for.
 * @param now milliseconds since the epoch
 */
export function startStep(state: ImportState, now: number): StartStep | null {
  if (state.turnEnd !== null) return { kind: 'end_turn', taskId: state.turnEnd.taskId };
  if (isTerminal(state.status) || state.nextStartAt === null || state.nextStartAt > now)
    return null;
  if (state.openStart !== null) return { kind: 'look' };
  if (state.search !== null) return { kind: 'search', filters: state.search.filters };
  const position = state.tasks.findIndex((task) => task.id === null && task.end === null);
  return position === -1 ? null : { kind: 'send', position };
}

/** Whether an import is not done yet with its dataset's turn. */
export function needsTurn(state: ImportState): boolean {
  return state.turnEnd !== null || (!isTerminal(state.status) && state.hasTurn);
}

/** How the open tasks are asked for: one by one, or with the dataset's list. */
export type PollStep = { kind: 'fetch' | 'list'; taskIds: string[] };

/**
 * The poll that is due, or null. One list call serves several tasks, unless the list has become so long that asking
 * one by one takes fewer calls. After a failure tasks are asked for by their ids, whatever is the matter with the list.
 * @param now milliseconds since the epoch
 */
export function pollStep(state: ImportState, now: number): PollStep | null {
  if (isTerminal(state.status) || state.nextPollAt === null || state.nextPollAt > now) return null;
  const taskIds = openTasks(state).map(({ id }) => id);
  if (taskIds.length === 0) return null;
  const isListed = taskIds.length > 1 && state.listPages <= taskIds.length && state.failures === 0;
  return { kind: isListed ? 'list' : 'fetch', taskIds };
}
