import './workerd-globals.ts';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { WORKSPACE_MIGRATIONS } from '../../src/builtin/schema.ts';
import type { HookDefinition } from '../../src/domain/hook.ts';
import type { ScheduleState } from '../../src/domain/schedule.ts';
import { StartsStore } from '../../src/objects/dataset-starts.sql.ts';
import { HookStore } from '../../src/objects/hook.sql.ts';
import { MIGRATIONS } from '../../src/objects/import-migrations.sql.ts';
import { RegistryStore } from '../../src/objects/registry.sql.ts';
import { ScheduleStore } from '../../src/objects/schedule.sql.ts';
import { UsageStore } from '../../src/objects/usage-ledger.sql.ts';
import { migrate } from '../../src/platform/migrate.ts';
import { sqlStorage } from '../support/sql-storage.ts';

const PAGE = readFileSync(new URL('../../docs/storage.md', import.meta.url), 'utf8');
const CONFIG = readFileSync(new URL('../../wrangler.toml', import.meta.url), 'utf8');

/** Makes the schema of each Durable Object that stores something. */
const SCHEMAS: Record<string, (sql: SqlStorage) => void> = {
  ImportJob: (sql) => migrate(sql, MIGRATIONS),
  DatasetStarts: (sql) => new StartsStore(sql).claim('task', 'import', 0),
  Registry: (sql) => void new RegistryStore(sql),
  Schedule: (sql) => new ScheduleStore(sql).save({} as ScheduleState, true),
  UsageLedger: (sql) => void new UsageStore(sql),
  Hook: (sql) => new HookStore(sql).save({} as HookDefinition),
  Workspace: (sql) => migrate(sql, WORKSPACE_MIGRATIONS),
};

/** Keys that keep a table to one row, or number its rows. */
const UNTOLD = new Set(['only', 'number']);
/** Tables that the page tells in words. */
const IN_WORDS = new Set(['migrations', 'settings']);

/** The rows of the table under the heading of an object: what it says of each of its tables. */
function rowsOf(object: string): Map<string, string> {
  const sections = PAGE.split(/^## /m).filter((text) => text.startsWith(`\`${object}\``));
  assert.equal(sections.length, 1, `one section about ${object}`);
  const rows = [...(sections[0] ?? '').matchAll(/^\| `(\w+)` \| (.*) \|$/gm)];
  return new Map(rows.map(([, table = '', text = '']) => [table, text]));
}

/** The names between backquotes. */
const namesIn = (text: string) =>
  new Set([...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name));

describe('docs/storage.md tells every table and column of', () => {
  for (const [object, make] of Object.entries(SCHEMAS)) {
    test(object, () => {
      const sql = sqlStorage();
      make(sql);
      const columns = sql
        .exec<{ of: string; name: string }>(
          `SELECT tables.name AS of, columns.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
           WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%' AND tables.name NOT LIKE 'event_text%'`,
        )
        .toArray();
      const rows = rowsOf(object);
      const tables = new Set(columns.map(({ of }) => of));
      // A virtual table, which has tables of its own beneath it.
      rows.delete('event_text');
      assert.deepEqual([...rows.keys()].toSorted(), [...tables].toSorted());
      for (const { of, name } of columns) {
        if (IN_WORDS.has(of) || UNTOLD.has(name) || name.endsWith('_folded')) continue;
        assert.ok(namesIn(rows.get(of) ?? '').has(name), `${of}.${name}`);
      }
    });
  }

  test('the objects that there are', () => {
    const classes = [...CONFIG.matchAll(/class_name = "(\w+)"/g)].map(([, name = '']) => name);
    const stateless = ['RateLimiter'];
    assert.deepEqual(classes.toSorted(), [...Object.keys(SCHEMAS), ...stateless].toSorted());
  });
});
