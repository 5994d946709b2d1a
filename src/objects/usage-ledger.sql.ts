import { iso } from '../domain/time.ts';
import type { DayOfModel, LedgerAge, LedgerRow, UsageEntry } from '../domain/usage.ts';
import { migrate } from '../platform/migrate.ts';

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE chats (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    request_id TEXT NOT NULL,
    model TEXT NOT NULL,
    stream INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    total_tokens INTEGER,
    ttfb_ms INTEGER,
    duration_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    started_at INTEGER NOT NULL
  );
  CREATE INDEX chats_by_time ON chats (started_at);
  CREATE TABLE days (
    day TEXT NOT NULL,
    model TEXT NOT NULL,
    requests INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    total_tokens INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (day, model)
  ) WITHOUT ROWID;
  CREATE TABLE folded (id TEXT PRIMARY KEY, folded_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX folded_by_time ON folded (folded_at);
  `,
];

/** SQLite's `sum` fails where integers overflow and is null over nothing; `total` does neither. */
const SUMS = `total(prompt_tokens) AS prompt_tokens, total(completion_tokens) AS completion_tokens,
  total(total_tokens) AS total_tokens`;
const DAY = "date(started_at / 1000, 'unixepoch')";

/** A row as `GET /usage` shows it, before its types are JSON's. */
type EntryRow = Omit<UsageEntry, 'stream' | 'started_at'> & { stream: number; started_at: number };

/** The SQLite of one client's usage: its rows, the daily totals of older ones, and which rows were folded lately. */
export class UsageStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    migrate(sql, MIGRATIONS);
  }

  /** Adds a row; one that is there or was folded already changes nothing. */
  add(row: LedgerRow): void {
    this.#sql.exec(
      `INSERT INTO chats (id, request_id, model, stream, outcome, prompt_tokens, completion_tokens,
         total_tokens, ttfb_ms, duration_ms, bytes, started_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
       WHERE NOT EXISTS (SELECT 1 FROM folded WHERE id = ?1)
       ON CONFLICT (id) DO NOTHING`,
      row.id,
      row.requestId,
      row.model,
      row.stream ? 1 : 0,
      row.outcome,
      row.promptTokens,
      row.completionTokens,
      row.totalTokens,
      row.ttfbMs,
      row.durationMs,
      row.bytes,
      row.startedAt,
    );
  }

  /** What was used since a time, per day and model. A folded day counts whole when its last chat is in. */
  days(since: number): DayOfModel[] {
    return this.#sql
      .exec<DayOfModel & Record<string, SqlStorageValue>>(
        `SELECT day, model, sum(requests) AS requests, ${SUMS} FROM (
           SELECT ${DAY} AS day, model, 1 AS requests, prompt_tokens, completion_tokens, total_tokens
           FROM chats WHERE started_at >= ?1
           UNION ALL
           SELECT day, model, requests, prompt_tokens, completion_tokens, total_tokens
           FROM days WHERE last_at >= ?1
         ) GROUP BY day, model`,
        since,
      )
      .toArray();
  }

  /** The latest rows since a time, the newest first. */
  recent(since: number, limit: number): UsageEntry[] {
    return this.#sql
      .exec<EntryRow & Record<string, SqlStorageValue>>(
        `SELECT request_id, model, stream, outcome, prompt_tokens, completion_tokens, total_tokens, ttfb_ms,
           duration_ms, bytes, started_at
         FROM chats WHERE started_at >= ? ORDER BY started_at DESC, seq DESC LIMIT ?`,
        since,
        limit,
      )
      .toArray()
      .map((row) => ({
        ...row,
        stream: row.stream === 1,
        started_at: iso(row.started_at),
      }));
  }

  /**
   * Moves rows that started before a time into the daily totals, about `limit` at most, the oldest first.
   * To be called in a transaction.
   * @returns whether there may be more
   */
  fold(before: number, limit: number, now: number): boolean {
    const { count, last } = this.#sql
      .exec<{ count: number; last: number | null }>(
        `SELECT count(*) AS count, max(started_at) AS last FROM
           (SELECT started_at FROM chats WHERE started_at < ? ORDER BY started_at LIMIT ?)`,
        before,
        limit,
      )
      .one();
    if (last === null) return false;
    this.#sql.exec(
      `INSERT INTO days (day, model, requests, prompt_tokens, completion_tokens, total_tokens, last_at)
       SELECT ${DAY} AS day, model, count(*), ${SUMS}, max(started_at)
       FROM chats WHERE started_at <= ? GROUP BY day, model
       ON CONFLICT (day, model) DO UPDATE SET
         requests = requests + excluded.requests,
         prompt_tokens = prompt_tokens + excluded.prompt_tokens,
         completion_tokens = completion_tokens + excluded.completion_tokens,
         total_tokens = total_tokens + excluded.total_tokens,
         last_at = max(last_at, excluded.last_at)`,
      last,
    );
    this.#sql.exec(
      'INSERT OR IGNORE INTO folded (id, folded_at) SELECT id, ? FROM chats WHERE started_at <= ?',
      now,
      last,
    );
    this.#sql.exec('DELETE FROM chats WHERE started_at <= ?', last);
    return count === limit;
  }

  /** Forgets which rows were folded before a time. */
  forgetFolded(before: number): void {
    this.#sql.exec('DELETE FROM folded WHERE folded_at <= ?', before);
  }

  age(): LedgerAge {
    const row = this.#sql
      .exec<{ oldest_row: number | null; oldest_folded: number | null }>(
        `SELECT (SELECT min(started_at) FROM chats) AS oldest_row,
           (SELECT min(folded_at) FROM folded) AS oldest_folded`,
      )
      .one();
    return { oldestRow: row.oldest_row, oldestFolded: row.oldest_folded };
  }
}
