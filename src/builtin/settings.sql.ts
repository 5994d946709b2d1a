/** Values that a workspace makes once and keeps. */
export class Settings {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The value under a name; made with `create` when it is first asked for. */
  once(name: string, create: () => string): string {
    const known = this.#sql
      .exec<{ value: string }>('SELECT value FROM settings WHERE name = ?', name)
      .next();
    if (!known.done) return known.value.value;
    const value = create();
    this.#sql.exec('INSERT INTO settings (name, value) VALUES (?, ?)', name, value);
    return value;
  }
}
