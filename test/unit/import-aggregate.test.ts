import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aggregate, endOf } from '../../src/domain/import-aggregate.ts';
import type { ImportTask, TerminalStatus } from '../../src/domain/import.ts';
import { runningTask, unstartedTask } from './import-fixtures.ts';

const task = (change: Partial<ImportTask>) => runningTask(change);
const ended = (...ends: (TerminalStatus | null)[]) => ends.map((end) => task({ end }));

test('five words of the upstream end a task; every other one leaves it open', () => {
  const ends = {
    COMPLETED: 'completed',
    FAILED: 'failed',
    CANCELED: 'canceled',
    TERMINATED: 'terminated',
    TIMED_OUT: 'timed_out',
    RUNNING: null,
    CONTINUED_AS_NEW: null,
    UNKNOWN: null,
    completed: null,
    LOST: null,
    '': null,
    toString: null,
  };
  for (const [status, end] of Object.entries(ends)) assert.equal(endOf(status), end, status);
});

describe('the end', () => {
  const cases: readonly (readonly [readonly (TerminalStatus | null)[], TerminalStatus | null])[] = [
    [[], null],
    [[null], null],
    [['completed'], 'completed'],
    [['completed', 'completed', 'completed'], 'completed'],
    [['completed', null], null],
    [['failed', null, 'lost'], null],
    [['completed', 'canceled'], 'canceled'],
    [['canceled', 'terminated'], 'terminated'],
    [['timed_out', 'terminated'], 'timed_out'],
    [['timed_out', 'failed'], 'failed'],
    [['lost', 'failed'], 'lost'],
    [['completed', 'canceled', 'terminated', 'timed_out', 'failed', 'lost'], 'lost'],
  ];
  for (const [ends, end] of cases) {
    test(`[${ends.map(String).join(', ')}] → ${end}, in any order`, () => {
      assert.equal(aggregate(ended(...ends), 0).end, end);
      assert.equal(aggregate(ended(...ends.toReversed()), 0).end, end);
    });
  }

  test('a task that is still to be started keeps the import open', () => {
    assert.equal(aggregate([...ended('completed'), unstartedTask()], 0).end, null);
  });
});

describe('progress', () => {
  const cases: readonly (readonly [string, readonly Partial<ImportTask>[], number, number])[] = [
    ['of no task', [], 0, 0],
    ['of no task keeps what was reached', [], 7, 7],
    ['of one task is its own', [{ progress: 42 }], 0, 42],
    ['of equal weights is the mean', [{ progress: 10 }, { progress: 20 }], 0, 15],
    [
      'is weighted',
      [
        { progress: 100, weight: 500 },
        { progress: 0, weight: 1 },
      ],
      0,
      99,
    ],
    ['is cut, not rounded', [{ progress: 99.999 }], 0, 99],
    ['is 0 for a task that tells none', [{ progress: 50 }, { progress: null }], 0, 25],
    ['is 100 for a completed task', [{ end: 'completed', progress: 3 }, { progress: 0 }], 0, 50],
    ['is as last seen for a failed task', [{ end: 'failed', progress: 30 }], 0, 30],
    ['stays within 0 and 100', [{ progress: 900 }, { progress: -900 }], 0, 50],
    ['never goes back', [{ progress: 10 }], 42, 42],
    ['counts what is still to be started', [{ progress: 90 }, { id: null, progress: null }], 0, 45],
    ['of tasks without ids in them is 0', [{ progress: 50, weight: 0 }], 0, 0],
  ];
  for (const [name, tasks, reached, progress] of cases) {
    test(name, () => assert.equal(aggregate(tasks.map(task), reached).progress, progress));
  }

  test('is 100 when all are completed, and not before', () => {
    const many = Array.from({ length: 333 }, () => task({ weight: 7, end: 'completed' }));
    assert.equal(aggregate(many, 0).progress, 100);
    assert.equal(aggregate([...many, task({ weight: 1, progress: 99 })], 0).progress, 99);
  });
});

describe('the message', () => {
  const say = (message: string | null, end: TerminalStatus | null = null) => task({ message, end });
  const cases: readonly (readonly [string, readonly ImportTask[], string | null])[] = [
    ['is null when nobody says anything', [say(null), say(null)], null],
    ['is what the only task says', [say('reading')], 'reading'],
    ['says the same thing once', [say('reading'), say('reading')], 'reading'],
    ['joins what differs, in the order of the tasks', [say('b'), say(null), say('a')], 'b a'],
    ['is everyone’s while it goes on', [say('bad', 'failed'), say('reading')], 'bad reading'],
    [
      'is that of the worst once ended',
      [say('bad', 'failed'), say('fine', 'completed'), say('worse', 'failed')],
      'bad worse',
    ],
    ['is null when the worst says nothing', [say(null, 'failed'), say('fine', 'completed')], null],
  ];
  for (const [name, tasks, message] of cases) {
    test(name, () => assert.equal(aggregate(tasks, 0).message, message));
  }
});
