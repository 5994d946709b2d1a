import { migrate } from '../platform/migrate.ts';

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE turn (only INTEGER PRIMARY KEY CHECK (only = 1), import_id TEXT NOT NULL, since INTEGER NOT NULL);
  CREATE TABLE claims (task_id TEXT PRIMARY KEY, import_id TEXT NOT NULL, at INTEGER NOT NULL);
  `,
];

/**
 * The SQLite of `DatasetStarts`: whose turn it is, and which task belongs to which import. Times in milliseconds since
 * the epoch.
 */
export class StartsStore {
  readonly #sql: SqlStorage;
  #isOpen = false;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** To be called when the storage was deleted: its tables went with it. */
  close(): void {
    this.#isOpen = false;
  }

  holder(): { importId: string; since: number } | null {
    const row = this.#open()
      .exec<{ import_id: string; since: number }>('SELECT import_id, since FROM turn')
      .next();
    return row.done ? null : { importId: row.value.import_id, since: row.value.since };
  }

  setHolder(importId: string | null, since: number): void {
    if (importId === null) {
      this.#open().exec('DELETE FROM turn');
    } else {
      this.#open().exec(
        `INSERT INTO turn (only, import_id, since) VALUES (1, ?1, ?2)
         ON CONFLICT (only) DO UPDATE SET import_id = ?1, since = ?2`,
        importId,
        since,
      );
    }
  }

  claim(taskId: string, importId: string, at: number): void {
    this.#open().exec('INSERT OR IGNORE INTO claims VALUES (?, ?, ?)', taskId, importId, at);
  }

  claimed(taskIds: readonly string[]): string[] {
    return this.#open()
      .exec<{ task_id: string }>(
        'SELECT task_id FROM claims WHERE task_id IN (SELECT value FROM json_each(?))',
        JSON.stringify(taskIds),
      )
      .toArray()
      .map((row) => row.task_id);
  }

  /** Forgets claims from before a time. */
  prune(before: number): void {
    this.#open().exec('DELETE FROM claims WHERE at < ?', before);
  }

  isEmpty(): boolean {
    const rows = this.#open().exec('SELECT 1 FROM claims UNION ALL SELECT 1 FROM turn LIMIT 1');
    return rows.toArray().length === 0;
  }

  #open(): SqlStorage {
    if (!this.#isOpen) {
      migrate(this.#sql, MIGRATIONS);
      this.#isOpen = true;
    }
    return this.#sql;
  }
}
