import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptView } from '../../src/domain/attempt-view.ts';
import { CREATED_AT } from './import-fixtures.ts';

const ATTEMPT = {
  id: 'msg_1',
  event: 'import.completed',
  attempt: 3,
  at: CREATED_AT + 7,
  durationMs: 42,
  status: 503,
  error: 'http',
  responseExcerpt: 'busy',
} as const;

test('an attempt shows exactly the fields of the interface, in its order', () => {
  assert.equal(
    JSON.stringify(attemptView(ATTEMPT)),
    JSON.stringify({
      id: 'msg_1',
      event: 'import.completed',
      attempt: 3,
      at: '2026-03-01T12:00:00.007Z',
      duration_ms: 42,
      status: 503,
      error: 'http',
      response_excerpt: 'busy',
    }),
  );
});

test('without an answer the status is null, without a failure the error', () => {
  const timedOut = attemptView({ ...ATTEMPT, status: null, error: 'timeout', responseExcerpt: '' });
  assert.deepEqual(
    [timedOut.status, timedOut.error, timedOut.response_excerpt],
    [null, 'timeout', ''],
  );
  const delivered = attemptView({ ...ATTEMPT, status: 204, error: null });
  assert.deepEqual([delivered.status, delivered.error], [204, null]);
});

test('columns of the table that are no part of it are not shown', () => {
  const row = { ...ATTEMPT, number: 9, delivery_id: 'msg_1' };
  assert.ok(!('number' in attemptView(row)) && !('delivery_id' in attemptView(row)));
});
