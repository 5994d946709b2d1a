/** How an import stands. All but the first two are terminal. */
export const IMPORT_STATUSES = [
  'starting',
  'running',
  'completed',
  'failed',
  'canceled',
  'terminated',
  'timed_out',
  'lost',
] as const;
export type ImportStatus = (typeof IMPORT_STATUSES)[number];

export type TerminalStatus = Exclude<ImportStatus, 'starting' | 'running'>;

/** What a client can be told by webhook about an import. */
export type ImportEvent = 'import.started' | 'import.progress' | `import.${TerminalStatus}`;

/** The events a callback gets when it names none. */
export const DEFAULT_EVENTS: readonly ImportEvent[] = [
  'import.completed',
  'import.failed',
  'import.canceled',
  'import.terminated',
  'import.timed_out',
  'import.lost',
];
/** Every event a callback may ask for. */
export const IMPORT_EVENTS: readonly ImportEvent[] = [
  'import.started',
  'import.progress',
  ...DEFAULT_EVENTS,
];

/** An upstream task as the import last saw it. */
export interface ImportTask {
  id: string;
  /** The upstream's own word, such as `RUNNING`; any value is possible. */
  status: string;
  progress: number | null;
}

/** The whole state of one import; times in milliseconds since the epoch. */
export interface ImportState {
  id: string;
  clientId: string;
  datasetId: string;
  source: 'file';
  /** Body of the upstream's start call. */
  startBody: Record<string, unknown>;
  /** SHA-256 of the request, to tell a repeated request from another one under the same key. */
  requestHash: string;
  status: ImportStatus;
  progress: number;
  message: string | null;
  task: ImportTask | null;
  metadata: Record<string, unknown>;
  sequence: number;
  createdAt: number;
  updatedAt: number;
  finishedAt: number | null;
  polls: number;
  /** Time between the upstream's last change of the finished task and our seeing it. */
  detectedAfterMs: number | null;
  callback: { url: string; events: readonly ImportEvent[] } | null;
  /** Where the client reached us, for links: scheme, host and port. */
  origin: string;
  /** Next poll, or next try of a start that was put off; null while a start is under way. */
  nextPollAt: number | null;
  /** When progress was last reported by webhook. */
  progressSentAt: number | null;
  /** Polls without an answer since the last good one. */
  failures: number;
  /** Polls answered 404 since the last good one. */
  missing: number;
}

/** What a client asks for. */
export type ImportOrder = Pick<
  ImportState,
  | 'id'
  | 'clientId'
  | 'datasetId'
  | 'source'
  | 'startBody'
  | 'requestHash'
  | 'metadata'
  | 'callback'
  | 'origin'
>;

/** An import before anything happened. @param now milliseconds since the epoch */
export function newImport(order: ImportOrder, now: number): ImportState {
  return {
    ...order,
    status: 'starting',
    progress: 0,
    message: null,
    task: null,
    sequence: 1,
    createdAt: now,
    updatedAt: now,
    finishedAt: null,
    polls: 0,
    detectedAfterMs: null,
    nextPollAt: null,
    progressSentAt: null,
    failures: 0,
    missing: 0,
  };
}

/** A task as the upstream reports it; `updatedAt` in milliseconds since the epoch, by the upstream's clock. */
export interface ObservedTask extends ImportTask {
  message: string | null;
  updatedAt: number | null;
}

/** What was just learnt about an import. */
export type Observation =
  | { kind: 'started'; task: ObservedTask }
  | { kind: 'start_unknown'; message: string }
  | { kind: 'polled'; task: ObservedTask }
  | { kind: 'missing' }
  | { kind: 'denied'; status: number }
  | { kind: 'unavailable' }
  | { kind: 'deadline' };

/** A new state and the events that its transition is reported with. */
export interface Advance {
  state: ImportState;
  events: ImportEvent[];
}

/** 404 may be a blip of a replica; twice running it is believed. */
const MISSING_LIMIT = 2;

/** A receiver is told of progress at most so often. */
const PROGRESS_INTERVAL_MS = 10_000;

