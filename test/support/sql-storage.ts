import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

type Row = Record<string, unknown>;

declare global {
  type SqlStorageValue = SQLInputValue;

  /** What the tests need of it; the whole type belongs to workerd. */
  interface SqlStorage {
    exec<T extends object = Row>(
      query: string,
      ...bindings: SQLInputValue[]
    ): Iterable<T> & Pick<Iterator<T, undefined>, 'next'> & { toArray(): T[]; one(): T };
  }
}

/** A Durable Object's SQL storage over an SQLite in memory: several statements without bindings, or one with some. */
export function sqlStorage(): SqlStorage {
  const database = new DatabaseSync(':memory:');
  return {
    exec<T extends object>(query: string, ...bindings: SQLInputValue[]) {
      const rows = isScript(query) ? [] : database.prepare(query).all(...bindings);
      if (isScript(query)) database.exec(query);
      // SQLite's rows have no prototype.
      const found = rows.map((row) => ({ ...row }) as T);
      const rest = found.values();
      return {
        [Symbol.iterator]: () => rest,
        next: () => rest.next(),
        toArray: () => found,
        one: () => {
          const [row, ...others] = found;
          if (row === undefined || others.length > 0) throw new Error('Expected exactly one row.');
          return row;
        },
      };
    },
  };
}

function isScript(query: string): boolean {
  return query.includes(';');
}
