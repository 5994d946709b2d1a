import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Batches } from '../../src/platform/batches.ts';

const SETTINGS = { failure: 'lost', gatherMs: 20, maxWaiting: 1000, retryMs: [1, 1] };

/** Batches whose hand-over notes what it got, and fails as often as it is told to. */
function noted(settings: Partial<typeof SETTINGS> = {}, failures = 0) {
  const batches = new Batches<number>({ ...SETTINGS, ...settings });
  const calls: number[][] = [];
  let left = failures;
  const handOver = async (items: number[]) => {
    calls.push([...items]);
    if (left-- > 0) throw new Error('no answer');
  };
  return { calls, add: (name: string, item: number) => batches.add(name, item, handOver) };
}

test('what comes while the first item waits goes over in one call, in order', async () => {
  const { calls, add } = noted();
  const flush = add('a', 1);
  assert.ok(flush);
  assert.equal(add('a', 2), null);
  assert.equal(add('a', 3), null);
  assert.deepEqual(calls, []);
  await flush;
  assert.deepEqual(calls, [[1, 2, 3]]);
});

test('each name has a batch of its own, and the next item after a flush begins a new one', async () => {
  const { calls, add } = noted();
  await Promise.all([add('a', 1), add('b', 2)]);
  await add('a', 3);
  assert.deepEqual(
    calls.toSorted(([left = 0], [right = 0]) => left - right),
    [[1], [2], [3]],
  );
});

test('a full batch goes over at once, and the flush that waited for it does nothing more', async () => {
  const { calls, add } = noted({ maxWaiting: 3, gatherMs: 50 });
  const flushes = [1, 2, 3, 4].map((item) => add('a', item));
  assert.deepEqual(
    flushes.map((flush) => flush !== null),
    [true, false, true, true],
  );
  assert.deepEqual(calls, [[1, 2, 3]]);
  await Promise.all(flushes.map(async (flush) => flush));
  assert.deepEqual(calls, [[1, 2, 3], [4]]);
});

test('a hand-over that fails is made again with the same items', async () => {
  const { calls, add } = noted({}, 2);
  await add('a', 1);
  assert.deepEqual(calls, [[1], [1], [1]]);
});

test('what cannot be handed over is logged, never thrown', async () => {
  const { calls, add } = noted({}, 99);
  const log = mock.method(console, 'error', () => undefined);
  await add('a', 1);
  assert.equal(calls.length, 3);
  assert.deepEqual(
    log.mock.calls.map((call) => JSON.parse(String(call.arguments[0])) as unknown),
    [{ event: 'lost', error: 'Error: no answer', name: 'a', items: 1 }],
  );
  log.mock.restore();
});

test('items of a request that died before its flush go over with the next one', async (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'] });
  const { calls, add } = noted();
  void add('a', 1);
  // The request is gone and its timer with it: the clock goes on, the timer never fires.
  t.mock.timers.setTime(5000 - 1);
  t.mock.timers.reset();
  t.mock.timers.enable({ apis: ['Date'], now: 5000 });
  await add('a', 2);
  assert.deepEqual(calls, [[1, 2]]);
});
