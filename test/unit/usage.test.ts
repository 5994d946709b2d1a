import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  defaultSince,
  FOLDED_ID_MS,
  ledgerRow,
  nextFoldAt,
  usageQuery,
  usageReport,
  type UsageRow,
} from '../../src/domain/usage.ts';

const DAY_MS = 86_400_000;

const ROW: UsageRow = {
  requestId: 'r',
  model: 'mistral-small-latest',
  stream: true,
  outcome: 'completed',
  promptTokens: 0,
  completionTokens: null,
  totalTokens: 7,
  ttfbMs: 12.6,
  durationMs: 99.4,
  bytes: 1234,
  startedAt: 1_790_000_000_000,
};

describe('the report', () => {
  const sums = (requests: number, prompt: number, completion: number) => ({
    requests,
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  });

  test('of nothing is zeros and empty lists', () => {
    assert.deepEqual(usageReport(0, [], []), {
      since: '1970-01-01T00:00:00.000Z',
      totals: sums(0, 0, 0),
      by_model: [],
      by_day: [],
      recent: [],
    });
  });

  test('sums per model, the most used first, and per day, the earliest first', () => {
    const days = [
      { day: '2026-03-02', model: 'small', ...sums(1, 10, 1) },
      { day: '2026-03-01', model: 'small', ...sums(2, 20, 2) },
      { day: '2026-03-02', model: 'large', ...sums(4, 0, 0) },
      { day: '2026-03-01', model: 'codestral', ...sums(3, 5, 5) },
    ];
    const report = usageReport(Date.UTC(2026, 2, 1), days, []);
    assert.deepEqual(report.totals, sums(10, 35, 8));
    assert.deepEqual(report.by_model, [
      { model: 'large', ...sums(4, 0, 0) },
      { model: 'codestral', ...sums(3, 5, 5) },
      { model: 'small', ...sums(3, 30, 3) },
    ]);
    assert.deepEqual(report.by_day, [
      { day: '2026-03-01', ...sums(5, 25, 7) },
      { day: '2026-03-02', ...sums(5, 10, 1) },
    ]);
  });

  test('takes any name of a model for a name', () => {
    const names = ['__proto__', 'constructor', ''];
    const days = names.map((model) => ({ day: '2026-03-01', model, ...sums(1, 1, 1) }));
    const { by_model } = usageReport(0, days, []);
    assert.deepEqual(by_model.map(({ model }) => model).toSorted(), names.toSorted());
  });
});

describe('since', () => {
  const read = (since?: unknown) => usageQuery.safeParse({ since });
  const good: [string, number][] = [
    ['2026-03-01', Date.UTC(2026, 2, 1)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
    ['2026-03-01T10:20:30Z', Date.UTC(2026, 2, 1, 10, 20, 30)],
    ['2026-03-01T10:20:30.456Z', Date.UTC(2026, 2, 1, 10, 20, 30, 456)],
    ['2026-03-01T00:00:00+02:00', Date.UTC(2026, 1, 28, 22)],
    ['2026-03-01T00:00:00-05:30', Date.UTC(2026, 2, 1, 5, 30)],
    ['2026-03-01T00:00:00 02:00', Date.UTC(2026, 1, 28, 22)],
  ];
  for (const [text, at] of good) {
    test(`${text} is taken`, () => assert.equal(read(text).data?.since, at));
  }
  const bad = [
    '',
    'yesterday',
    '1790000000000',
    '2026',
    '2026-03',
    '2026-02-30',
    '2025-02-29',
    '2026-13-01',
    '01.03.2026',
    '2026-03-01T10:20:30',
    '2026-03-01T25:00:00Z',
    '2026-03-01 10:20:30Z',
    ' 2026-03-01',
    ['2026-03-01', '2026-03-02'],
  ];
  for (const text of bad) {
    test(`${JSON.stringify(text)} is refused at its path`, () => {
      assert.deepEqual(
        read(text).error?.issues.map(({ path }) => path),
        [['since']],
      );
    });
  }
  test('left out it is 30 days back', () => {
    assert.deepEqual(read().data, { since: undefined });
    assert.equal(defaultSince(31 * DAY_MS), DAY_MS);
  });
});

test('a row goes over with whole milliseconds, a bounded model, and its tokens as they are', () => {
  const row = ledgerRow({ ...ROW, model: 'm'.repeat(5000) }, 'id');
  assert.deepEqual(row, { ...ROW, id: 'id', model: 'm'.repeat(200), ttfbMs: 13, durationMs: 99 });
  assert.equal(ledgerRow({ ...ROW, ttfbMs: null }, 'id').ttfbMs, null);
});

describe('the next fold', () => {
  const age = (oldestRow: number | null, oldestFolded: number | null = null) => ({
    oldestRow,
    oldestFolded,
  });
  const retention = 30 * DAY_MS;

  test('is never where the ledger is empty', () => {
    assert.equal(nextFoldAt(age(null), retention, 0), null);
  });
  test('is when the oldest row is past its retention', () => {
    assert.equal(nextFoldAt(age(5 * DAY_MS), retention, 0), 35 * DAY_MS);
  });
  test('keeps an hour’s distance to the last one, less where little is retained', () => {
    const last = 40 * DAY_MS;
    assert.equal(nextFoldAt(age(10 * DAY_MS), retention, last), last + 3_600_000);
    assert.equal(nextFoldAt(age(last - 5000), 1000, last), last + 1000);
  });
  test('looks after the ids of folded rows too', () => {
    assert.equal(nextFoldAt(age(null, 7), retention, 0), 7 + FOLDED_ID_MS);
    assert.equal(nextFoldAt(age(100 * DAY_MS, 7), retention, 0), 7 + FOLDED_ID_MS);
  });
});
