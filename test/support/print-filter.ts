import type { FilterOperator } from '../../src/domain/filter-fields.ts';
import { EXPLORER_OPERATORS } from '../../src/domain/where/operators.ts';
import type { FilterTreeJson } from '../../src/domain/where/tree.ts';

const SPELLINGS: ReadonlyMap<FilterOperator, string> = new Map(
  [...EXPLORER_OPERATORS].map(([spelling, op]) => [op, spelling]),
);

/** A tree as a text of the Explorer language. Values are texts, numbers, truth values or null; fields are names. */
export function printFilter(tree: FilterTreeJson): string {
  if ('AND' in tree) return tree.AND.map(printMember).join(' AND ');
  if ('OR' in tree) {
    // AND binds tighter, so it needs no parentheses in an OR.
    return tree.OR.map((part) => ('AND' in part ? printFilter(part) : printMember(part))).join(
      ' OR ',
    );
  }
  return `${tree.field} ${SPELLINGS.get(tree.op)} ${printValue(tree.value)}`;
}

function printMember(tree: FilterTreeJson): string {
  return 'field' in tree ? printFilter(tree) : `(${printFilter(tree)})`;
}

function printValue(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t');
  return `"${escaped}"`;
}
