import { listsOfIds } from '../domain/import-parts.ts';
import type { MatchReport } from '../domain/import.ts';
import type { Run, RunStatus, ScheduleState } from '../domain/schedule.ts';
import { LateSchema } from '../platform/migrate.ts';

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE schedule (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    state TEXT NOT NULL,
    registered INTEGER NOT NULL
  );
  CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    scheduled_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    status TEXT NOT NULL,
    import_id TEXT,
    message TEXT,
    report TEXT,
    as_of INTEGER NOT NULL,
    window_from INTEGER,
    step TEXT,
    step_at INTEGER,
    step_failures INTEGER NOT NULL DEFAULT 0,
    settings TEXT
  );
  CREATE UNIQUE INDEX runs_open ON runs (status) WHERE status = 'running';
  CREATE INDEX runs_finished ON runs (finished_at);
  CREATE TABLE run_ids (position INTEGER PRIMARY KEY, ids TEXT NOT NULL);
  CREATE TABLE ledger (event_id TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX ledger_by_time ON ledger (until);
  `,
];

/** What an open run does next: search, start its import, or wait for that. */
export type RunStep = 'find' | 'start' | 'watch';

/** The run that is open, with the schedule as it was when the run began. */
export interface OpenRun {
  run: Run;
  settings: ScheduleState;
  step: RunStep;
  /** When the step is due, milliseconds since the epoch. */
  stepAt: number;
  /** Failures of this step so far. */
  failures: number;
}

type RunRow = {
  seq: number;
  id: string;
  scheduled_at: number;
  started_at: number;
  finished_at: number | null;
  status: string;
  import_id: string | null;
  message: string | null;
  report: string | null;
  as_of: number;
  window_from: number | null;
};

/** Ids that are looked up in the ledger with one statement; a value of SQLite has at most 2 MB. */
const IDS_AT_ONCE = 5000;

/**
 * The SQLite of one schedule. The schema is made with the first write, so that asking for an id that never was leaves
 * nothing behind.
 */
export class ScheduleStore {
  readonly #sql: SqlStorage;
  readonly #schema: LateSchema;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#schema = new LateSchema(sql, 'schedule', MIGRATIONS);
  }

  /** To be called when the storage was deleted: its tables went with it. */
  close(): void {
    this.#schema.forget();
  }

  load(): ScheduleState | null {
    if (!this.#schema.isMade) return null;
    const row = this.#sql.exec<{ state: string }>('SELECT state FROM schedule').next();
    return row.done ? null : (JSON.parse(row.value.state) as ScheduleState);
  }

  /** @param isRegistered whether the registry has to be told nothing new */
  save(state: ScheduleState, isRegistered: boolean): void {
    this.#schema.make();
    this.#sql.exec(
      `INSERT INTO schedule (only, state, registered) VALUES (1, ?1, ?2)
       ON CONFLICT (only) DO UPDATE SET state = ?1, registered = registered AND ?2`,
      JSON.stringify(state),
      Number(isRegistered),
    );
  }

  isRegistered(): boolean {
    return this.#sql.exec('SELECT 1 FROM schedule WHERE registered').toArray().length > 0;
  }

  markRegistered(): void {
    this.#sql.exec('UPDATE schedule SET registered = 1');
  }

  /** Adds a run, unless there is one of its name. @param step null for one that has ended */
  addRun(run: Run, step: RunStep | null, settings: ScheduleState): void {
    this.#sql.exec(
      `INSERT INTO runs (id, scheduled_at, started_at, finished_at, status, message, as_of, window_from, step, step_at,
         settings)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      run.id,
      run.scheduledAt,
      run.startedAt,
      run.finishedAt,
      run.status,
      run.message,
      run.asOf,
      run.from,
      step,
      step === null ? null : run.startedAt,
      step === null ? null : JSON.stringify(settings),
    );
  }

  openRun(): OpenRun | null {
    if (!this.#schema.isMade) return null;
    const row = this.#sql
      .exec<RunRow & { step: RunStep; step_at: number; step_failures: number; settings: string }>(
        "SELECT * FROM runs WHERE status = 'running'",
      )
      .toArray()[0];
    if (row === undefined) return null;
    const { step, step_at: stepAt, step_failures: failures } = row;
    const settings = JSON.parse(row.settings) as ScheduleState;
    return { run: runOf(row), settings, step, stepAt, failures };
  }

  /** Sets what the open run does next, and when. */
  setStep(step: RunStep, at: number, failures: number): void {
    this.#sql.exec(
      "UPDATE runs SET step = ?, step_at = ?, step_failures = ? WHERE status = 'running'",
      step,
      at,
      failures,
    );
  }

  /** Notes what has changed of a run; one that has ended gives up its ids. */
  saveRun(run: Run): void {
    this.#sql.exec(
      'UPDATE runs SET finished_at = ?, status = ?, import_id = ?, message = ?, report = ? WHERE id = ?',
      run.finishedAt,
      run.status,
      run.importId,
      run.message,
      run.report && JSON.stringify(run.report),
      run.id,
    );
    if (run.finishedAt === null) return;
    this.#sql.exec(
      'UPDATE runs SET step = NULL, step_at = NULL, settings = NULL WHERE id = ?',
      run.id,
    );
    this.#sql.exec('DELETE FROM run_ids');
  }

  /** Runs, the newest first. @param before of those with a smaller `seq` */
  runs(before: number, limit: number): { seq: number; run: Run }[] {
    return this.#sql
      .exec<RunRow>('SELECT * FROM runs WHERE seq < ? ORDER BY seq DESC LIMIT ?', before, limit)
      .toArray()
      .map((row) => ({ seq: row.seq, run: runOf(row) }));
  }

  run(id: string): Run | null {
    const [row] = this.#sql.exec<RunRow>('SELECT * FROM runs WHERE id = ?', id).toArray();
    return row === undefined ? null : runOf(row);
  }

  /** Forgets runs that ended before a time. */
  pruneRuns(before: number): void {
    this.#sql.exec('DELETE FROM runs WHERE finished_at < ?', before);
  }

  /** Of some ids those that the ledger does not have, in their order. */
  notImported(ids: readonly string[]): string[] {
    if (!this.#schema.isMade) return [...ids];
    const fresh: string[] = [];
    for (let start = 0; start < ids.length; start += IDS_AT_ONCE) {
      const rows = this.#sql.exec<{ value: string }>(
        `SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM ledger WHERE event_id = value) ORDER BY key`,
        JSON.stringify(ids.slice(start, start + IDS_AT_ONCE)),
      );
      for (const { value } of rows) fresh.push(value);
    }
    return fresh;
  }

  /** Keeps those of the ids that are new, by the parts of the import that they become. */
  keepNew(ids: readonly string[]): MatchReport {
    const fresh = this.notImported(ids);
    this.#sql.exec('DELETE FROM run_ids');
    for (const [position, some] of listsOfIds('explorer', fresh).entries()) {
      const text = JSON.stringify(some);
      this.#sql.exec('INSERT INTO run_ids (position, ids) VALUES (?, ?)', position, text);
    }
    return { matched: ids.length, new: fresh.length, duplicate: ids.length - fresh.length };
  }

  runIds(): string[] {
    return this.#sql
      .exec<{ ids: string }>('SELECT ids FROM run_ids ORDER BY position')
      .toArray()
      .flatMap(({ ids }) => JSON.parse(ids) as string[]);
  }

  /** Enters the ids of a part of the open run. @param until they are of events before that time */
  enter(position: number, until: number): void {
    this.#sql.exec(
      `INSERT INTO ledger (event_id, until)
       SELECT value, ?2 FROM json_each((SELECT ids FROM run_ids WHERE position = ?1)) WHERE true
       ON CONFLICT (event_id) DO UPDATE SET until = max(until, ?2)`,
      position,
      until,
    );
  }

  /** Takes out what no run looks at any more: the events before a time. */
  pruneLedger(floor: number): void {
    this.#sql.exec('DELETE FROM ledger WHERE until <= ?', floor);
  }
}

function runOf(row: RunRow): Run {
  return {
    id: row.id,
    scheduledAt: row.scheduled_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    status: row.status as RunStatus,
    importId: row.import_id,
    message: row.message,
    report: row.report === null ? null : (JSON.parse(row.report) as Run['report']),
    asOf: row.as_of,
    from: row.window_from,
  };
}
