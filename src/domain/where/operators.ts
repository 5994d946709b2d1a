import { FILTER_OPERATORS, type FilterOperator } from '../filter-fields.ts';
import { nearest } from './nearest.ts';

/** The operators of the Explorer language in lower case, and what the upstream calls them. */
export const EXPLORER_OPERATORS: ReadonlyMap<string, FilterOperator> = new Map([
  ['=', 'eq'],
  ['!=', 'neq'],
  ['>', 'gt'],
  ['<', 'lt'],
  ['>=', 'gte'],
  ['<=', 'lte'],
  ['contains', 'contains'],
  ['icontains', 'icontains'],
  ['notcontains', 'notcontains'],
  ['inotcontains', 'inotcontains'],
  ['startswith', 'startswith'],
  ['starts_with', 'startswith'],
  ['istartswith', 'istartswith'],
  ['endswith', 'endswith'],
  ['ends_with', 'endswith'],
  ['iendswith', 'iendswith'],
  ['matches', 'matches'],
  ['includes', 'includes'],
  ['excludes', 'excludes'],
  ['isnull', 'isnull'],
  ['length_equals', 'len_eq'],
]);

/** What people bring along from other languages, and from the upstream's trees. */
const FOREIGN_OPERATORS: ReadonlyMap<string, string> = new Map([
  ['==', '='],
  ['===', '='],
  ['eq', '='],
  ['is', '='],
  ['equals', '='],
  ['!==', '!='],
  ['<>', '!='],
  ['ne', '!='],
  ['neq', '!='],
  ['gt', '>'],
  ['lt', '<'],
  ['=>', '>='],
  ['gte', '>='],
  ['=<', '<='],
  ['lte', '<='],
  ['~', 'matches'],
  ['=~', 'matches'],
  ['match', 'matches'],
  ['regex', 'matches'],
  ['like', 'contains'],
  ['ilike', 'icontains'],
  ['not', 'notcontains'],
  ['len_eq', 'length_equals'],
]);

const EXPLORER_NAMES = [...EXPLORER_OPERATORS.keys()];

/** The operator of the Explorer language that was probably meant, or null. */
export function explorerOperatorLike(word: string): string | null {
  return FOREIGN_OPERATORS.get(word.toLowerCase()) ?? nearest(word, EXPLORER_NAMES);
}

/** The operator of a tree that was probably meant, or null. */
export function treeOperatorLike(word: string): FilterOperator | null {
  const lower = word.toLowerCase();
  const explorer = FOREIGN_OPERATORS.get(lower) ?? lower;
  const named = EXPLORER_OPERATORS.get(explorer) ?? nearest(word, FILTER_OPERATORS);
  return FILTER_OPERATORS.find((op) => op === named) ?? null;
}