/** The upstream's words that end a task; any other one, known or not, means that it goes on. */
const TERMINAL_BY_TASK: ReadonlyMap<string, TerminalStatus> = new Map([
  ['COMPLETED', 'completed'],
  ['FAILED', 'failed'],
  ['CANCELED', 'canceled'],
  ['TERMINATED', 'terminated'],
  ['TIMED_OUT', 'timed_out'],
]);

/** A message of the upstream is cut here: it is stored, listed and sent in a webhook of at most 20 kB. */
const MAX_MESSAGE_LENGTH = 2000;

/** True once nothing will change any more. */
export function isTerminal(status: ImportStatus): status is TerminalStatus {
  return status !== 'starting' && status !== 'running';
}

/**
 * The state machine of an import: what an observation makes of it.
 * A terminal import stays as it is. `sequence` grows by one with each change that a client can see;
 * progress never goes back.
 * @param now milliseconds since the epoch
 */
export function advance(state: ImportState, observation: Observation, now: number): Advance {
  if (isTerminal(state.status)) return { state, events: [] };
  switch (observation.kind) {
    case 'started':
      return observeTask(state, observation.task, now, ['import.started']);
    case 'polled':
      return observeTask({ ...state, polls: state.polls + 1 }, observation.task, now, []);
    case 'start_unknown':
      return finish(state, 'failed', observation.message, now);
    case 'missing': {
      const missing = state.missing + 1;
      const polled = { ...state, polls: state.polls + 1, missing };
      return missing >= MISSING_LIMIT
        ? finish(polled, 'lost', 'The upstream no longer knows the task of this import (404).', now)
        : { state: polled, events: [] };
    }
    case 'denied':
      return finish(
        { ...state, polls: state.polls + 1 },
        'lost',
        `The upstream refused to show the task (${observation.status}); check MISTRAL_API_KEY.`,
        now,
      );
    case 'unavailable':
      return {
        state: { ...state, polls: state.polls + 1, failures: state.failures + 1, missing: 0 },
        events: [],
      };
    case 'deadline':
      return finish(state, 'lost', 'The import did not finish within IMPORT_DEADLINE_MS.', now);
  }
}

function observeTask(
  state: ImportState,
  seen: ObservedTask,
  now: number,
  events: ImportEvent[],
): Advance {
  const terminal = TERMINAL_BY_TASK.get(seen.status);
  const reported = terminal === 'completed' ? 100 : (seen.progress ?? 0);
  const next: ImportState = {
    ...state,
    status: terminal ?? 'running',
    progress: Math.max(state.progress, Math.min(100, Math.max(0, Math.trunc(reported)))),
    message: seen.message?.slice(0, MAX_MESSAGE_LENGTH) ?? null,
    task: { id: seen.id, status: seen.status, progress: seen.progress },
    failures: 0,
    missing: 0,
  };
  if (terminal !== undefined) {
    next.detectedAfterMs = seen.updatedAt === null ? null : Math.max(0, now - seen.updatedAt);
    return close(next, now, [...events, `import.${terminal}`]);
  }
  const changed =
    next.status !== state.status ||
    next.progress !== state.progress ||
    next.message !== state.message ||
    next.task?.status !== state.task?.status ||
    next.task?.progress !== state.task?.progress;
  if (!changed) return { state: next, events };
  const moved = next.progress !== state.progress;
  const lastSentAt = state.progressSentAt ?? state.createdAt;
  if (!moved || now - lastSentAt < PROGRESS_INTERVAL_MS) return { state: touch(next, now), events };
  return {
    state: { ...touch(next, now), progressSentAt: now },
    events: [...events, 'import.progress'],
  };
}

function finish(state: ImportState, status: TerminalStatus, message: string, now: number): Advance {
  return close({ ...state, status, message }, now, [`import.${status}`]);
}

function close(state: ImportState, now: number, events: ImportEvent[]): Advance {
  return { state: { ...touch(state, now), finishedAt: now, nextPollAt: null }, events };
}

function touch(state: ImportState, now: number): ImportState {
  return { ...state, sequence: state.sequence + 1, updatedAt: now };
}
