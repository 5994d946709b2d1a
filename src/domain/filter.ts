import {
  EVENT_FIELDS,
  FILTER_OPERATORS,
  operatorsOf,
  type EventField,
  type FieldType,
  type FilterOperator,
} from './filter-fields.ts';
import { compilePattern } from './pattern.ts';
import { nearest } from './where/nearest.ts';

/**
 * What a condition compares with, checked against its field and operator: a text, a finite number, a truth value.
 * A time is in milliseconds since the epoch, with a fraction where it was given finer.
 */
export type FilterValue = string | number | boolean;

/** One condition. `eq null` and `neq null` have become `isnull`. */
export interface FilterCondition {
  field: string;
  type: FieldType;
  op: FilterOperator;
  value: FilterValue;
}

/** Both lists must hold: all of `and`, and at least one of `or`. An empty list holds. */
export interface FilterGroup {
  and: FilterTree[];
  or: FilterTree[];
}

export type FilterTree = FilterCondition | FilterGroup;

/** A filter that was read; a null tree matches everything. The message of a mistake says where it is. */
export type ReadFilter = { ok: true; tree: FilterTree | null } | { ok: false; message: string };

export const MAX_FILTER_CONDITIONS = 1000;
export const MAX_FILTER_DEPTH = 100;
/** UTF-16 units of the filter as JSON. */
export const MAX_FILTER_LENGTH = 102_400;

export const TOO_DEEP = `A filter is nested at most ${MAX_FILTER_DEPTH} levels deep.`;

/** Whether a tree is a group, not a single condition. */
export function isGroup(tree: FilterTree): tree is FilterGroup {
  return 'and' in tree;
}

/**
 * Reads `FilterPayload.filters`: null, a condition, or groups `{AND, OR}`. What the OpenAPI document leaves open is
 * decided here: other keys of a group are passed over and `{}` holds, but what looks like a condition must be one.
 * @param extraFields fields besides {@link EVENT_FIELDS}
 */
export function readFilter(value: unknown, extraFields: readonly EventField[]): ReadFilter {
  if (value === null) return { ok: true, tree: null };
  const length = lengthAsJson(value);
  if (length === null) return { ok: false, message: TOO_DEEP };
  if (length > MAX_FILTER_LENGTH) {
    return { ok: false, message: `A filter has at most ${MAX_FILTER_LENGTH} characters as JSON.` };
  }
  try {
    const reader = new FilterReader(extraFields);
    return { ok: true, tree: reader.read(value, 'filters', 1) };
  } catch (error) {
    if (error instanceof FilterMistake) return { ok: false, message: error.message };
    throw error;
  }
}

/** UTF-16 units. Null where a value is nested too deeply to be written: JSON of any depth can be read. */
export function lengthAsJson(value: unknown): number | null {
  try {
    return JSON.stringify(value).length;
  } catch {
    return null;
  }
}

/** A mistake in a filter; it leaves this file as a value. */
class FilterMistake extends Error {}

class FilterReader {
  readonly #fields: ReadonlyMap<string, EventField>;
  #conditions = 0;

  constructor(extraFields: readonly EventField[]) {
    this.#fields = new Map([...EVENT_FIELDS, ...extraFields].map((field) => [field.name, field]));
  }

  #hint(field: unknown): string {
    const meant = typeof field === 'string' ? nearest(field, [...this.#fields.keys()]) : null;
    return meant === null
      ? 'GET /v1/observability/chat-completion-fields lists them.'
      : `did you mean ${meant}?`;
  }

  /** @param at where the value stands, such as `filters.AND[2]` */
  read(value: unknown, at: string, depth: number): FilterTree {
    if (depth > MAX_FILTER_DEPTH) {
      throw new FilterMistake(TOO_DEEP);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new FilterMistake(
        `${at}: expected a condition {field, op, value} or a group {AND, OR}.`,
      );
    }
    const node = value as Record<string, unknown>;
    const has = (key: string) => Object.hasOwn(node, key);
    if (!has('field') && !has('op') && !has('value')) {
      return {
        and: this.#list(node['AND'], `${at}.AND`, depth),
        or: this.#list(node['OR'], `${at}.OR`, depth),
      };
    }
    if (has('AND') || has('OR')) {
      throw new FilterMistake(`${at}: is both a condition and a group; put one into the other.`);
    }
    for (const key of ['field', 'op', 'value']) {
      if (!has(key)) throw new FilterMistake(`${at}: the condition lacks "${key}".`);
    }
    return this.#condition(node, at);
  }

  #list(value: unknown, at: string, depth: number): FilterTree[] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw new FilterMistake(`${at}: expected a list or null.`);
    return value.map((item, index) => this.read(item, `${at}[${index}]`, depth + 1));
  }

