import type { FieldValue } from '../domain/filter-evaluate.ts';
import {
  judgeOfField,
  operatorsOf,
  type EventField,
  type FilterOperator,
} from '../domain/filter-fields.ts';
import type { FilterTree } from '../domain/filter.ts';
import { iso } from '../domain/time.ts';
import { withinBudget, type EventSearch, type SearchResult } from './event-search.ts';
import { answerSql, columnOf, filterSql } from './filter-sql.ts';

/** How many events hold a value; `FieldOptionCountItem`. */
export interface OptionCount {
  value: string;
  count: number;
}

/** What a field offers to compare with; `null` in the list stands for its absence. */
export type Option = string | boolean | null;

/** As many values are offered, the most frequent first. */
const MAX_OPTIONS = 100;

type Scalar = string | number | boolean | null;

/** The values that the fields of events hold. */
export class FieldOptions {
  readonly #sql: SqlStorage;
  readonly #search: EventSearch;

  constructor(sql: SqlStorage, search: EventSearch) {
    this.#sql = sql;
    this.#search = search;
  }

  /**
   * What to compare a field with: texts and truth values that events hold. Null where any number or pattern will do,
   * as the API has no numbers among its options.
   */
  options(name: string, operator: FilterOperator): SearchResult<Option[] | null> {
    const found = this.#field(name);
    if (!found.ok) return found;
    const field = found.value;
    const supported = operatorsOf(field.type);
    if (!supported.includes(operator)) {
      const message = `${name} (${field.type}) does not take the operator ${operator}; it takes ${supported.join(', ')}.`;
      return { ok: false, status: 400, code: 'FIELDS_BAD_REQUEST', message };
    }
    if (operator === 'isnull') return { ok: true, value: [true, false] };
    const isFree = operator === 'len_eq' || operator === 'matches';
    if (isFree || field.type === 'INT' || field.type === 'FLOAT') return { ok: true, value: null };
    const counts = this.#counted(field, null);
    const options = counts.map(({ value }) =>
      typeof value === 'boolean' || value === null ? value : textOf(value, field),
    );
    return { ok: true, value: options };
  }

  /** How often each value occurs among the matching events; a list or map counts once for each of its items or keys. */
  counts(name: string, tree: FilterTree | null): SearchResult<OptionCount[]> {
    const found = this.#field(name);
    if (!found.ok) return found;
    const field = found.value;
    const isExact = filterSql(tree).exact;
    const counts = withinBudget((budget) =>
      isExact || tree === null
        ? this.#counted(field, tree)
        : mostFrequent(this.#search.values(tree, field, budget)),
    );
    if (!counts.ok) return counts;
    const present = counts.value.filter(({ value }) => value !== null);
    return {
      ok: true,
      value: present.map(({ value, count }) => ({ value: textOf(value, field), count })),
    };
  }

  #field(name: string): SearchResult<EventField> {
    const field = this.#search.fields().find((one) => one.name === name);
    if (field !== undefined) return { ok: true, value: field };
    return {
      ok: false,
      status: 404,
      code: 'FIELDS_NOT_FOUND',
      message: `Field ${name} not found.`,
    };
  }

  #counted(field: EventField, tree: FilterTree | null): { value: Scalar; count: number }[] {
    const { where, values } = filterSql(tree);
    const judgeId = judgeOfField(field.name);
    const value = judgeId === null ? columnOf(field.name) : answerSql('?2', field.type);
    const isList = field.type === 'ARRAY' || field.type === 'MAP';
    const rows = this.#sql.exec<{ value: string | number | null; count: number }>(
      `SELECT ${isList ? `item.${field.type === 'MAP' ? 'key' : 'value'}` : value} AS value,
         count(${isList ? 'DISTINCT e.seq' : '*'}) AS count
       FROM events e ${isList ? `, json_each(${value}) AS item` : ''}
       WHERE ${where} AND ?1 IS NOT NULL AND ?2 IS NOT NULL
       GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${MAX_OPTIONS + 1}`,
      values,
      judgeId ?? '',
    );
    const isTruth = field.type === 'BOOL';
    const counts = [...rows].map((row) => ({
      ...row,
      value: isTruth ? row.value === 1 : row.value,
    }));
    return withoutLast(counts);
  }
}

/** The same counts, made of values one by one. */
function mostFrequent(values: Iterable<FieldValue>): { value: Scalar; count: number }[] {
  const counts = new Map<Scalar, number>();
  for (const value of values) {
    for (const item of itemsOf(value)) counts.set(item, (counts.get(item) ?? 0) + 1);
  }
  const sorted = [...counts]
    .map(([value, count]) => ({ value, count }))
    .toSorted((left, right) => right.count - left.count || order(left.value, right.value));
  return withoutLast(sorted.slice(0, MAX_OPTIONS + 1));
}

/** One more was asked for, as absence is none of the values of a count. */
function withoutLast<T extends { value: Scalar }>(counts: T[]): T[] {
  return counts.some(({ value }) => value === null) ? counts : counts.slice(0, MAX_OPTIONS);
}

function itemsOf(value: FieldValue): Iterable<Scalar> {
  if (typeof value !== 'object' || value === null) return [value];
  return new Set(Array.isArray(value) ? (value as string[]) : Object.keys(value));
}

function order(left: Scalar, right: Scalar): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  return String(left) < String(right) ? -1 : 1;
}

function textOf(value: Scalar, { type }: EventField): string {
  return type === 'TIMESTAMP' ? iso(Number(value)) : String(value);
}
