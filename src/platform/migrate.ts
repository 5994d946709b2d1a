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
