import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failureStatus } from '../../src/domain/failures.ts';
import { redact } from '../../src/domain/redact.ts';
import { observabilityRefusal } from '../../src/http/upstream-refusal.ts';

const refusal = (status: number, body: unknown, retryAfter: string | null = null) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const { failure } = observabilityRefusal({ status, body: text, retryAfter });
  return { ...failure, status: failureStatus(failure) };
};
const error = (message: string, error_code: string | null) => ({ detail: { message, error_code } });

describe('a 404 of the thing that was asked for', () => {
  for (const body of [
    error('Dataset x not found.', 'DATASET_NOT_FOUND'),
    error('Dataset x not found.', 'SOMETHING_NEW_NOT_FOUND'),
    error('Dataset x not found.', null),
    { detail: { message: 'Dataset x not found.' } },
  ]) {
    test(`${JSON.stringify(body)} keeps its message`, () => {
      const { code, status, message } = refusal(404, body);
      assert.deepEqual([code, status, message], ['not_found', 404, 'Dataset x not found.']);
    });
  }
});

describe('a path that the upstream has no more', () => {
  const bodies = [
    { detail: 'Not Found' },
    { message: 'no Route matched with those values' },
    error('Not offered.', 'FEATURE_NOT_SUPPORTED'),
    { detail: null },
    '<html>404</html>',
    '',
    '[]',
  ];
  for (const [status, body] of [
    ...bodies.map((body) => [404, body] as const),
    [410, ''] as const,
    [410, error('Gone.', 'DATASET_NOT_FOUND')] as const,
  ]) {
    test(`${status} ${JSON.stringify(body)} names the backend that has it`, () => {
      const told = refusal(status, body);
      assert.deepEqual([told.code, told.status], ['not_found', 404]);
      assert.match(told.message, /no longer offers .*OBSERVABILITY_BACKEND=builtin/);
    });
  }
});

test('a 403 is our 502, says what the upstream said, and how to do without', () => {
  const body = error('Only for admins.', 'AUTH_FORBIDDEN_NOT_WORKSPACE_ADMIN');
  const told = refusal(403, body);
  assert.deepEqual([told.code, told.status], ['upstream_error', 502]);
  assert.match(told.message, /Only for admins\..*OBSERVABILITY_BACKEND=builtin/);
  assert.deepEqual(told.upstream, { status: 403, body: JSON.stringify(body) });
});

test('a secret is struck out of a text wherever it stands; what is too short to be one is a word', () => {
  assert.equal(redact('a secret-1 b secret-1', ['secret-1']), 'a [redacted] b [redacted]');
  assert.equal(redact('the key is wrong', ['key']), 'the key is wrong');
  assert.equal(redact('text', []), 'text');
});
