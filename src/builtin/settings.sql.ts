/** Values that a workspace makes once and keeps. */
export class Settings {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The value under a name; made with `create` when it is first asked for. */
  once(name: string, create: () => string): string {
    const insert = 'INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)';
    this.#sql.exec(insert, name, create());
    return this.#sql
      .exec<{ value: string }>('SELECT value FROM settings WHERE name = ?', name)
      .one().value;
  }
}
