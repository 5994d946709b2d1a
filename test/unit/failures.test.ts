import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failureStatus, Refusal, type FailureCode } from '../../src/domain/failures.ts';
import { jsonPointer } from '../../src/domain/json-pointer.ts';

describe('the status of a failure', () => {
  const statuses: readonly (readonly [FailureCode, number])[] = [
    ['unauthorized', 401],
    ['forbidden', 403],
    ['not_found', 404],
    ['method_not_allowed', 405],
    ['invalid_request', 400],
    ['invalid_filter', 400],
    ['invalid_jsonl', 422],
    ['idempotency_conflict', 409],
    ['payload_too_large', 413],
    ['unsupported_media_type', 415],
    ['callback_refused', 422],
    ['rate_limited', 429],
    ['upstream_error', 502],
    ['upstream_unavailable', 503],
    ['upstream_timeout', 504],
    ['internal', 500],
  ];
  for (const [code, status] of statuses) {
    test(`of ${code} is ${status}`, () => {
      assert.equal(failureStatus({ code, message: '' }), status);
    });
  }

  test('is the upstream’s own where it is kept', () => {
    assert.equal(failureStatus({ code: 'invalid_request', message: '', status: 422 }), 422);
  });
});

test('a refusal is an error that carries its failure', () => {
  const failure = { code: 'not_found', message: 'There is no such import.' } as const;
  const refusal = new Refusal(failure);
  assert.ok(refusal instanceof Error);
  assert.equal(refusal.name, 'Refusal');
  assert.equal(refusal.message, 'There is no such import.');
  assert.equal(refusal.failure, failure);
});

describe('a JSON Pointer', () => {
  const pointers: readonly (readonly [readonly PropertyKey[], string])[] = [
    [[], ''],
    [['messages', 0, 'role'], '/messages/0/role'],
    [[''], '/'],
    [['a/b', 'm~n'], '/a~1b/m~0n'],
    [['~1'], '/~01'],
    [['~/~/'], '/~0~1~0~1'],
    [['a b', 'é"'], '/a b/é"'],
  ];
  for (const [path, pointer] of pointers) {
    test(`of ${JSON.stringify(path)} is ${JSON.stringify(pointer)}`, () => {
      assert.equal(jsonPointer(path), pointer);
    });
  }
});
