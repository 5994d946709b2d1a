import { attemptView, type AttemptView } from '../domain/attempt-view.ts';
import type { DeliverySummary } from '../domain/import-view.ts';
import type { ImportEvent } from '../domain/import.ts';
import type { Attempt } from '../webhook/deliver.ts';

/** A webhook to deliver: body and id are fixed when it is written; times in milliseconds since the epoch. */
export interface OutboxRow {
  [column: string]: SqlStorageValue;
  id: string;
  event: ImportEvent;
  body: string;
  /** Attempts begun in all. */
  attempts: number;
  /** Attempts begun since the delivery was asked for, by the event or by a client. */
  round_attempts: number;
}

interface AttemptRow {
  [column: string]: SqlStorageValue;
  id: string;
  event: string;
  attempt: number;
  at: number;
  durationMs: number;
  status: number | null;
  error: AttemptView['error'];
  responseExcerpt: string;
}

/** Stands in the log where the answer to an attempt would, had Windsock lived to see it. */
const BROKEN_OFF = 'Windsock went down during this attempt.';

/**
 * Repeated attempts that are made at a time. An object has six connections that wait for an answer, the further ones
 * wait for theirs: a receiver that hangs must leave some to polls, to starts, and to first attempts.
 */
const MAX_REPEATED = 2;

/** Which of the webhooks whose attempt is due may be attempted now, beside those that never were: the newest. */
const MAY_BE_REPEATED = `rowid IN (
  SELECT rowid FROM outbox
  WHERE status = 'pending' AND attempting = 0 AND next_attempt_at <= ?1 AND round_attempts > 0
  ORDER BY rowid DESC
  LIMIT max(0, ${MAX_REPEATED} - (SELECT count(*) FROM outbox WHERE attempting = 1 AND round_attempts > 1)))`;

/** The webhooks of one import and the log of their attempts; the tables are made by `ImportStore`. */
export class OutboxStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(id: string, event: ImportEvent, body: string, dueAt: number, now: number): void {
    this.#sql.exec(
      'INSERT INTO outbox (id, event, body, created_at, next_attempt_at) VALUES (?, ?, ?, ?, ?)',
      id,
      event,
      body,
      now,
      dueAt,
    );
  }

  /** Pending webhooks whose next attempt is due and may be made now. */
  due(now: number): OutboxRow[] {
    return this.#sql
      .exec<OutboxRow>(
        `SELECT id, event, body, attempts, round_attempts FROM outbox
         WHERE status = 'pending' AND attempting = 0 AND next_attempt_at <= ?1
           AND (round_attempts = 0 OR ${MAY_BE_REPEATED}) ORDER BY rowid`,
        now,
      )
      .toArray();
  }

  /** Notes that an attempt is being made. */
  begin(id: string): void {
    this.#sql.exec(
      `UPDATE outbox SET attempts = attempts + 1, round_attempts = round_attempts + 1, attempting = 1
       WHERE id = ?`,
      id,
    );
  }

  /**
   * Makes attempts that an earlier life of the object left under way due again: it died in them. They are logged as
   * what broke off; how long they took nobody knows.
   * @returns whether there were any
   */
  resume(): boolean {
    if (!this.isAttempting()) return false;
    this.#sql.exec(
      `INSERT INTO attempts (delivery_id, attempt, at, duration_ms, status, error, response_excerpt)
       SELECT id, attempts, coalesce(next_attempt_at, created_at), 0, NULL, 'connect', ?
       FROM outbox WHERE attempting = 1`,
      BROKEN_OFF,
    );
    this.#sql.exec('UPDATE outbox SET attempting = 0 WHERE attempting = 1');
    return true;
  }

  /** Has an attempt that could not be made, and was not noted, made later: as if it had not begun. */
  putOff(id: string, until: number): void {
    this.#sql.exec(
      `UPDATE outbox SET attempting = 0, next_attempt_at = ?, attempts = attempts - 1,
                         round_attempts = max(round_attempts - 1, 0)
       WHERE id = ?`,
      until,
      id,
    );
  }

  /**
   * Notes what came of an attempt; the webhook is then pending until `nextAttemptAt`, or settled when that is null.
   * One that was asked for anew while the attempt was under way stays due: its new round has not begun.
   */
  note(
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
    this.#sql.exec('UPDATE outbox SET attempting = 0 WHERE id = ?', row.id);
    this.#sql.exec(
      'UPDATE outbox SET status = ?, next_attempt_at = ? WHERE id = ? AND round_attempts > 0',
      status,
      nextAttemptAt,
      row.id,
    );
  }

  /** True once the receiver has said that it is gone for good. */
  isGone(): boolean {
    return this.#sql.exec('SELECT 1 FROM attempts WHERE status = 410 LIMIT 1').toArray().length > 0;
  }

  /** Gives up whatever is pending. */
  giveUp(): void {
    this.#sql.exec(
      "UPDATE outbox SET status = 'failed', next_attempt_at = NULL WHERE status = 'pending'",
    );
  }

  /** Has the newest webhook delivered anew, as it is; false when there is none. */
  restartNewest(now: number): boolean {
    const row = this.#sql.exec('SELECT max(rowid) AS newest FROM outbox').one();
    if (row['newest'] === null) return false;
    this.#sql.exec(
      `UPDATE outbox SET status = 'pending', round_attempts = 0, next_attempt_at = ?
       WHERE rowid = (SELECT max(rowid) FROM outbox)`,
      now,
    );
    return true;
  }

  nextAttemptAt(): number | null {
    return this.#sql
      .exec<{ at: number | null }>(
        "SELECT min(next_attempt_at) AS at FROM outbox WHERE status = 'pending' AND attempting = 0",
      )
      .one().at;
  }

  /** When an attempt is to be begun next; one that is due and has to wait for others is begun when they end. */
  nextBeginAt(now: number): number | null {
    return this.#sql
      .exec<{ at: number | null }>(
        `SELECT min(next_attempt_at) AS at FROM outbox
         WHERE status = 'pending' AND attempting = 0
           AND (next_attempt_at > ?1 OR round_attempts = 0 OR ${MAY_BE_REPEATED})`,
        now,
      )
      .one().at;
  }

  /** True while an attempt is being made. */
  isAttempting(): boolean {
    return this.#sql.exec('SELECT 1 FROM outbox WHERE attempting = 1 LIMIT 1').toArray().length > 0;
  }

  /** Every attempt that was noted, the first first. */
  attempts(): AttemptView[] {
    return this.#sql
      .exec<AttemptRow>(
        `SELECT a.delivery_id AS id, o.event, a.attempt, a.at, a.duration_ms AS durationMs, a.status, a.error,
                a.response_excerpt AS responseExcerpt
         FROM attempts a JOIN outbox o ON o.id = a.delivery_id ORDER BY a.number`,
      )
      .toArray()
      .map(attemptView);
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
      status: statusOf(row),
      attempts: row.attempts,
      nextAttemptAt: this.nextAttemptAt(),
      lastStatus: last.done ? null : last.value.status,
    };
  }
}

function statusOf(row: { rows: number; failed: number; pending: number }) {
  if (row.rows === 0) return 'none';
  if (row.failed > 0) return 'failed';
  return row.pending > 0 ? 'pending' : 'delivered';
}
