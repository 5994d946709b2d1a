import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importView, type DeliverySummary } from '../../src/domain/import-view.ts';
import { iso } from '../../src/domain/time.ts';
import {
  CREATED_AT,
  runningImport,
  runningTask,
  sendingImport,
  startingImport,
  unstartedTask,
} from './import-fixtures.ts';

const NO_DELIVERY: DeliverySummary = {
  status: 'none',
  attempts: 0,
  nextAttemptAt: null,
  lastStatus: null,
};

test('times are ISO 8601 in UTC with milliseconds', () => {
  assert.equal(iso(0), '1970-01-01T00:00:00.000Z');
  assert.equal(iso(CREATED_AT + 7), '2026-03-01T12:00:00.007Z');
});

test('a finished import shows exactly the fields of the interface', () => {
  const state = runningImport({
    status: 'completed',
    progress: 100,
    message: 'done',
    tasks: [runningTask({ status: 'COMPLETED', progress: 100, end: 'completed' })],
    sequence: 5,
    updatedAt: CREATED_AT + 2000,
    finishedAt: CREATED_AT + 2000,
    polls: 4,
    detectedAfterMs: 130,
  });
  const delivery: DeliverySummary = {
    status: 'pending',
    attempts: 2,
    nextAttemptAt: CREATED_AT + 9000,
    lastStatus: 503,
  };
  assert.deepEqual(importView(state, delivery), {
    id: 'imp_1',
    object: 'import',
    dataset_id: 'ds_1',
    source: 'file',
    status: 'completed',
    progress: 100,
    message: 'done',
    tasks: [{ id: 'task_1', status: 'COMPLETED', progress: 100 }],
    metadata: { run: 7 },
    sequence: 5,
    created_at: '2026-03-01T12:00:00.000Z',
    updated_at: '2026-03-01T12:00:02.000Z',
    finished_at: '2026-03-01T12:00:02.000Z',
    polls: 4,
    detected_after_ms: 130,
    callback: {
      url: 'https://hooks.example.com/secret-path',
      events: ['import.completed', 'import.failed'],
    },
    delivery: {
      status: 'pending',
      attempts: 2,
      next_attempt_at: '2026-03-01T12:00:09.000Z',
      last_status: 503,
    },
  });
});

test('what is not there yet is null, and no task is an empty list', () => {
  const view = importView(startingImport({ callback: null, metadata: {} }), NO_DELIVERY);
  assert.deepEqual(view.tasks, []);
  assert.deepEqual(view.metadata, {});
  const absent = [view.message, view.finished_at, view.detected_after_ms, view.callback];
  assert.deepEqual(absent, [null, null, null, null]);
  assert.deepEqual(view.delivery, {
    status: 'none',
    attempts: 0,
    next_attempt_at: null,
    last_status: null,
  });
});

test('tasks that were started are shown, in their order, with the upstream’s words', () => {
  const tasks = [
    runningTask({ id: 'a', status: 'COMPLETED', progress: null, end: 'completed' }),
    unstartedTask({ end: 'failed', message: 'refused' }),
    runningTask({ id: 'b', status: 'PAUSED', progress: 7.5, missing: 1 }),
    unstartedTask(),
  ];
  assert.deepEqual(importView(runningImport({ tasks }), NO_DELIVERY).tasks, [
    { id: 'a', status: 'COMPLETED', progress: null },
    { id: 'b', status: 'PAUSED', progress: 7.5 },
  ]);
});

test('what is ours alone is not shown', () => {
  const state = sendingImport({
    clientId: 'cl_hidden',
    requestHash: 'hash-hidden',
    startPath: '/hidden',
    search: { filters: 'hidden' },
    turnEnd: { taskId: 'hidden' },
  });
  const text = JSON.stringify(importView(state, NO_DELIVERY));
  for (const hidden of ['hidden', 'windsock.example.com', 'nextPollAt', 'openStart', 'Turn']) {
    assert.ok(!text.includes(hidden), hidden);
  }
});
