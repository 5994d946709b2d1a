import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGE = readFileSync(join(ROOT, 'docs/tests.md'), 'utf8');

const rows = PAGE.split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
  .slice(1)
  .map((line) => line.split('|').slice(1, -1));
const named = (cell: string | undefined) =>
  [...(cell ?? '').matchAll(/`([\w./*-]+)`/g)].map(([, name = '']) => name);

test('the sources and tests that docs/tests.md names are there', () => {
  assert.ok(rows.length > 40);
  for (const [behaviour, sources, tests] of rows) {
    for (const name of named(sources).filter((name) => name.includes('/') || name.includes('.'))) {
      const found = name.includes('*')
        ? globSync(join(ROOT, 'src', name)).length > 0
        : existsSync(join(ROOT, 'src', name));
      assert.ok(found, name);
    }
    assert.ok(named(tests).length > 0, behaviour);
    for (const name of named(tests)) {
      assert.ok(globSync(join(ROOT, 'test', `${name}.test.ts`)).length > 0, name);
    }
  }
});
