import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  pollStep,
  startStep,
  type PollStep,
  type StartStep,
} from '../../src/domain/import-steps.ts';
import { IMPORT_STATUSES, isTerminal, type ImportState } from '../../src/domain/import.ts';
import {
  at,
  runningImport,
  runningTask,
  sendingImport,
  startingImport,
  unstartedTask,
} from './import-fixtures.ts';

const SEARCHING = { tasks: [], search: { filters: { AND: [] } } };

describe('the step of starting that is due', () => {
  const later = runningImport({ tasks: [runningTask(), unstartedTask()], nextStartAt: at(5) });
  const done = [runningTask({ end: 'completed' }), runningTask({ id: 'b' })];
  const cases: readonly (readonly [string, ImportState, StartStep | null])[] = [
    ['a new import', startingImport(), { kind: 'send', position: 0 }],
    [
      'a new import that searches',
      startingImport(SEARCHING),
      { kind: 'search', filters: { AND: [] } },
    ],
    ['the next task', later, { kind: 'send', position: 1 }],
    ['all started', runningImport({ tasks: done, nextStartAt: at(5) }), null],
    [
      'the rest was refused',
      runningImport({
        tasks: [runningTask(), unstartedTask({ end: 'failed' })],
        nextStartAt: at(5),
      }),
      null,
    ],
    ['an open start', sendingImport(), { kind: 'look' }],
    ['nothing planned', startingImport({ nextStartAt: null }), null],
    ['not due yet', startingImport({ nextStartAt: at(5.001) }), null],
    ['due this very moment', startingImport({ nextStartAt: at(5) }), { kind: 'send', position: 0 }],
    ['an open start that is not due', sendingImport({ nextStartAt: at(6) }), null],
    [
      'a turn to be given back comes before the next start',
      { ...later, turnEnd: { taskId: 'a' } },
      { kind: 'end_turn', taskId: 'a' },
    ],
    [
      'and does not wait for it',
      { ...later, nextStartAt: at(99), turnEnd: { taskId: null } },
      { kind: 'end_turn', taskId: null },
    ],
  ];
  for (const [name, state, step] of cases) {
    test(`${name}: ${step?.kind ?? 'none'}`, () => assert.deepEqual(startStep(state, at(5)), step));
  }

  test('a terminal import only gives its turn back', () => {
    for (const status of IMPORT_STATUSES.filter(isTerminal)) {
      for (const state of [startingImport(), sendingImport(), startingImport(SEARCHING)]) {
        assert.equal(startStep({ ...state, status }, at(5)), null);
        const turnEnd = { taskId: 'a' };
        const step = { kind: 'end_turn', ...turnEnd };
        assert.deepEqual(startStep({ ...state, status, turnEnd }, at(5)), step);
      }
    }
  });
});

describe('the poll that is due', () => {
  /** An import of so many open tasks whose last list took so many pages. */
  const open = (count: number, listPages = 1) =>
    runningImport({
      tasks: Array.from({ length: count }, (_, index) => runningTask({ id: `task_${index}` })),
      listPages,
    });
  const kinds: readonly (readonly [number, number, PollStep['kind']])[] = [
    [1, 1, 'fetch'],
    [1, 50, 'fetch'],
    [2, 1, 'list'],
    [2, 2, 'list'],
    [2, 3, 'fetch'],
    [20, 20, 'list'],
    [20, 21, 'fetch'],
  ];
  for (const [tasks, pages, kind] of kinds) {
    test(`${tasks} open tasks, a list of ${pages} pages: ${kind}`, () => {
      const state = open(tasks, pages);
      const taskIds = state.tasks.flatMap(({ id }) => id ?? []);
      assert.deepEqual(pollStep(state, at(1)), { kind, taskIds });
    });
  }

  test('after a failure several tasks are asked for by their ids', () => {
    assert.equal(pollStep({ ...open(3), failures: 1 }, at(1))?.kind, 'fetch');
  });

  test('asks only for tasks that were started and have not ended', () => {
    const tasks = [
      runningTask({ id: 'a', end: 'completed' }),
      runningTask({ id: 'b' }),
      unstartedTask(),
    ];
    assert.deepEqual(pollStep(runningImport({ tasks }), at(1)), { kind: 'fetch', taskIds: ['b'] });
  });

  test('there is none before it is due, when none is planned, or without an open task', () => {
    assert.equal(pollStep(open(1), at(0.999)), null);
    assert.equal(pollStep({ ...open(1), nextPollAt: null }, at(99)), null);
    assert.equal(pollStep(startingImport({ nextPollAt: at(1) }), at(99)), null);
  });

  test('there is none of a terminal import', () => {
    for (const status of IMPORT_STATUSES.filter(isTerminal)) {
      assert.equal(pollStep({ ...open(2), status }, at(99)), null);
    }
  });
});
