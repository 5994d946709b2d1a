import { migrate } from '../platform/migrate.ts';

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL,
    due_at INTEGER
  );
  CREATE INDEX entries_by_client ON entries (client_id, seq);
  CREATE INDEX entries_by_time ON entries (due_at) WHERE due_at IS NOT NULL;
  `,
];

/** The SQLite of a `Registry`; times in milliseconds since the epoch. */
export class RegistryStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    migrate(sql, MIGRATIONS);
  }

  put(id: string, clientId: string, dueAt: number | null): void {
    this.#sql.exec(
      `INSERT INTO entries (id, client_id, due_at) VALUES (?1, ?2, ?3)
       ON CONFLICT (id) DO UPDATE SET due_at = ?3`,
      id,
      clientId,
      dueAt,
    );
  }

  remove(id: string): void {
    this.#sql.exec('DELETE FROM entries WHERE id = ?', id);
  }

  /** @param before of the rows with a smaller `seq` */
  ofClient(clientId: string, before: number, limit: number): { seq: number; id: string }[] {
    return this.#sql
      .exec<{ seq: number; id: string }>(
        'SELECT seq, id FROM entries WHERE client_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?',
        clientId,
        before,
        limit,
      )
      .toArray();
  }

  due(now: number, limit: number): { id: string; due_at: number }[] {
    return this.#sql
      .exec<{ id: string; due_at: number }>(
        'SELECT id, due_at FROM entries WHERE due_at <= ? ORDER BY due_at, seq LIMIT ?',
        now,
        limit,
      )
      .toArray();
  }

  /** Sets when an entry is due next, unless that has been changed since it was `seen`. */
  moveOn(id: string, seen: number, dueAt: number | null): void {
    this.#sql.exec('UPDATE entries SET due_at = ? WHERE id = ? AND due_at = ?', dueAt, id, seen);
  }
}
