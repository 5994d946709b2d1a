import type { ImportPart } from '../domain/import-parts.ts';
import type { ImportState } from '../domain/import.ts';
import type { RawAnswer } from '../mistral/answer.ts';
import { LateSchema } from '../platform/migrate.ts';
import { MIGRATIONS } from './import-migrations.sql.ts';

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
  readonly #schema: LateSchema;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#schema = new LateSchema(sql, 'import', MIGRATIONS);
  }

  /** True once there is something stored. */
  get isOpen(): boolean {
    return this.#schema.isMade;
  }

  /** To be called when the storage was deleted: its tables went with it. */
  close(): void {
    this.#schema.forget();
  }

  load(): ImportState | null {
    if (!this.#schema.isMade) return null;
    const row = this.#sql.exec<{ state: string }>('SELECT state FROM import').next();
    return row.done ? null : (JSON.parse(row.value.state) as ImportState);
  }

  save(state: ImportState): void {
    this.#schema.make();
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

  /** A copy is being written; wanted again by `dueAt`, should its end not be noted. */
  beginCopy(at: number, dueAt: number): void {
    this.#sql.exec('UPDATE import SET copy_due_at = ?, copied_at = ?', dueAt, at);
  }

  /** The copy was written. @param dueAt by when the next one is wanted; null for none */
  endCopy(dueAt: number | null): void {
    this.#sql.exec('UPDATE import SET copy_due_at = ?', dueAt);
  }
}
