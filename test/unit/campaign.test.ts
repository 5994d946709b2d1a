import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterVerdicts, STARTED, type CampaignProgress } from '../../src/domain/campaign.ts';

test('a campaign counts what was judged and what was not, and keeps the first failure', () => {
  const first = afterVerdicts(STARTED, ['judged', { problem: 'A' }, 'judged'], 3, false);
  assert.deepEqual(first, {
    status: 'RUNNING',
    message: 'A',
    position: 3,
    judged: 2,
    failed: 1,
  } satisfies CampaignProgress);
  const last = afterVerdicts(first, [{ problem: 'B' }, 'judged'], 5, true);
  assert.deepEqual(last, {
    status: 'COMPLETED',
    message: '2 of 5 events could not be judged. The first failure: A',
    position: 5,
    judged: 3,
    failed: 2,
  } satisfies CampaignProgress);
});

test('a campaign without a failure says nothing', () => {
  const end = afterVerdicts(STARTED, ['judged', 'judged'], 2, true);
  assert.deepEqual([end.status, end.message], ['COMPLETED', null]);
});

test('a campaign fails when no event could be judged, not when only some could', () => {
  const none = afterVerdicts(STARTED, [{ problem: 'A' }, 'gone', { problem: 'B' }], 3, true);
  assert.equal(none.status, 'FAILED');
  assert.equal(none.message, 'None of 2 events could be judged. The first failure: A');
  const late = afterVerdicts({ ...none, status: 'RUNNING', message: 'A' }, ['judged'], 4, true);
  assert.equal(late.status, 'COMPLETED');
});

test('events that were deleted count neither way', () => {
  const end = afterVerdicts(STARTED, ['gone', 'gone'], 2, true);
  assert.deepEqual([end.status, end.message, end.judged, end.failed], ['COMPLETED', null, 0, 0]);
});
