import {
  newImport,
  type ImportOrder,
  type ImportState,
  type ObservedTask,
} from '../../src/domain/import.ts';

/** When the imports of the tests were created, in milliseconds since the epoch. */
export const CREATED_AT = Date.parse('2026-03-01T12:00:00.000Z');

/** Frozen, so that a rule that changes what it is given throws. */
export function order(change: Partial<ImportOrder> = {}): ImportOrder {
  return Object.freeze({
    id: 'imp_1',
    clientId: 'cl_1',
    datasetId: 'ds_1',
    source: 'file',
    startBody: { file_id: 'file_1' },
    requestHash: 'a1b2',
    metadata: { run: 7 },
    callback: {
      url: 'https://hooks.example.com/secret-path',
      events: ['import.completed', 'import.failed'],
    },
    origin: 'https://windsock.example.com',
    ...change,
  } satisfies ImportOrder);
}

export function startingImport(change: Partial<ImportState> = {}): ImportState {
  return Object.freeze({ ...newImport(order(), CREATED_AT), ...change });
}

export function runningImport(change: Partial<ImportState> = {}): ImportState {
  return startingImport({
    status: 'running',
    task: { id: 'task_1', status: 'RUNNING', progress: 0 },
    sequence: 2,
    nextPollAt: CREATED_AT + 1000,
    ...change,
  });
}

export function observed(change: Partial<ObservedTask> = {}): ObservedTask {
  return Object.freeze({
    id: 'task_1',
    status: 'RUNNING',
    progress: 0,
    message: null,
    updatedAt: CREATED_AT,
    ...change,
  });
}
