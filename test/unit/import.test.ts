import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DEFAULT_EVENTS,
  IMPORT_EVENTS,
  IMPORT_STATUSES,
  isTerminal,
  newImport,
  openTasks,
  plannedTask,
} from '../../src/domain/import.ts';
import { CREATED_AT, order, runningImport, runningTask, unstartedTask } from './import-fixtures.ts';

const TERMINAL_STATUSES = IMPORT_STATUSES.filter(isTerminal);

test('only starting and running are not terminal', () => {
  assert.deepEqual(TERMINAL_STATUSES, [
    'completed',
    'failed',
    'canceled',
    'terminated',
    'timed_out',
    'lost',
  ]);
});

test('a callback gets the terminal events by default and may ask for two more', () => {
  assert.deepEqual(
    DEFAULT_EVENTS,
    TERMINAL_STATUSES.map((status) => `import.${status}`),
  );
  assert.deepEqual(IMPORT_EVENTS, ['import.started', 'import.progress', ...DEFAULT_EVENTS]);
});

test('a new import is starting at once, with a task for each weight, nothing known and sequence 1', () => {
  assert.deepEqual(newImport(order(), [500, 20], CREATED_AT), {
    ...order(),
    status: 'starting',
    progress: 0,
    message: null,
    tasks: [plannedTask(500), plannedTask(20)],
    openStart: null,
    hasTurn: false,
    turnEnd: null,
    sequence: 1,
    createdAt: CREATED_AT,
    updatedAt: CREATED_AT,
    finishedAt: null,
    polls: 0,
    detectedAfterMs: null,
    nextStartAt: CREATED_AT,
    startFailures: 0,
    nextPollAt: null,
    progressAt: CREATED_AT,
    progressSentAt: null,
    failures: 0,
    listPages: 1,
  });
});

test('a new import takes nothing of the order but what belongs to its state', () => {
  const withParts = { ...order(), parts: ['a body'], headers: { cookie: 'secret' } };
  const state = newImport(withParts, [1], CREATED_AT);
  assert.ok(!('parts' in state) && !('headers' in state));
});

test('a new import that is to be searched for has no tasks', () => {
  const state = newImport(order({ search: { filters: { AND: [] } } }), [], CREATED_AT);
  assert.deepEqual(state.tasks, []);
  assert.deepEqual(state.search, { filters: { AND: [] } });
});

test('open are the tasks that were started and have not ended', () => {
  const tasks = [
    runningTask({ id: 'a', end: 'completed' }),
    runningTask({ id: 'b' }),
    runningTask({ id: 'c', end: 'lost' }),
    runningTask({ id: 'd' }),
    unstartedTask(),
    unstartedTask({ end: 'failed' }),
  ];
  assert.deepEqual(
    openTasks(runningImport({ tasks })).map(({ id }) => id),
    ['b', 'd'],
  );
});
