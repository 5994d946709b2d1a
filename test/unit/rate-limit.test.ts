import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Refusal } from '../../src/domain/failures.ts';
import { RATE_WINDOW_MS, SlidingWindow, type Admission } from '../../src/domain/rate-limit.ts';
import { withinRateLimit } from '../../src/http/middleware/rate-limit.ts';

const NOW = 1_772_366_400_000;

/** What a window says to requests at such times (milliseconds from the start): `ok`, or the wait in milliseconds. */
function answers(requests: readonly [at: number, limit: number][]): ('ok' | number)[] {
  const window = new SlidingWindow();
  return requests.map(([at, limit]) => {
    const admission = window.admit(limit, NOW + at);
    return admission.ok ? 'ok' : admission.retryAfterMs;
  });
}

const TABLE: [string, [number, number][], ('ok' | number)[]][] = [
  [
    'the limit is reached and not passed',
    [
      [0, 2],
      [0, 2],
      [0, 2],
    ],
    ['ok', 'ok', 60_000],
  ],
  [
    'a request counts until a minute after it',
    [
      [0, 1],
      [59_999, 1],
      [60_000, 1],
    ],
    ['ok', 1, 'ok'],
  ],
  [
    'the wait is for the oldest only',
    [
      [0, 2],
      [40_000, 2],
      [50_000, 2],
      [60_000, 2],
      [60_001, 2],
    ],
    ['ok', 'ok', 10_000, 'ok', 39_999],
  ],
  [
    'a minute of the clock gives no second helping',
    [
      [59_000, 1],
      [61_000, 1],
      [118_999, 1],
      [119_000, 1],
    ],
    ['ok', 58_000, 1, 'ok'],
  ],
  [
    'what is refused does not count',
    [
      [0, 1],
      [10_000, 1],
      [20_000, 1],
      [60_000, 1],
    ],
    ['ok', 50_000, 40_000, 'ok'],
  ],
  [
    'a raised limit holds at once',
    [
      [0, 1],
      [1, 1],
      [2, 3],
      [3, 3],
      [4, 3],
    ],
    ['ok', 59_999, 'ok', 'ok', 59_996],
  ],
  [
    'a lowered limit waits until enough are over',
    [
      [0, 3],
      [10_000, 3],
      [20_000, 3],
      [30_000, 1],
      [79_999, 1],
      [80_000, 1],
    ],
    ['ok', 'ok', 'ok', 50_000, 1, 'ok'],
  ],
  [
    'a clock that was put back forgets nothing',
    [
      [5000, 2],
      [0, 2],
      [1000, 2],
      [64_999, 2],
      [65_000, 2],
    ],
    ['ok', 'ok', 64_000, 1, 'ok'],
  ],
];

for (const [name, requests, expected] of TABLE) {
  test(name, () => assert.deepEqual(answers(requests), expected));
}

/** The same numbers in [0, 1) each time (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('no 60 seconds have more than the limit, and none is refused that would fit, over random requests', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = randomOf(seed);
    const limit = 1 + Math.floor(random() * 40);
    const window = new SlidingWindow();
    const admitted: number[] = [];
    let now = NOW;
    for (let request = 0; request < 800; request++) {
      // Bursts within a millisecond, a steady flow, and silences of about a window.
      const kind = random();
      now += kind < 0.4 ? 0 : Math.floor(random() * (kind < 0.97 ? 4000 : 70_000));
      const inWindow = admitted.filter((at) => at > now - RATE_WINDOW_MS).length;
      const { ok } = window.admit(limit, now);
      assert.equal(ok, inWindow < limit, `seed ${seed}, request ${request}`);
      if (ok) admitted.push(now);
    }
    admitted.forEach((at, index) => {
      const next = admitted[index + limit];
      assert.ok(next === undefined || next - at >= RATE_WINDOW_MS, `seed ${seed}`);
    });
  }
});

test('after retryAfterMs a request is admitted and a millisecond before it is not, also when the limit changes', () => {
  let refusals = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const random = randomOf(seed);
    const window = new SlidingWindow();
    let now = NOW;
    for (let request = 0; request < 300; request++) {
      now += Math.floor(random() * 3000);
      const limit = 1 + Math.floor(random() * 20);
      const admission = window.admit(limit, now);
      if (admission.ok) continue;
      refusals += 1;
      assert.ok(admission.retryAfterMs >= 1 && admission.retryAfterMs <= RATE_WINDOW_MS);
      now += admission.retryAfterMs;
      assert.deepEqual(window.admit(limit, now - 1), { ok: false, retryAfterMs: 1 });
      assert.deepEqual(window.admit(limit, now), { ok: true });
    }
  }
  assert.ok(refusals > 1000, `${refusals}`);
});

test('a window is empty a minute after the last that it admitted', () => {
  const window = new SlidingWindow();
  assert.equal(window.emptyAt(), null);
  window.admit(2, NOW);
  window.admit(2, NOW + 7);
  window.admit(2, NOW + 9);
  assert.equal(window.emptyAt(), NOW + 7 + RATE_WINDOW_MS);
});

test('the largest limit is counted exactly and in good time', () => {
  const window = new SlidingWindow();
  const limit = 1_000_000;
  const startedAt = performance.now();
  for (let request = 0; request < limit; request++) {
    assert.ok(window.admit(limit, NOW + Math.floor(request / 20)).ok);
  }
  assert.deepEqual(window.admit(limit, NOW + 50_000), { ok: false, retryAfterMs: 10_000 });
  for (let request = 0; request < 20; request++) assert.ok(window.admit(limit, NOW + 60_000).ok);
  assert.deepEqual(window.admit(limit, NOW + 60_000), { ok: false, retryAfterMs: 1 });
  assert.ok(performance.now() - startedAt < 5000);
});

describe('at the edge', () => {
  const grant = (rateLimit: number | null) => ({ clientId: 'cl_1', rateLimit });
  const limiters = (answer: () => Promise<Admission>) => ({ getByName: () => ({ admit: answer }) });
  const retryAfterOf = async (answer: () => Promise<Admission>) => {
    try {
      await withinRateLimit(limiters(answer), grant(5));
      return 'admitted';
    } catch (error) {
      assert.ok(error instanceof Refusal);
      assert.equal(error.failure.code, 'rate_limited');
      return error.failure.headers?.['retry-after'];
    }
  };

  test('a client without a limit makes no call', async () => {
    const asked = () => assert.fail('asked');
    await withinRateLimit({ getByName: asked }, grant(null));
  });

  test('Retry-After is whole seconds, never too few', async () => {
    for (const [retryAfterMs, seconds] of [
      [1, '1'],
      [1000, '1'],
      [1001, '2'],
      [60_000, '60'],
    ] as const) {
      assert.equal(await retryAfterOf(async () => ({ ok: false, retryAfterMs })), seconds);
    }
  });

  test('an overloaded object is over the limit; one that fails otherwise stands in nobody’s way', async (t) => {
    const logged = t.mock.method(console, 'error', () => undefined);
    const overloaded = Object.assign(new Error('Durable Object is overloaded.'), {
      overloaded: true,
    });
    assert.equal(await retryAfterOf(() => Promise.reject(overloaded)), '1');
    assert.equal(logged.mock.callCount(), 0);
    assert.equal(await retryAfterOf(() => Promise.reject(new Error('reset'))), 'admitted');
    assert.equal(logged.mock.callCount(), 1);
  });
});
