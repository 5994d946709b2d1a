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

/** Where the webhooks of an import go, and which of its events they tell. */
export interface Callback {
  url: string;
  events: readonly ImportEvent[];
}

/** One upstream task of an import; times in milliseconds since the epoch. */
export interface ImportTask {
  /** Null until the upstream's answer to the start is noted. */
  id: string | null;
  /** The number of ids in it; 1 where that is not known. */
  weight: number;
  /** The upstream's own word, such as `RUNNING`; any value is possible, `""` before the start. */
  status: string;
  progress: number | null;
  message: string | null;
  /** How it ended, null while it goes on. */
  end: TerminalStatus | null;
  /** When its start was sent, by our clock. */
  startedAt: number | null;
  /** Polls answered 404 since the last good one. */
  missing: number;
}

/** A start that was sent and whose outcome is not noted yet. */
export interface OpenStart {
  /** The task's place in {@link ImportState.tasks}. */
  position: number;
  sentAt: number;
  /** From then on the task list tells whether the upstream took it. */
  settledAt: number;
  /** How often running its dataset's task list has answered 404; left out where it has not. */
  missing?: number;
}

/** The run of a schedule that an import was started by. */
export interface RunName {
  /** The schedule's id. */
  schedule: string;
  run: string;
}

/** What a run of a schedule found: `matched` is the sum of the other two. */
export interface MatchReport {
  matched: number;
  /** Not imported by an earlier run. */
  new: number;
  duplicate: number;
}

/** The whole state of one import; times in milliseconds since the epoch. */
export interface ImportState {
  id: string;
  clientId: string;
  datasetId: string;
  /** Where the records come from: what the upstream's path has after `from-`. */
  source: string;
  /** The request came on a `/v1` path: its answer is the upstream's, and it is never sent again by ourselves. */
  isRelayed: boolean;
  /** Path and query of the start call (`POST`). */
  startPath: string;
  /** SHA-256 of the request, to tell a repeated request from another one under the same key. */
  requestHash: string;
  status: ImportStatus;
  progress: number;
  message: string | null;
  /** The upstream's filter tree to be searched before there are tasks. */
  search: { filters: unknown } | null;
  tasks: ImportTask[];
  openStart: OpenStart | null;
  /** Set while the dataset's turn to start is ours. */
  hasTurn: boolean;
  /** The turn is to be given back, with the task that it brought. */
  turnEnd: { taskId: string | null } | null;
  metadata: Record<string, unknown>;
  sequence: number;
  createdAt: number;
  updatedAt: number;
  finishedAt: number | null;
  polls: number;
  /** Time between the upstream's last change of the task that ended last and our seeing it. */
  detectedAfterMs: number | null;
  callback: Callback | null;
  /** Where the client reached us, for links: scheme, host and port. */
  origin: string;
  /** When the search, the next start or the next look at an open one is due. */
  nextStartAt: number | null;
  /** Searches, starts and looks that failed since the last good one. */
  startFailures: number;
  nextPollAt: number | null;
  /** When progress last moved. */
  progressAt: number;
  /** When progress was last reported by webhook. */
  progressSentAt: number | null;
  /** Polls without an answer since the last good one. */
  failures: number;
  /** Calls that the last poll took which asked for several tasks with the task list. */
  listPages: number;
  /** Of an import that a schedule started. */
  run?: RunName | null;
  /** Of an import that a schedule made of what is new. */
  report?: MatchReport | null;
}

/** What a client asks for. */
export type ImportOrder = Pick<
  ImportState,
  | 'id'
  | 'clientId'
  | 'datasetId'
  | 'source'
  | 'isRelayed'
  | 'startPath'
  | 'requestHash'
  | 'search'
  | 'metadata'
  | 'callback'
  | 'origin'
  | 'run'
  | 'report'
>;

/**
 * An import before anything happened.
 * @param weights the number of ids in each task; empty where they are to be searched for
 * @param now milliseconds since the epoch
 */
export function newImport(
  order: ImportOrder,
  weights: readonly number[],
  now: number,
): ImportState {
  return {
    id: order.id,
    clientId: order.clientId,
    datasetId: order.datasetId,
    source: order.source,
    isRelayed: order.isRelayed,
    startPath: order.startPath,
    requestHash: order.requestHash,
    search: order.search,
    metadata: order.metadata,
    callback: order.callback,
    origin: order.origin,
    status: 'starting',
    progress: 0,
    message: null,
    tasks: weights.map(plannedTask),
    openStart: null,
    hasTurn: false,
    turnEnd: null,
    sequence: 1,
    createdAt: now,
    updatedAt: now,
    finishedAt: null,
    polls: 0,
    detectedAfterMs: null,
    nextStartAt: now,
    startFailures: 0,
    nextPollAt: null,
    progressAt: now,
    progressSentAt: null,
    failures: 0,
    listPages: 1,
    ...(order.run && { run: order.run }),
    ...(order.report && { report: order.report }),
  };
}

/** A task that is still to be started. */
export function plannedTask(weight: number): ImportTask {
  return {
    id: null,
    weight,
    status: '',
    progress: null,
    message: null,
    end: null,
    startedAt: null,
    missing: 0,
  };
}

/** True once nothing will change any more. */
export function isTerminal(status: ImportStatus): status is TerminalStatus {
  return status !== 'starting' && status !== 'running';
}

/** The tasks that were started and go on. */
export function openTasks(state: ImportState): (ImportTask & { id: string })[] {
  return state.tasks.filter(
    (task): task is ImportTask & { id: string } => task.id !== null && task.end === null,
  );
}

/** A task as the upstream reports it; times in milliseconds since the epoch, by the upstream's clock. */
export interface ObservedTask {
  id: string;
  status: string;
  progress: number | null;
  message: string | null;
  createdAt: number | null;
  updatedAt: number | null;
}
