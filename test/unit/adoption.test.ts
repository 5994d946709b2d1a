import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findStarted } from '../../src/domain/adoption.ts';
import type { ObservedTask } from '../../src/domain/import.ts';
import { numbersFrom } from '../support/numbers.ts';
import { at, observed } from './import-fixtures.ts';

const OPEN_START = { position: 0, sentAt: at(100), settledAt: at(110) };
const NONE: ReadonlySet<string> = new Set();

const task = (id: string, second: number | null) =>
  observed({ id, createdAt: second === null ? null : at(second) });

const kindOf = (tasks: readonly ObservedTask[], claimed = NONE) =>
  findStarted(tasks, OPEN_START, claimed).kind;

describe('the time of creation', () => {
  const cases: readonly (readonly [string, number, 'found' | 'absent'])[] = [
    ['long before the start', 0, 'absent'],
    ['just before a clock that is 5 s behind', 94.999, 'absent'],
    ['at the start, by a clock 5 s behind', 95, 'found'],
    ['at the start', 100, 'found'],
    ['at the start, by a clock 5 s ahead', 105, 'found'],
    ['as late as the upstream takes a start', 110, 'found'],
    ['the same by a clock 5 s ahead', 115, 'found'],
    ['after that', 115.001, 'absent'],
  ];
  for (const [name, second, kind] of cases) {
    test(`${name}: ${kind}`, () => assert.equal(kindOf([task('a', second)]), kind));
  }

  test('that cannot be read leaves it open whether the task is ours', () => {
    assert.equal(kindOf([task('a', null)]), 'untellable');
    assert.equal(kindOf([task('a', 101), task('b', null)]), 'untellable');
    assert.equal(kindOf([task('a', 1), task('b', null)]), 'untellable');
  });

  test('of a task that belongs to an import does not matter', () => {
    assert.equal(kindOf([task('a', 101), task('b', null)], new Set(['b'])), 'found');
    assert.equal(kindOf([task('b', null)], new Set(['b'])), 'absent');
  });
});

test('an empty list has no task of ours', () => {
  assert.deepEqual(findStarted([], OPEN_START, NONE), { kind: 'absent' });
});

test('the task is found as the list shows it, ended or not', () => {
  const ours = observed({ id: 'a', createdAt: at(101), status: 'FAILED', message: 'x' });
  assert.deepEqual(findStarted([task('old', 1), ours], OPEN_START, NONE), {
    kind: 'found',
    task: ours,
  });
});

test('tasks that belong to imports are passed over, however near', () => {
  const claimed = new Set(['b', 'c']);
  const tasks = [task('b', 100), task('a', 101), task('c', 102)];
  assert.deepEqual(findStarted(tasks, OPEN_START, claimed), {
    kind: 'found',
    task: task('a', 101),
  });
  assert.equal(kindOf(tasks, new Set(['a', 'b', 'c'])), 'absent');
});

test('two tasks that fit cannot be told apart, and the message says how many there are', () => {
  const tasks = [task('a', 101), task('b', 102), task('c', 104), task('old', 3)];
  const finding = findStarted(tasks, OPEN_START, NONE);
  assert.ok(finding.kind === 'untellable');
  assert.match(finding.message, /cannot be told: 3 task\(s\)/);
});

test('a task that is on two pages of the list is one task, as last read', () => {
  const last = observed({ id: 'a', createdAt: at(101), progress: 9 });
  assert.deepEqual(findStarted([task('a', 101), task('old', 1), last], OPEN_START, NONE), {
    kind: 'found',
    task: last,
  });
});

test('order and length of the list do not matter', () => {
  const numbers = numbersFrom(11);
  const ours = task('ours', 103);
  for (let round = 0; round < 50; round++) {
    const others = Array.from({ length: numbers(400) }, (_, index) =>
      // Before or after; those in between belong to other imports.
      task(`t${index}`, [numbers(94), 116 + numbers(900), 95 + numbers(20)][index % 3] ?? 0),
    );
    const claimed = new Set(others.filter((_, index) => index % 3 === 2).map(({ id }) => id));
    const tasks = [...others];
    tasks.splice(numbers(tasks.length + 1), 0, ours);
    assert.deepEqual(findStarted(tasks, OPEN_START, claimed), { kind: 'found', task: ours });
    assert.equal(findStarted(others, OPEN_START, claimed).kind, 'absent');
  }
});

test('a start that settled late is looked for up to then', () => {
  const late = { ...OPEN_START, settledAt: at(131) };
  assert.equal(findStarted([task('a', 134)], late, NONE).kind, 'found');
});
