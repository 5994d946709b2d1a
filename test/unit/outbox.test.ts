import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newImport } from '../../src/domain/import.ts';
import { ImportStore } from '../../src/objects/import-job.sql.ts';
import { OutboxStore } from '../../src/objects/outbox.sql.ts';
import { sqlStorage } from '../support/sql-storage.ts';
import { CREATED_AT, order } from './import-fixtures.ts';

const NOW = CREATED_AT + 86_400_000;
const FAILED = {
  at: NOW,
  durationMs: 15_000,
  status: null,
  error: 'timeout' as const,
  responseExcerpt: '',
  retryAfterMs: null,
};

/** An outbox with so many webhooks whose first attempt has failed, all overdue. */
function overdue(count: number): OutboxStore {
  const sql = sqlStorage();
  new ImportStore(sql).save(newImport(order(), [1], CREATED_AT));
  const outbox = new OutboxStore(sql);
  for (let n = 0; n < count; n++) {
    const id = `msg_${n}`;
    outbox.add(id, 'import.progress', '{}', CREATED_AT, CREATED_AT);
    outbox.begin(id);
    outbox.note({ id, attempt: 1 }, FAILED, 'pending', CREATED_AT + n);
  }
  return outbox;
}

const idsDue = (outbox: OutboxStore) => outbox.due(NOW).map(({ id }) => id);

test('of a hundred overdue webhooks two are attempted at a time: connections are left to all else', () => {
  const outbox = overdue(100);
  for (let left = 98; left >= 0; left -= 2) {
    assert.equal(outbox.nextBeginAt(NOW), CREATED_AT + left);
    const due = idsDue(outbox);
    assert.deepEqual(due, [`msg_${left}`, `msg_${left + 1}`]);
    for (const id of due) outbox.begin(id);
    assert.deepEqual(idsDue(outbox), []);
    assert.equal(outbox.nextBeginAt(NOW), null, 'an alarm for what has to wait would spin');
    for (const id of due) outbox.note({ id, attempt: 2 }, FAILED, 'delivered', null);
  }
});

test('a first attempt waits for no repeated one, and neither does one that is asked for anew', () => {
  const outbox = overdue(3);
  for (const { id } of outbox.due(NOW)) outbox.begin(id);
  outbox.add('msg_new', 'import.completed', '{}', NOW, NOW);
  assert.deepEqual(idsDue(outbox), ['msg_new']);
  assert.equal(outbox.nextBeginAt(NOW), NOW);
  outbox.begin('msg_new');
  outbox.note({ id: 'msg_new', attempt: 1 }, FAILED, 'failed', null);
  outbox.restartNewest(NOW);
  assert.deepEqual(idsDue(outbox), ['msg_new']);
});
