import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { findStarted } from '../../src/domain/adoption.ts';
import { advance, type Observation } from '../../src/domain/import-advance.ts';
import { schedule } from '../../src/domain/import-schedule.ts';
import { pollStep, startStep } from '../../src/domain/import-steps.ts';
import { newImport, type ImportState } from '../../src/domain/import.ts';
import { MIGRATIONS } from '../../src/objects/import-migrations.sql.ts';
import { migrate } from '../../src/platform/migrate.ts';
import { sqlStorage } from '../support/sql-storage.ts';
import { at, CREATED_AT, observed, order, polled, started } from './import-fixtures.ts';

const BOUNDS = { minMs: 1000, maxMs: 30_000 };

/** The state of an import as the first version stored it; it knew one task, started from a file. */
const FIRST_VERSION = {
  id: 'imp_1',
  clientId: 'cl_1',
  datasetId: 'ds_1',
  source: 'file',
  startBody: { file_id: 'file_1' },
  requestHash: 'a1b2',
  metadata: { run: 7 },
  callback: { url: 'https://hooks.example.com/secret-path', events: ['import.completed'] },
  origin: 'https://windsock.example.com',
  status: 'starting',
  progress: 0,
  message: null as string | null,
  task: null as { id: string; status: string; progress: number | null } | null,
  sequence: 1,
  createdAt: CREATED_AT,
  updatedAt: CREATED_AT,
  finishedAt: null as number | null,
  polls: 0,
  detectedAfterMs: null as number | null,
  nextPollAt: null as number | null,
  progressSentAt: null as number | null,
  failures: 0,
  missing: 0,
};

const RUNNING = {
  ...FIRST_VERSION,
  status: 'running',
  progress: 42,
  message: 'reading',
  task: { id: 'task_1', status: 'RUNNING', progress: 42 },
  sequence: 4,
  updatedAt: at(9),
  polls: 5,
  nextPollAt: at(12),
};
const COMPLETED = {
  ...RUNNING,
  status: 'completed',
  progress: 100,
  message: 'done',
  task: { id: 'task_1', status: 'COMPLETED', progress: 100 },
  finishedAt: at(9),
  detectedAfterMs: 120,
  nextPollAt: null,
};

let sql: SqlStorage;

beforeEach(firstVersion);

/** Begins with empty tables, as the first version made them. */
function firstVersion(): void {
  sql = sqlStorage();
  migrate(sql, MIGRATIONS.slice(0, 1));
}

function storeFirstVersion(state: typeof FIRST_VERSION, isCopied = false): void {
  sql.exec(
    'INSERT INTO import (only, state, copied, copied_at) VALUES (1, ?, ?, ?)',
    JSON.stringify(state),
    isCopied ? 1 : 0,
    at(9),
  );
}

const rows = (query: string) => sql.exec(query).toArray();

function load(): ImportState {
  const { state } = sql.exec<{ state: string }>('SELECT state FROM import').one();
  return JSON.parse(state) as ImportState;
}

function migrated(state: typeof FIRST_VERSION): ImportState {
  storeFirstVersion(state);
  migrate(sql, MIGRATIONS);
  return load();
}

function observe(state: ImportState, observation: Observation, now: number): ImportState {
  const next = advance(state, observation, now).state;
  const input = { bounds: BOUNDS, retryAfterMs: null, now, random: 0.5 };
  return schedule(next, observation.kind, input);
}

test('every field of a state is there, and none of the first version is left', () => {
  const expected = Object.keys(newImport(order(), [1], CREATED_AT)).toSorted();
  for (const state of [FIRST_VERSION, RUNNING, COMPLETED]) {
    firstVersion();
    const loaded = migrated(state);
    assert.deepEqual(Object.keys(loaded).toSorted(), expected);
    assert.deepEqual(loaded.metadata, { run: 7 });
    assert.deepEqual(loaded.callback, state.callback);
    assert.equal(loaded.isRelayed, false);
    assert.equal(loaded.startPath, '/v1/observability/datasets/ds_1/imports/from-file');
    assert.equal(loaded.requestHash, 'a1b2');
  }
});

describe('a running import', () => {
  test('has its task, and is polled when it was to be', () => {
    const state = migrated(RUNNING);
    assert.deepEqual(state.tasks, [
      {
        id: 'task_1',
        weight: 1,
        status: 'RUNNING',
        progress: 42,
        message: 'reading',
        end: null,
        startedAt: CREATED_AT,
        missing: 0,
      },
    ]);
    assert.equal(startStep(state, at(60)), null);
    assert.equal(pollStep(state, at(11)), null);
    assert.deepEqual(pollStep(state, at(12)), { kind: 'fetch', taskIds: ['task_1'] });
  });

  test('a poll that finds nothing new changes nothing that a client sees', () => {
    const before = migrated(RUNNING);
    const same = polled({ progress: 42, message: 'reading' });
    assert.equal(observe(before, same, at(12)).sequence, 4);
  });

  test('a 404 before the change counts with the one after it', () => {
    const before = migrated({ ...RUNNING, missing: 1 });
    assert.equal(before.tasks[0]?.missing, 1);
  });

  test('goes on and ends', () => {
    const going = observe(migrated(RUNNING), polled({ progress: 50 }), at(12));
    assert.equal(going.sequence, 5);
    assert.equal(going.progress, 50);
    assert.ok((going.nextPollAt ?? 0) > at(12));
    const ended = observe(going, polled({ status: 'COMPLETED', updatedAt: at(19) }), at(20));
    assert.equal(ended.status, 'completed');
    assert.equal(ended.detectedAfterMs, 1000);
    assert.equal(ended.turnEnd, null, 'the first version took no turn');
  });
});

