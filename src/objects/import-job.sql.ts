import type { ImportPart } from '../domain/import-parts.ts';
import type { ImportState } from '../domain/import.ts';
import type { RawAnswer } from '../mistral/call.ts';
import { migrate } from '../platform/migrate.ts';

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
  // An import has several tasks, each with a start call of its own, and the state of the first version becomes one.
  `
  CREATE TABLE parts (position INTEGER PRIMARY KEY, body TEXT NOT NULL);
  ALTER TABLE import ADD COLUMN answer TEXT;
  ALTER TABLE import ADD COLUMN copy_due_at INTEGER;
  ALTER TABLE outbox ADD COLUMN round_attempts INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE outbox ADD COLUMN attempting INTEGER NOT NULL DEFAULT 0;
  UPDATE outbox SET round_attempts = attempts;
  INSERT INTO parts SELECT 0, json_extract(state, '$.startBody') FROM import;
  UPDATE import SET copy_due_at = CASE WHEN copied THEN NULL ELSE 0 END, state = json_set(state,
    '$.isRelayed', json('false'),
    '$.startPath', '/v1/observability/datasets/' || json_extract(state, '$.datasetId') || '/imports/from-file',
    '$.search', NULL, '$.hasTurn', json('false'), '$.turnEnd', NULL, '$.startFailures', 0, '$.listPages', 1,
    '$.progressAt', json_extract(state, '$.createdAt'),
    '$.nextStartAt', CASE WHEN json_extract(state, '$.status') = 'starting' THEN 0 END,
    '$.openStart', CASE
      WHEN json_extract(state, '$.status') = 'starting' AND json_extract(state, '$.nextPollAt') IS NULL
      THEN json_object('position', 0, 'sentAt', json_extract(state, '$.createdAt'),
        'settledAt', json_extract(state, '$.createdAt') + 10000) END,
    '$.tasks', json_array(json_object(
      'id', json_extract(state, '$.task.id'), 'weight', 1,
      'status', coalesce(json_extract(state, '$.task.status'), ''),
      'progress', json_extract(state, '$.task.progress'), 'message', NULL, 'missing', 0,
      'startedAt', json_extract(state, '$.createdAt'),
      'end', CASE WHEN json_extract(state, '$.finishedAt') IS NOT NULL THEN json_extract(state, '$.status') END
    )));
  `,
  // A row holds two megabytes, a start call more: it is kept in pieces.
  `
  CREATE TABLE part_pieces (
    position INTEGER NOT NULL,
    piece INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (position, piece)
  );
  INSERT INTO part_pieces SELECT position, 0, CAST(body AS BLOB) FROM parts;
  DROP TABLE parts;
  `,
];

const PIECE_BYTES = 1_000_000;

/** When the copy in KV was written, and when it is to be written next; milliseconds since the epoch. */
export interface CopyTimes {
  copiedAt: number;
  /** Null while the copy is up to date. */
  dueAt: number | null;
}

/**
 * The SQLite of one import: its state and the bodies of its start calls. The schema is made with the first write,
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

  /** True once there is something stored. */
  get isOpen(): boolean {
    return this.#isOpen;
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

  save(state: ImportState): void {
    if (!this.#isOpen) {
      migrate(this.#sql, MIGRATIONS);
      this.#isOpen = true;
    }
    this.#sql.exec(
      `INSERT INTO import (only, state) VALUES (1, ?1) ON CONFLICT (only) DO UPDATE SET state = ?1`,
      JSON.stringify(state),
    );
  }

  /** Stores the bodies of the start calls, the first at position 0. */
  addParts(parts: readonly ImportPart[]): void {
    const encoder = new TextEncoder();
    for (const [position, { body }] of parts.entries()) {
      const bytes = encoder.encode(body);
      for (let piece = 0; piece === 0 || piece * PIECE_BYTES < bytes.length; piece++) {
        this.#sql.exec(
          'INSERT INTO part_pieces (position, piece, bytes) VALUES (?, ?, ?)',
          position,
          piece,
          bytes.slice(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES),
        );
      }
    }
  }

  /** The body of the start call at a position. */
  part(position: number): string {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const pieces = this.#sql.exec<{ bytes: ArrayBuffer }>(
      'SELECT bytes FROM part_pieces WHERE position = ? ORDER BY piece',
      position,
    );
    let body = '';
    for (const { bytes } of pieces) body += decoder.decode(bytes, { stream: true });
    return body + decoder.decode();
  }

  /** A start call whose outcome is noted is not needed any more. */
  dropPart(position: number): void {
    this.#sql.exec('DELETE FROM part_pieces WHERE position = ?', position);
  }

  /** Keeps the upstream's answer to a relayed start, for repetitions of the request. */
  keepAnswer(answer: RawAnswer): void {
    this.#sql.exec('UPDATE import SET answer = ?', JSON.stringify(answer));
  }

  answer(): RawAnswer | null {
    const { answer } = this.#sql.exec<{ answer: string | null }>('SELECT answer FROM import').one();
    return answer === null ? null : (JSON.parse(answer) as RawAnswer);
  }

  copyTimes(): CopyTimes {
    const row = this.#sql
      .exec<{ copied_at: number; copy_due_at: number | null }>(
        'SELECT copied_at, copy_due_at FROM import',
      )
      .one();
    return { copiedAt: row.copied_at, dueAt: row.copy_due_at };
  }

  /** Wants the copy in KV written by then; an earlier wish holds. */
  wantCopy(by: number): void {
    this.#sql.exec('UPDATE import SET copy_due_at = min(coalesce(copy_due_at, ?1), ?1)', by);
  }

  markCopied(at: number): void {
    this.#sql.exec('UPDATE import SET copy_due_at = NULL, copied_at = ?', at);
  }
}
