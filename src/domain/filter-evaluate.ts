import type { FilterCondition, FilterTree } from './filter.ts';
import { isGroup } from './filter.ts';
import { fold } from './fold.ts';
import { compilePattern, type Budget } from './pattern.ts';

/** The value of a field; times in milliseconds since the epoch, null where an event has none. */
export type FieldValue =
  | string
  | number
  | boolean
  | readonly string[]
  | Readonly<Record<string, string>>
  | null;

/** What an event holds in each field that a filter looks at; a field that is left out is absent. */
export type FilterRow = Readonly<Record<string, FieldValue | undefined>>;

/**
 * Whether a row satisfies a filter.
 * @param budget what regular expressions may still cost; `PatternBudgetError` is thrown when it is used up
 */
export type FilterPredicate = (row: FilterRow, budget: Budget) => boolean;

/** Compiles a filter; the reference of what its operators mean. SQL does the same where it can (filter-sql.ts). */
export function predicateOf(tree: FilterTree): FilterPredicate {
  if (!isGroup(tree)) return conditionOf(tree);
  const all = tree.and.map(predicateOf);
  const some = tree.or.map(predicateOf);
  return (row, budget) =>
    all.every((holds) => holds(row, budget)) &&
    (some.length === 0 || some.some((holds) => holds(row, budget)));
}

type Test = (value: NonNullable<FieldValue>, budget: Budget) => boolean;

/** False for an absent value; the operators that deny, and `isnull`, are the exact complement of what they deny. */
function conditionOf(condition: FilterCondition): FilterPredicate {
  const { field, op, value } = condition;
  if (op === 'isnull') return (row) => ((row[field] ?? null) === null) === value;
  const { test, denied } = testOf(condition);
  return (row, budget) => {
    const held = row[field] ?? null;
    return (held !== null && test(held, budget)) !== denied;
  };
}

function testOf({ op, value }: FilterCondition): { test: Test; denied: boolean } {
  const affirm = (test: Test) => ({ test, denied: false });
  const deny = (test: Test) => ({ test, denied: true });
  const text = String(value);
  const folded = fold(text);
  switch (op) {
    case 'eq':
      return affirm((held) => held === value);
    case 'neq':
      return deny((held) => held === value);
    case 'lt':
      return affirm((held) => compare(held, value) < 0);
    case 'lte':
      return affirm((held) => compare(held, value) <= 0);
    case 'gt':
      return affirm((held) => compare(held, value) > 0);
    case 'gte':
      return affirm((held) => compare(held, value) >= 0);
    case 'startswith':
      return affirm(anyText((held) => held.startsWith(text)));
    case 'istartswith':
      return affirm(anyText((held) => fold(held).startsWith(folded)));
    case 'endswith':
      return affirm(anyText((held) => held.endsWith(text)));
    case 'iendswith':
      return affirm(anyText((held) => fold(held).endsWith(folded)));
    case 'contains':
      return affirm(anyText((held) => held.includes(text)));
    case 'icontains':
      return affirm(anyText((held) => fold(held).includes(folded)));
    case 'notcontains':
      return deny(anyText((held) => held.includes(text)));
    case 'inotcontains':
      return deny(anyText((held) => fold(held).includes(folded)));
    case 'matches':
      return affirm(matches(text));
    case 'includes':
      return affirm((held) => hasMember(held, text));
    case 'excludes':
      return deny((held) => hasMember(held, text));
    case 'len_eq':
      return affirm((held) => lengthOf(held) === value);
    case 'isnull':
      throw new Error('isnull is decided by its caller');
  }
}

/** A test of a text, which holds for a list when it holds for one of its items. */
function anyText(holds: (text: string, budget: Budget) => boolean): Test {
  return (held, budget) =>
    typeof held === 'string'
      ? holds(held, budget)
      : Array.isArray(held) && held.some((item: string) => holds(item, budget));
}

function matches(source: string): Test {
  const compiled = compilePattern(source);
  if (!compiled.ok) throw new Error('readFilter checks patterns');
  return anyText((held, budget) => compiled.pattern.test(held, budget));
}

function hasMember(held: NonNullable<FieldValue>, member: string): boolean {
  if (Array.isArray(held)) return held.includes(member);
  return typeof held === 'object' && Object.hasOwn(held, member);
}

/** Code points of a text, items of a list, entries of a map. */
function lengthOf(held: NonNullable<FieldValue>): number {
  if (typeof held === 'string') return Array.from(held).length;
  return Array.isArray(held) ? held.length : Object.keys(held).length;
}

/** Numbers by size, texts by code point; NaN, which is in no order, where the kinds differ. */
function compare(left: NonNullable<FieldValue>, right: string | number | boolean): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right);
  return Number.NaN;
}

/** Order by code point: that of UTF-16 units would put U+FF5E after an emoji. */
function compareTexts(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    if (left.charCodeAt(at) === right.charCodeAt(at)) continue;
    const inPair = at > 0 && isHighSurrogate(left.charCodeAt(at - 1)) ? at - 1 : at;
    return (left.codePointAt(inPair) ?? 0) - (right.codePointAt(inPair) ?? 0);
  }
  return left.length - right.length;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
