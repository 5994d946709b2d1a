import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importedOf, outcomeOf } from '../../src/domain/import-outcome.ts';
import { importView } from '../../src/domain/import-view.ts';
import { newImport, type ImportOrder, type TerminalStatus } from '../../src/domain/import.ts';

const ORDER: ImportOrder = {
  id: 'imp_x',
  clientId: 'cl_x',
  datasetId: 'd',
  source: 'explorer',
  isRelayed: false,
  startPath: '/v1/x',
  requestHash: 'h',
  search: null,
  metadata: {},
  callback: null,
  origin: 'https://windsock.example',
};
const DELIVERY = { status: 'none', attempts: 0, nextAttemptAt: null, lastStatus: null } as const;

function withEnds(order: ImportOrder, ...ends: (TerminalStatus | null)[]) {
  const state = newImport(
    order,
    ends.map((_, part) => (part + 1) * 100),
    0,
  );
  const tasks = state.tasks.map((task, part) => ({ ...task, end: ends[part] ?? null }));
  return { ...state, tasks, status: 'failed' as const, message: 'why' };
}

test('an outcome tells how each part ended, and counts the ids of those that completed', () => {
  assert.deepEqual(outcomeOf(withEnds(ORDER, 'completed', 'failed', null, 'completed')), {
    status: 'failed',
    message: 'why',
    imported: 500,
    ends: ['completed', 'failed', null, 'completed'],
  });
  assert.equal(importedOf([]), 0);
});

test('an import shows a report only where a schedule gave it one', () => {
  const report = { matched: 9, new: 5, duplicate: 4 };
  const scheduled = withEnds({ ...ORDER, report }, 'completed', 'failed');
  assert.deepEqual(importView(scheduled, DELIVERY).report, { ...report, imported: 100 });
  assert.ok(!('report' in importView(withEnds(ORDER, 'completed'), DELIVERY)));
});
