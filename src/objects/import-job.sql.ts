import type { DeliverySummary } from '../domain/import-view.ts';
import type { ImportEvent, ImportState } from '../domain/import.ts';
import { migrate } from '../platform/migrate.ts';
import type { Attempt } from '../webhook/deliver.ts';

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE import (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    state TEXT NOT NULL,
    copied INTEGER NOT NULL DEFAULT 0,
    copied_at INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER
  );
  CREATE TABLE attempts (
    number INTEGER PRIMARY KEY,
    delivery_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status INTEGER,
    error TEXT,
    response_excerpt TEXT NOT NULL
  );
  `,
];

/** A webhook to deliver: body and id are fixed when it is written; times in milliseconds since the epoch. */
export interface OutboxRow {
  [column: string]: SqlStorageValue;
  id: string;
  event: ImportEvent;
  body: string;
  attempts: number;
  next_attempt_at: number | null;
}

/**
 * The SQLite of one import: its state, the outbox, and the log of attempts. The schema is made with the first write,
 * so that asking for an id that never was leaves nothing behind.
 */
export class ImportStore {
  readonly #sql: SqlStorage;
  #isOpen: boolean;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#isOpen =
      sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'import'").toArray()
        .length > 0;
    if (this.#isOpen) migrate(sql, MIGRATIONS);
  }

  /** To be called when the storage was deleted: its tables went with it. */
  close(): void {
    this.#isOpen = false;
  }

  load(): ImportState | null {
    if (!this.#isOpen) return null;
    const row = this.#sql.exec<{ state: string }>('SELECT state FROM import').next();
    return row.done ? null : (JSON.parse(row.value.state) as ImportState);
  }

  /** Saves a state; `changed` marks the copy in KV as out of date. */
  save(state: ImportState, changed: boolean): void {
    if (!this.#isOpen) {
      migrate(this.#sql, MIGRATIONS);
      this.#isOpen = true;
    }
    this.#sql.exec(
      `INSERT INTO import (only, state) VALUES (1, ?1)
       ON CONFLICT (only) DO UPDATE SET state = ?1, copied = CASE WHEN ?2 THEN 0 ELSE copied END`,
      JSON.stringify(state),
      changed ? 1 : 0,
    );
  }

  /** When the copy was last written, and whether it is up to date. */
  copy(): { isCurrent: boolean; at: number } {
    const row = this.#sql
      .exec<{ copied: number; copied_at: number }>('SELECT copied, copied_at FROM import')
      .one();
    return { isCurrent: row.copied === 1, at: row.copied_at };
  }

  markCopied(at: number): void {
    this.#sql.exec('UPDATE import SET copied = 1, copied_at = ?', at);
  }

  markUncopied(): void {
    this.#sql.exec('UPDATE import SET copied = 0');
  }

  addToOutbox(id: string, event: ImportEvent, body: string, dueAt: number, now: number): void {
    this.#sql.exec(
      'INSERT INTO outbox (id, event, body, created_at, next_attempt_at) VALUES (?, ?, ?, ?, ?)',
      id,
      event,
      body,
      now,
      dueAt,
    );
  }

  /** Pending webhooks whose next attempt is due. */
  due(now: number): OutboxRow[] {
    return this.#sql
      .exec<OutboxRow>(
        "SELECT * FROM outbox WHERE status = 'pending' AND next_attempt_at <= ? ORDER BY created_at",
        now,
      )
      .toArray();
  }

  /** Puts the next attempt off to where it counts as dead, before it is made: a crash then repeats it. */
  lease(id: string, until: number): void {
    this.#sql.exec(
      'UPDATE outbox SET attempts = attempts + 1, next_attempt_at = ? WHERE id = ?',
      until,
      id,
    );
  }

  /** Notes an attempt; the webhook is then pending until `nextAttemptAt`, or settled when that is null. */
  noteAttempt(
    row: { id: string; attempt: number },
    attempt: Attempt,
    status: 'pending' | 'delivered' | 'failed',
    nextAttemptAt: number | null,
  ): void {
    this.#sql.exec(
      `INSERT INTO attempts (delivery_id, attempt, at, duration_ms, status, error, response_excerpt)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      row.id,
      row.attempt,
      attempt.at,
      attempt.durationMs,
      attempt.status,
      attempt.error,
      attempt.responseExcerpt,
    );
    this.#sql.exec(
      'UPDATE outbox SET status = ?, next_attempt_at = ? WHERE id = ?',
      status,
      nextAttemptAt,
      row.id,
    );
  }

  nextAttemptAt(): number | null {
    return this.#sql
      .exec<{ at: number | null }>(
        "SELECT min(next_attempt_at) AS at FROM outbox WHERE status = 'pending'",
      )
      .one().at;
  }

  /** How the deliveries stand as a whole: failed if one failed, else pending if one is. */
  summary(): DeliverySummary {
    const row = this.#sql
      .exec<{ rows: number; failed: number; pending: number; attempts: number }>(
        `SELECT count(*) AS rows,
                coalesce(sum(status = 'failed'), 0) AS failed,
                coalesce(sum(status = 'pending'), 0) AS pending,
                coalesce(sum(attempts), 0) AS attempts
         FROM outbox`,
      )
      .one();
    const last = this.#sql
      .exec<{ status: number | null }>('SELECT status FROM attempts ORDER BY number DESC LIMIT 1')
      .next();
    return {
      status:
        row.rows === 0
          ? 'none'
          : row.failed > 0
            ? 'failed'
            : row.pending > 0
              ? 'pending'
              : 'delivered',
      attempts: row.attempts,
      nextAttemptAt: this.nextAttemptAt(),
      lastStatus: last.done ? null : last.value.status,
    };
  }
}
