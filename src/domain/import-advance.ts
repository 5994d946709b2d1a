import { aggregate, endOf } from './import-aggregate.ts';
import {
  isTerminal,
  plannedTask,
  type ImportEvent,
  type ImportState,
  type ImportTask,
  type ObservedTask,
  type TerminalStatus,
} from './import.ts';

/** What was just learnt about an import. */
export type Observation =
  /** The search found what these tasks hold: the number of ids in each. */
  | { kind: 'searched'; weights: readonly number[] }
  /** The dataset's turn is ours, and the start of a task is about to be sent. */
  | { kind: 'sending'; position: number }
  /** The upstream took the task, told by its answer or by its task list. */
  | { kind: 'started'; position: number; task: ObservedTask }
  /** The upstream refused the search or the start for good. */
  | { kind: 'start_refused'; message: string }
  /** The upstream certainly did not take the start (429); it may be sent again. */
  | { kind: 'start_deferred' }
  /** The upstream may have taken the start. `isAnswered`: it will not do so later. */
  | { kind: 'start_unknown'; isAnswered: boolean }
  /** The task list does not have the task of the open start. */
  | { kind: 'start_absent' }
  /** The task list cannot tell which task is that of the open start, if any. */
  | { kind: 'start_untellable'; message: string }
  /** The dataset of the open start is unknown (404), and with it its task list. */
  | { kind: 'start_missing'; message: string }
  /** Another import has the dataset's turn. */
  | { kind: 'start_waiting' }
  /** The search or the task list was not to be had. */
  | { kind: 'start_hindered' }
  /**
   * Tasks as a poll found them; null for one that the upstream does not know. `listCalls`: what it took with the list,
   * null where that was not asked.
   */
  | { kind: 'polled'; tasks: ReadonlyMap<string, ObservedTask | null>; listCalls: number | null }
  | { kind: 'denied'; status: number }
  | { kind: 'unavailable' }
  | { kind: 'deadline' };

/** What a transition asks to be done in the same transaction: a webhook to be put into the outbox. */
export interface Effect {
  kind: 'notify';
  event: ImportEvent;
}

/** A new state, and what goes with it. */
export interface Advance {
  state: ImportState;
  effects: Effect[];
}

/** 404 may be a blip of a replica; twice running it is believed. */
const MISSING_LIMIT = 2;

/** A receiver is told of progress at most so often. */
const PROGRESS_INTERVAL_MS = 10_000;

/** A start that nobody answered is not taken by the upstream later than this after it was sent. */
export const SETTLE_MS = 10_000;

/** A message of the upstream is cut here: it is stored, listed and sent in a webhook of at most 20 kB. */
const MAX_MESSAGE_LENGTH = 2000;

/** The messages of all tasks together: an import is one row of SQLite, which holds 2 MB. */
const MAX_MESSAGES_LENGTH = 200_000;

const NOTHING_MATCHES = 'Nothing matches: no event was imported.';
const NOTHING_NEW = 'Nothing new: every event that matches was imported before.';
const NEVER_TAKEN = 'The upstream did not take the import: its task list does not have it.';
const TASK_UNKNOWN = 'The upstream no longer knows the task of this import (404).';

/**
 * The state machine of an import: what an observation makes of it.
 * A terminal import stays as it is, but for a task that comes too late: it is claimed, not to be taken for another's.
 * `sequence` grows by one with each change that a client can see; progress never goes back. When things are due next is
 * decided by `schedule` (import-schedule.ts).
 * @param now milliseconds since the epoch
 */
