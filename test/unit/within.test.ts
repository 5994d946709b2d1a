import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimedOut, within } from '../../src/platform/within.ts';

const never = new Promise<never>(() => undefined);

test('what comes in time is handed on, a failure too', async () => {
  assert.equal(await within(Promise.resolve(7), 10_000), 7);
  await assert.rejects(within(Promise.reject(new Error('broken')), 10_000), /broken/);
});

test('what does not come in time is given up', async () => {
  const startedAt = performance.now();
  await assert.rejects(within(never, 30), TimedOut);
  assert.ok(performance.now() - startedAt >= 25);
});
