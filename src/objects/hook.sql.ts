import type { HookCall, HookDefinition } from '../domain/hook.ts';
import { LateSchema } from '../platform/migrate.ts';

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE hook (only INTEGER PRIMARY KEY CHECK (only = 1), definition TEXT NOT NULL);
  CREATE TABLE secrets (number INTEGER PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER);
  CREATE TABLE calls (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER NOT NULL,
    message TEXT,
    import_id TEXT,
    webhook_id TEXT
  );
  `,
];

/** Each is tried with every call. */
const MAX_SECRETS = 10;
const MAX_CALLS = 100;
const CALL_COLUMNS = 'at, outcome, status, message, import_id AS importId, webhook_id AS webhookId';

/**
 * The SQLite of one hook; times in milliseconds since the epoch. The schema is made with the first write, so that
 * asking for an id that never was leaves nothing behind.
 */
export class HookStore {
  readonly #sql: SqlStorage;
  readonly #schema: LateSchema;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#schema = new LateSchema(sql, 'hook', MIGRATIONS);
  }

  /** To be called when the storage was deleted: its tables went with it. */
  close(): void {
    this.#schema.forget();
  }

  load(): HookDefinition | null {
    if (!this.#schema.isMade) return null;
    const row = this.#sql.exec<{ definition: string }>('SELECT definition FROM hook').next();
    return row.done ? null : (JSON.parse(row.value.definition) as HookDefinition);
  }

  save(hook: HookDefinition): void {
    this.#schema.make();
    this.#sql.exec(
      `INSERT INTO hook (only, definition) VALUES (1, ?1)
       ON CONFLICT (only) DO UPDATE SET definition = ?1`,
      JSON.stringify(hook),
    );
  }

  /** The secrets that hold now, the newest first. */
  secrets(now: number): string[] {
    return this.#sql
      .exec<{ value: string }>(
        'SELECT value FROM secrets WHERE expires_at IS NULL OR expires_at > ? ORDER BY number DESC',
        now,
      )
      .toArray()
      .map(({ value }) => value);
  }

  /** Adds a secret; those before it hold until then, if they do not end earlier. */
  addSecret(value: string, othersUntil: number, now: number): void {
    this.#sql.exec(
      'UPDATE secrets SET expires_at = min(coalesce(expires_at, ?1), ?1)',
      othersUntil,
    );
    this.#sql.exec('INSERT INTO secrets (value) VALUES (?)', value);
    this.#sql.exec(
      `DELETE FROM secrets WHERE expires_at <= ?
       OR number <= (SELECT max(number) FROM secrets) - ?`,
      now,
      MAX_SECRETS,
    );
  }

  /** Adds a call to the log, and drops the oldest above what is kept. */
  note(call: HookCall): void {
    const { at, outcome, status, message, importId, webhookId } = call;
    this.#sql.exec(
      `INSERT INTO calls (at, outcome, status, message, import_id, webhook_id)
       VALUES (?, ?, ?, ?, ?, ?)`,
      at,
      outcome,
      status,
      message,
      importId,
      webhookId,
    );
    this.#sql.exec(
      'DELETE FROM calls WHERE number <= (SELECT max(number) FROM calls) - ?',
      MAX_CALLS,
    );
  }

  /** The latest calls, the newest first. */
  calls(): HookCall[] {
    const query = `SELECT ${CALL_COLUMNS} FROM calls ORDER BY number DESC`;
    return this.#sql.exec(query).toArray() as unknown as HookCall[];
  }
}
