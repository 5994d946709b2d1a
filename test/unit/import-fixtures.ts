import type { Observation } from '../../src/domain/import-advance.ts';
import {
  newImport,
  type ImportOrder,
  type ImportState,
  type ImportTask,
  type ObservedTask,
} from '../../src/domain/import.ts';

/** When the imports of the tests were created, in milliseconds since the epoch. */
export const CREATED_AT = Date.parse('2026-03-01T12:00:00.000Z');

/** So many seconds after the creation. */
export const at = (seconds: number) => CREATED_AT + seconds * 1000;

/** Frozen to the bottom, so that a rule that changes what it is given throws. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

export function order(change: Partial<ImportOrder> = {}): ImportOrder {
  return frozen({
    id: 'imp_1',
    clientId: 'cl_1',
    datasetId: 'ds_1',
    source: 'file',
    isRelayed: false,
    startPath: '/v1/observability/datasets/ds_1/imports/from-file',
    requestHash: 'a1b2',
    search: null,
    metadata: { run: 7 },
    callback: {
      url: 'https://hooks.example.com/secret-path',
      events: ['import.completed', 'import.failed'],
    },
    origin: 'https://windsock.example.com',
    ...change,
  } satisfies ImportOrder);
}

/** An import of one task, before anything happened. */
export function startingImport(change: Partial<ImportState> = {}): ImportState {
  return frozen({ ...newImport(order(), [1], CREATED_AT), ...change });
}

/** A task that goes on. */
export function runningTask(change: Partial<ImportTask> = {}): ImportTask {
  return frozen({
    id: 'task_1',
    weight: 1,
    status: 'RUNNING',
    progress: 0,
    message: null,
    end: null,
    startedAt: CREATED_AT,
    missing: 0,
    ...change,
  });
}

/** A task that is still to be started. */
export function unstartedTask(change: Partial<ImportTask> = {}): ImportTask {
  return runningTask({ id: null, status: '', progress: null, startedAt: null, ...change });
}

/** An import whose tasks were all started; of one task unless told otherwise. */
export function runningImport(change: Partial<ImportState> = {}): ImportState {
  return startingImport({
    status: 'running',
    tasks: [runningTask()],
    sequence: 2,
    nextStartAt: null,
    nextPollAt: at(1),
    ...change,
  });
}

/** An import whose start of a task was sent a second after the creation and is not noted. */
export function sendingImport(change: Partial<ImportState> = {}): ImportState {
  const openStart = { position: 0, sentAt: at(1), settledAt: at(11) };
  return startingImport({ openStart, hasTurn: true, ...change });
}

export function observed(change: Partial<ObservedTask> = {}): ObservedTask {
  return frozen({
    id: 'task_1',
    status: 'RUNNING',
    progress: 0,
    message: null,
    createdAt: CREATED_AT,
    updatedAt: CREATED_AT,
    ...change,
  });
}

/** A poll that found some tasks; `task_1` running, unless told otherwise. */
export function polled(...tasks: Partial<ObservedTask>[]): Observation {
  const seen = (tasks.length === 0 ? [{}] : tasks).map((task) => observed(task));
  return { kind: 'polled', tasks: new Map(seen.map((task) => [task.id, task])), listCalls: 1 };
}

/** A poll that was answered 404 for some tasks. */
export function missing(...ids: string[]): Observation {
  const gone = ids.length === 0 ? ['task_1'] : ids;
  return { kind: 'polled', tasks: new Map(gone.map((id) => [id, null])), listCalls: 1 };
}

export function started(task: Partial<ObservedTask> = {}, position = 0): Observation {
  return { kind: 'started', position, task: observed(task) };
}
