import { isTerminal, openTasks, type ImportState } from './import.ts';
import { doubled, nextPollAt, type PollBounds } from './poll.ts';
import { advance, type Advance, type Observation } from './import-advance.ts';

/** What the schedule of an import depends on beside its state; times in milliseconds (since the epoch). */
export interface ScheduleInput {
  bounds: PollBounds;
  /** What the upstream asked for with `Retry-After`. */
  retryAfterMs: number | null;
  now: number;
  /** 0 (inclusive) to 1 (exclusive). */
  random: number;
}

/** What an observation makes of an import, and when it is to be taken up again. */
export function observe(
  before: ImportState,
  observation: Observation,
  input: ScheduleInput,
): Advance {
  const { state, effects } = advance(before, observation, input.now);
  return { state: schedule(state, observation.kind, input), effects };
}

/**
 * Sets when the import is to be taken up again after an observation: `nextStartAt` and `nextPollAt`.
 * A failed search, start or look is tried again after the lower poll bound, doubled with each failure up to the
 * upper; what succeeded goes on at once.
 */
export function schedule(
  state: ImportState,
  observed: Observation['kind'],
  input: ScheduleInput,
): ImportState {
  if (isTerminal(state.status)) return { ...state, nextStartAt: null, nextPollAt: null };
  return {
    ...state,
    nextStartAt: STARTING.has(observed) ? nextStart(state, observed, input) : state.nextStartAt,
    nextPollAt: POLLING.has(observed) ? nextPoll(state, observed, input) : state.nextPollAt,
  };
}

const STARTING: ReadonlySet<Observation['kind']> = new Set<Observation['kind']>([
  'searched',
  'started',
  'start_refused',
  'start_deferred',
  'start_unknown',
  'start_absent',
  'start_missing',
  'start_hindered',
]);

const POLLING: ReadonlySet<Observation['kind']> = new Set<Observation['kind']>([
  'started',
  'polled',
  'unavailable',
]);

function nextStart(
  state: ImportState,
  observed: Observation['kind'],
  { bounds, retryAfterMs, now }: ScheduleInput,
): number | null {
  if (!hasStartsLeft(state)) return null;
  // Sent again right after the look that missed it: what comes in between could not be told apart later.
  if (observed === 'start_absent' && state.openStart === null) return now;
  const backoff =
    state.startFailures === 0
      ? 0
      : Math.min(bounds.maxMs, doubled(bounds.minMs, state.startFailures - 1));
  const wait = Math.max(backoff, retryAfterMs ?? 0);
  if (state.openStart === null) return now + wait;
  // Looked for in vain so far: again when the upstream is past taking it, and now and then before.
  const settles = state.openStart.settledAt - now;
  return now + Math.max(wait, settles > 0 ? Math.min(bounds.minMs, settles) : 0);
}

function hasStartsLeft(state: ImportState): boolean {
  return (
    state.search !== null ||
    state.openStart !== null ||
    state.tasks.some((task) => task.id === null && task.end === null)
  );
}

function nextPoll(
  state: ImportState,
  observed: Observation['kind'],
  { bounds, retryAfterMs, now, random }: ScheduleInput,
): number | null {
  const open = openTasks(state).map(({ startedAt, progress }) => ({
    startedAt: startedAt ?? state.createdAt,
    progress,
  }));
  if (open.length === 0) return null;
  const { progressAt, failures } = state;
  const next = nextPollAt({ open, progressAt, failures }, bounds, retryAfterMs, now, random);
  if (observed !== 'started' || state.nextPollAt === null) return next;
  // Starts in quick succession must not put the poll off for ever, nor move it before what a failing upstream asked for.
  return failures > 0 ? state.nextPollAt : Math.min(state.nextPollAt, next);
}
