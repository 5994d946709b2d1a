import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  MAX_FILTER_CONDITIONS,
  MAX_FILTER_DEPTH,
  MAX_FILTER_LENGTH,
} from '../../src/domain/filter.ts';
import { readWhere } from '../../src/domain/where.ts';
import { EXPLORER_OPERATORS } from '../../src/domain/where/operators.ts';

/** The time that the page speaks of. */
const NOW = Date.parse('2026-03-10T12:00:00Z');
const PAGE = readFileSync(new URL('../../docs/filter-language.md', import.meta.url), 'utf8');

/** The cells of each row of the table under this head. */
function tableUnder(head: string): string[][] {
  const [, after] = PAGE.split(`${head}\n`);
  assert.ok(after !== undefined, head);
  const rows: string[][] = [];
  for (const line of after.split('\n').slice(1)) {
    if (!line.startsWith('| ')) break;
    rows.push(line.slice(2, -2).split(' | '));
  }
  return rows;
}

const code = (cell: string | undefined) => /^`(.*)`$/.exec(cell ?? '')?.[1] ?? assert.fail(cell);

describe('each example of the page gives its tree', () => {
  const examples = [...PAGE.matchAll(/```explorer\n(.*?)\n```\n\n```json\n(.*?)\n```/gs)];
  assert.equal(examples.length, PAGE.split('```explorer').length - 1);
  assert.ok(examples.length >= 4);
  for (const [, source = '', tree = ''] of examples) {
    test(source, () => {
      const filters: unknown = JSON.parse(tree);
      assert.deepEqual(readWhere(source, NOW), { ok: true, filters });
      assert.deepEqual(readWhere(filters, NOW), { ok: true, filters });
    });
  }
});

describe('each mistake of the page is told so', () => {
  const texts = tableUnder('| expression | position | message |');
  const trees = tableUnder('| tree | path | message |');
  assert.ok(texts.length >= 10 && trees.length >= 4);
  for (const [source, position, message] of texts) {
    test(code(source), () => {
      const expected = { ok: false, position: Number(position), message };
      assert.deepEqual(readWhere(code(source), NOW), expected);
    });
  }
  for (const [tree, path, message] of trees) {
    test(code(tree), () => {
      const expected = { ok: false, path: code(path), message };
      assert.deepEqual(readWhere(JSON.parse(code(tree)), NOW), expected);
    });
  }
});

test('the page lists the operators', () => {
  const rows = tableUnder('| written | in a tree | holds where the field |');
  assert.deepEqual(
    rows.map(([written, op]) => [code(written), code(op)]),
    [...EXPLORER_OPERATORS],
  );
});

test('the page tells the limits', () => {
  const [conditions, length, depth] = tableUnder('| | at most |').map(([, limit = '']) =>
    Number.parseInt(limit.replace(',', ''), 10),
  );
  assert.deepEqual(
    [conditions, length, depth],
    [MAX_FILTER_CONDITIONS, MAX_FILTER_LENGTH, MAX_FILTER_DEPTH],
  );
});