export function advance(state: ImportState, observation: Observation, now: number): Advance {
  if (isTerminal(state.status)) return quiet(withLateStart(state, observation));
  switch (observation.kind) {
    case 'searched':
      return searched(state, observation.weights, now);
    case 'sending': {
      const { position } = observation;
      const openStart = { position, sentAt: now, settledAt: now + SETTLE_MS };
      return quiet({ ...state, openStart, hasTurn: true });
    }
    case 'started':
      return started(state, observation.position, observation.task, now);
    case 'start_refused':
      return refused(state, observation.message, now);
    case 'start_deferred':
      return quiet(failedStart(withTurnEnded({ ...state, openStart: null }, null)));
    case 'start_unknown': {
      const { openStart } = state;
      if (openStart === null) return quiet(failedStart(state));
      const settledAt = observation.isAnswered ? now : Math.max(now, openStart.settledAt);
      return quiet(failedStart({ ...state, openStart: { ...openStart, settledAt } }));
    }
    case 'start_absent':
      if (state.openStart !== null && lookedSince(state, now) < state.openStart.settledAt) {
        return quiet(withoutMissing(state));
      }
      if (state.isRelayed) return finish(state, 'failed', NEVER_TAKEN, now);
      return quiet({ ...state, openStart: null });
    case 'start_untellable':
      return refused(state, observation.message, now);
    case 'start_missing': {
      const { openStart } = state;
      const missing = (openStart?.missing ?? 0) + 1;
      // Without its dataset there is no task either.
      if (openStart === null || missing >= MISSING_LIMIT) {
        return refused(state, observation.message, now);
      }
      return quiet(failedStart({ ...state, openStart: { ...openStart, missing } }));
    }
    case 'start_waiting':
      return quiet(state);
    case 'start_hindered':
      return quiet(failedStart(withoutMissing(state)));
    case 'polled':
      return polled(state, observation.tasks, observation.listCalls, now);
    case 'denied': {
      const message = `The upstream refused to show the task (${observation.status}); check MISTRAL_API_KEY.`;
      return finish({ ...state, polls: state.polls + 1 }, 'lost', message, now);
    }
    case 'unavailable': {
      // Twice running: what comes between two 404 begins the count anew.
      const tasks = state.tasks.map((task) => ({
        ...task,
        missing: task.end === null ? 0 : task.missing,
      }));
      return quiet({ ...state, tasks, polls: state.polls + 1, failures: state.failures + 1 });
    }
    case 'deadline':
      return finish(state, 'lost', 'The import did not finish within IMPORT_DEADLINE_MS.', now);
  }
}

function withLateStart(state: ImportState, observation: Observation): ImportState {
  return observation.kind === 'started'
    ? { ...state, turnEnd: { taskId: observation.task.id } }
    : state;
}

function searched(state: ImportState, weights: readonly number[], now: number): Advance {
  const planned = { ...state, search: null, tasks: weights.map(plannedTask), startFailures: 0 };
  if (weights.length > 0) return quiet(planned);
  const message = (state.report?.matched ?? 0) > 0 ? NOTHING_NEW : NOTHING_MATCHES;
  return finish({ ...planned, progress: 100 }, 'completed', message, now);
}

function started(state: ImportState, position: number, seen: ObservedTask, now: number): Advance {
  const isFirst = state.tasks.every((task) => task.id === null);
  // Taken for the earliest: an end that is expected too early costs a whole interval, one too late a little.
  const startedAt = state.openStart?.sentAt ?? now;
  const begun = withTask(state, position, (task) => ({ ...task, id: seen.id, startedAt }));
  const noted = withTurnEnded({ ...begun, openStart: null, startFailures: 0 }, seen.id);
  const known = new Map([[seen.id, seen]]);
  return observeTasks(noted, known, now, isFirst ? ['import.started'] : []);
}

/** A start that cannot go on ends what is not started yet; what was started before it runs to its end. */
function refused(state: ImportState, message: string, now: number): Advance {
  const isFirst = state.tasks.every((task) => task.id === null);
  if (isFirst) return finish({ ...state, search: null }, 'failed', message, now);
  const kept = cut(message, shareOf(state.tasks));
  const tasks = state.tasks.map((task) =>
    task.id === null ? { ...task, end: 'failed' as const, message: kept } : task,
  );
  return observeTasks(
    withTurnEnded({ ...state, tasks, openStart: null }, null),
    new Map(),
    now,
    [],
  );
}

/**
 * The earliest time at which the look that was just answered can have begun: when it was due. Its answer tells of that
 * time, not of now: the upstream may have taken the start while the list was on its way.
 */
function lookedSince(state: ImportState, now: number): number {
  return Math.min(now, state.nextStartAt ?? now);
}

function polled(
  state: ImportState,
  seen: ReadonlyMap<string, ObservedTask | null>,
  listCalls: number | null,
  now: number,
): Advance {
  const listPages = listCalls ?? state.listPages;
  const next = { ...state, polls: state.polls + 1, failures: 0, listPages };
  return observeTasks(next, seen, now, []);
}

