/**
 * The schema of a Durable Object's SQLite that is made with the first write, so that asking for an id that never was
 * leaves nothing behind.
 */
export class LateSchema {
  readonly #sql: SqlStorage;
  readonly #migrations: readonly string[];
  #isMade: boolean;

  /** @param table one that the first migration makes; where it is there, the schema is brought to the newest */
  constructor(sql: SqlStorage, table: string, migrations: readonly string[]) {
    this.#sql = sql;
    this.#migrations = migrations;
    this.#isMade =
      sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", table).toArray()
        .length > 0;
    if (this.#isMade) migrate(sql, migrations);
  }

  get isMade(): boolean {
    return this.#isMade;
  }

  /** To be called before a write that may be the first. */
  make(): void {
    if (this.#isMade) return;
    migrate(this.#sql, this.#migrations);
    this.#isMade = true;
  }

  /** To be called when the storage was deleted: its tables went with it. */
  forget(): void {
    this.#isMade = false;
  }
}

/**
 * Brings a Durable Object's SQLite to the newest schema. Migrations are numbered by their place and never edited
 * once released: old and new code overlap during a deploy.
 */
export function migrate(sql: SqlStorage, migrations: readonly string[]): void {
  sql.exec('CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY)');
  const row = sql.exec<{ done: number }>('SELECT count(*) AS done FROM migrations').one();
  for (let number = row.done; number < migrations.length; number++) {
    sql.exec(migrations[number] ?? '');
    sql.exec('INSERT INTO migrations (number) VALUES (?)', number);
  }
}
