import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';

type Row = Record<string, SQLOutputValue>;

/**
 * A Durable Object's SQL storage over an SQLite in memory, as far as the stores use it: `exec` of several statements
 * without bindings, or of one with some, and the cursor's `toArray`, `one` and `next`.
 */
export function sqlStorage(): SqlStorage {
  const database = new DatabaseSync(':memory:');
  const exec = (query: string, ...bindings: SQLInputValue[]) => {
    const rows = isScript(query) ? runScript(database, query) : run(database, query, bindings);
    const left = rows.values();
    return {
      toArray: () => [...left],
      next: () => left.next(),
      one: () => {
        const [row, ...others] = left;
        if (row === undefined || others.length > 0) throw new Error('Expected exactly one row.');
        return row;
      },
    };
  };
  return { exec } as unknown as SqlStorage;
}

function isScript(query: string): boolean {
  return query.trim().replace(/;$/, '').includes(';');
}

function runScript(database: DatabaseSync, query: string): Row[] {
  database.exec(query);
  return [];
}

function run(database: DatabaseSync, query: string, bindings: readonly SQLInputValue[]): Row[] {
  // Without bindings there may still be nothing to prepare: a comment alone.
  return database.prepare(query).all(...bindings) as Row[];
}