function observeTasks(
  before: ImportState,
  seen: ReadonlyMap<string, ObservedTask | null>,
  now: number,
  events: ImportEvent[],
): Advance {
  const share = shareOf(before.tasks);
  const tasks = before.tasks.map((task) => {
    const found = task.id === null || task.end !== null ? undefined : seen.get(task.id);
    if (found === undefined) return task;
    return found === null ? missed(task) : observed(task, found, share);
  });
  const whole = aggregate(tasks, before.progress);
  const next: ImportState = {
    ...before,
    tasks,
    status: whole.end ?? 'running',
    progress: whole.progress,
    message: whole.message === null ? null : cut(whole.message),
    progressAt: whole.progress === before.progress ? before.progressAt : now,
  };
  if (whole.end !== null) {
    const changed = [...seen.values()].flatMap((task) => task?.updatedAt ?? []);
    next.detectedAfterMs = changed.length === 0 ? null : Math.max(0, now - Math.max(...changed));
    return close(next, now, [...events, `import.${whole.end}`]);
  }
  if (!isVisiblyOther(before, next)) return { state: next, effects: events.map(notify) };
  const isReported =
    next.progress !== before.progress &&
    (before.progressSentAt === null
      ? events.length === 0
      : now - before.progressSentAt >= PROGRESS_INTERVAL_MS);
  if (!isReported) return { state: touch(next, now), effects: events.map(notify) };
  return {
    state: { ...touch(next, now), progressSentAt: now },
    effects: [...events, 'import.progress' as const].map(notify),
  };
}

/** @param share so long may its message be */
function observed(task: ImportTask, seen: ObservedTask, share: number): ImportTask {
  return {
    ...task,
    status: seen.status,
    progress: seen.progress,
    message: seen.message === null ? null : cut(seen.message, share),
    end: endOf(seen.status),
    missing: 0,
  };
}

function missed(task: ImportTask): ImportTask {
  const missing = task.missing + 1;
  if (missing < MISSING_LIMIT) return { ...task, missing };
  return { ...task, missing, end: 'lost', message: TASK_UNKNOWN };
}

function isVisiblyOther(before: ImportState, next: ImportState): boolean {
  return (
    next.status !== before.status ||
    next.progress !== before.progress ||
    next.message !== before.message ||
    next.tasks.some((task, index) => {
      const old = before.tasks[index];
      return task.status !== old?.status || task.progress !== old.progress || task.id !== old.id;
    })
  );
}

function withTask(
  state: ImportState,
  position: number,
  change: (task: ImportTask) => ImportTask,
): ImportState {
  const tasks = state.tasks.map((task, index) => (index === position ? change(task) : task));
  return { ...state, tasks };
}

/** Twice running: what comes between two 404 begins the count anew. */
function withoutMissing(state: ImportState): ImportState {
  if (state.openStart === null) return state;
  const { missing: _, ...openStart } = state.openStart;
  return { ...state, openStart };
}

function failedStart(state: ImportState): ImportState {
  return { ...state, startFailures: state.startFailures + 1 };
}

function withTurnEnded(state: ImportState, taskId: string | null): ImportState {
  return state.hasTurn ? { ...state, hasTurn: false, turnEnd: { taskId } } : state;
}

function finish(state: ImportState, status: TerminalStatus, message: string, now: number): Advance {
  return close({ ...state, status, message: cut(message) }, now, [`import.${status}`]);
}

function close(state: ImportState, now: number, events: ImportEvent[]): Advance {
  const ended = withTurnEnded({ ...touch(state, now), openStart: null, search: null }, null);
  return { state: { ...ended, finishedAt: now }, effects: events.map(notify) };
}

/** A pair of surrogates that the cut goes through is replaced: a half of one is no text. */
function cut(message: string, length = MAX_MESSAGE_LENGTH): string {
  return message.slice(0, length).toWellFormed();
}

/** How long the message of each task may be. */
function shareOf(tasks: readonly ImportTask[]): number {
  return Math.min(MAX_MESSAGE_LENGTH, Math.floor(MAX_MESSAGES_LENGTH / tasks.length));
}

function touch(state: ImportState, now: number): ImportState {
  return { ...state, sequence: state.sequence + 1, updatedAt: now };
}

function quiet(state: ImportState): Advance {
  return { state, effects: [] };
}

function notify(event: ImportEvent): Effect {
  return { kind: 'notify', event };
}