  #condition({ field, op, value }: Record<string, unknown>, at: string): FilterCondition {
    if (++this.#conditions > MAX_FILTER_CONDITIONS) {
      throw new FilterMistake(`A filter has at most ${MAX_FILTER_CONDITIONS} conditions.`);
    }
    const known = typeof field === 'string' ? this.#fields.get(field) : undefined;
    if (known === undefined) {
      throw new FilterMistake(
        `${at}.field: there is no field ${quoted(field)}; ${this.#hint(field)}`,
      );
    }
    const operator = FILTER_OPERATORS.find((one) => one === op);
    if (operator === undefined) {
      throw new FilterMistake(
        `${at}.op: there is no operator ${quoted(op)}; the operators are ${FILTER_OPERATORS.join(', ')}.`,
      );
    }
    const { name, type } = known;
    if (value === null && (operator === 'eq' || operator === 'neq')) {
      return { field: name, type, op: 'isnull', value: operator === 'eq' };
    }
    if (!operatorsOf(type).includes(operator)) {
      const supported = operatorsOf(type).join(', ');
      throw new FilterMistake(
        `${at}.op: ${name} (${type}) does not take the operator ${operator}; it takes ${supported}.`,
      );
    }
    const read = VALUES[expectedBy(type, operator)](value);
    if ('problem' in read) {
      throw new FilterMistake(
        `${at}.value: ${operator} on ${name} needs ${read.problem}, not ${quoted(value)}.`,
      );
    }
    return { field: name, type, op: operator, value: read.value };
  }
}

/** What a value has to be, or the value as the tree holds it. */
type ReadValue = { value: FilterValue } | { problem: string };

type Expected = 'truth' | 'length' | 'pattern' | 'text' | 'number' | 'time';

function expectedBy(type: FieldType, op: FilterOperator): Expected {
  if (op === 'isnull') return 'truth';
  if (op === 'len_eq') return 'length';
  if (op === 'matches') return 'pattern';
  switch (type) {
    case 'INT':
    case 'FLOAT':
      return 'number';
    case 'BOOL':
      return 'truth';
    case 'TIMESTAMP':
      return 'time';
    case 'TEXT':
    case 'ARRAY':
    case 'MAP':
      return 'text';
  }
}

const VALUES: Record<Expected, (value: unknown) => ReadValue> = {
  truth: (value) => (typeof value === 'boolean' ? { value } : { problem: 'true or false' }),
  length: (value) =>
    Number.isSafeInteger(value) && Number(value) >= 0
      ? { value: Number(value) }
      : { problem: 'a whole number from 0' },
  number: (value) => (Number.isFinite(value) ? { value: Number(value) } : { problem: 'a number' }),
  text: (value) => (typeof value === 'string' ? { value } : { problem: 'a text' }),
  time: (value) => {
    const time = typeof value === 'string' ? timeOf(value) : null;
    const problem = 'a time in ISO 8601 with its zone, such as "2026-02-01T00:00:00Z"';
    return time === null ? { problem } : { value: time };
  },
  pattern: (value) => {
    if (typeof value !== 'string') return { problem: 'a regular expression' };
    const compiled = compilePattern(value);
    return compiled.ok
      ? { value }
      : { problem: `a regular expression (${compiled.message} at ${compiled.position})` };
  },
};

const TIME =
  /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?(?:([Zz])|([+-]\d\d):?(\d\d)?)$/;

/** Milliseconds since the epoch of an ISO 8601 time with a zone, or null. A fraction of any length counts. */
export function timeOf(text: string): number | null {
  const parts = TIME.exec(text);
  if (parts === null) return null;
  const [, date, minutes, seconds = '00', fraction = '0', , hours, zoneMinutes = '00'] = parts;
  const zone = hours === undefined ? 'Z' : `${hours}:${zoneMinutes}`;
  const whole = Date.parse(`${date}T${minutes}:${seconds}${zone}`);
  const local = Date.parse(`${date}T00:00:00Z`);
  // 30 February is read as 2 March by some engines.
  if (Number.isNaN(whole) || new Date(local).toISOString().slice(0, 10) !== date) return null;
  // Digit by digit, as 0.069 * 1000 is not 69.
  const digits = fraction.padEnd(3, '0');
  return whole + Number(`${digits.slice(0, 3)}.${digits.slice(3)}0`);
}

const MAX_QUOTED = 100;

/** A value as a message shows it. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED).toWellFormed()}…` : text;
}