describe('a finished import', () => {
  test('is as it was, its task ended', () => {
    const state = migrated(COMPLETED);
    assert.equal(state.status, 'completed');
    assert.equal(state.finishedAt, at(9));
    assert.equal(state.tasks[0]?.end, 'completed');
    assert.equal(state.detectedAfterMs, 120);
  });

  test('has nothing left to do', () => {
    for (const state of [
      COMPLETED,
      { ...COMPLETED, status: 'lost', message: 'gone' },
      { ...FIRST_VERSION, status: 'failed', message: 'Who knows.', finishedAt: at(9) },
    ]) {
      firstVersion();
      const loaded = migrated(state);
      assert.equal(loaded.message, state.message);
      assert.equal(startStep(loaded, at(9999)), null);
      assert.equal(pollStep(loaded, at(9999)), null);
      assert.deepEqual(advance(loaded, polled(), at(9999)), { state: loaded, effects: [] });
    }
  });
});

describe('a starting import', () => {
  test('whose start was under way looks for its task, adopts it and gives the turn back', () => {
    const state = migrated(FIRST_VERSION);
    assert.deepEqual(startStep(state, at(1)), { kind: 'look' });
    const adopted = observe(state, started({ createdAt: at(0.2) }), at(1));
    assert.equal(adopted.status, 'running');
    assert.equal(adopted.sequence, 2);
    // The look has taken the dataset's turn.
    assert.deepEqual(adopted.turnEnd, { taskId: 'task_1' });
  });

  test('whose start was never taken sends it again, with the body it had', () => {
    const state = migrated(FIRST_VERSION);
    const settledAt = state.openStart?.settledAt ?? 0;
    const early = observe(state, { kind: 'start_absent' }, settledAt - 1);
    assert.deepEqual(startStep(early, settledAt), { kind: 'look' });
    const absent = observe(early, { kind: 'start_absent' }, settledAt);
    assert.deepEqual(startStep(absent, settledAt), { kind: 'send', position: 0 });
    assert.deepEqual(rows('SELECT position, CAST(bytes AS TEXT) AS body FROM part_pieces'), [
      { position: 0, body: '{"file_id":"file_1"}' },
    ]);
  });

  test('whose start was under way finds it whenever it was sent', () => {
    // The first version does not tell when a start was sent that had been put off before.
    const { openStart } = migrated(FIRST_VERSION);
    assert.ok(openStart !== null);
    const task = observed({ createdAt: Date.now() - 5000 });
    assert.deepEqual(findStarted([task], openStart, new Set()), { kind: 'found', task });
  });

  test('whose start was put off by the upstream sends it, and is not polled before', () => {
    const state = migrated({ ...FIRST_VERSION, nextPollAt: at(5) });
    assert.equal(state.nextPollAt, null, 'an alarm in the past would ring without end');
    assert.equal(state.openStart, null);
    assert.deepEqual(startStep(state, at(6)), { kind: 'send', position: 0 });
    const sending = observe(state, { kind: 'sending', position: 0 }, at(6));
    const begun = observe(sending, started(), at(7));
    assert.deepEqual(pollStep(begun, at(9)), { kind: 'fetch', taskIds: ['task_1'] });
  });
});

describe('the tables', () => {
  test('a copy in KV that was out of date is due, a good one is left', () => {
    storeFirstVersion(RUNNING, false);
    migrate(sql, MIGRATIONS);
    assert.deepEqual(rows('SELECT copied_at, copy_due_at FROM import'), [
      { copied_at: at(9), copy_due_at: 0 },
    ]);
    firstVersion();
    storeFirstVersion(RUNNING, true);
    migrate(sql, MIGRATIONS);
    assert.deepEqual(rows('SELECT copied_at, copy_due_at FROM import'), [
      { copied_at: at(9), copy_due_at: null },
    ]);
  });

  test('deliveries keep their count of attempts', () => {
    storeFirstVersion(COMPLETED);
    sql.exec(
      `INSERT INTO outbox (id, event, body, created_at, attempts) VALUES ('msg_1', 'import.completed', '{}', ?, 3)`,
      at(9),
    );
    migrate(sql, MIGRATIONS);
    assert.deepEqual(rows('SELECT attempts, round_attempts, attempting FROM outbox'), [
      { attempts: 3, round_attempts: 3, attempting: 0 },
    ]);
  });

  test('are migrated once', () => {
    const once = migrated(RUNNING);
    migrate(sql, MIGRATIONS);
    assert.deepEqual(load(), once);
    assert.deepEqual(rows('SELECT number FROM migrations'), [
      { number: 0 },
      { number: 1 },
      { number: 2 },
    ]);
  });

  test('without an import are migrated too', () => {
    migrate(sql, MIGRATIONS);
    assert.deepEqual(rows('SELECT * FROM import'), []);
  });
});
