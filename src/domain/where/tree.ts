import { FILTER_OPERATORS, type FilterOperator } from '../filter-fields.ts';
import {
  lengthAsJson,
  MAX_FILTER_CONDITIONS,
  MAX_FILTER_DEPTH,
  MAX_FILTER_LENGTH,
  quoted,
  TOO_DEEP,
} from '../filter.ts';
import { jsonPointer } from '../json-pointer.ts';
import { isObject, type JsonObject } from '../json.ts';
import { WhereMistake } from './mistake.ts';
import { treeOperatorLike } from './operators.ts';
import { readTimestamp, TIMESTAMP_FIELD } from './timestamp.ts';

/** A filter as `FilterPayload.filters` of the upstream takes it. Values are any JSON. */
export type FilterTreeJson = { AND: FilterTreeJson[] } | { OR: FilterTreeJson[] } | ConditionJson;

export interface ConditionJson {
  field: string;
  op: FilterOperator;
  value: unknown;
}

/**
 * Checks a tree and resolves its relative times. The upstream passes over what it does not know and then finds
 * everything, so only what it surely reads is let through. Fields and values are its to judge.
 * @param now milliseconds since the epoch
 * @throws {WhereMistake} with a JSON Pointer
 */
export function readTree(where: unknown, now: number): FilterTreeJson {
  const length = lengthAsJson(where);
  if (length === null) throw new WhereMistake('', TOO_DEEP);
  if (length > MAX_FILTER_LENGTH) {
    throw new WhereMistake('', `A filter has at most ${MAX_FILTER_LENGTH} characters as JSON.`);
  }
  return new TreeReader(now).read(where, '', 1);
}

const GROUP_KEYS = ['AND', 'OR'] as const;
const CONDITION_KEYS = ['field', 'op', 'value'] as const;

class TreeReader {
  readonly #now: number;
  #conditions = 0;

  constructor(now: number) {
    this.#now = now;
  }

  read(node: unknown, path: string, depth: number): FilterTreeJson {
    if (depth > MAX_FILTER_DEPTH) throw new WhereMistake(path, TOO_DEEP);
    if (!isObject(node)) throw new WhereMistake(path, notATree(node, path));
    const isCondition = CONDITION_KEYS.some((key) => Object.hasOwn(node, key));
    for (const key of Object.keys(node)) checkKey(key, isCondition, path);
    return isCondition ? this.#condition(node, path) : this.#group(node, path, depth);
  }

  #group(node: JsonObject, path: string, depth: number): FilterTreeJson {
    // The official SDKs may send a list that is not there as null.
    const [and, or] = [node['AND'] ?? null, node['OR'] ?? null];
    if (and === null && or === null) {
      throw new WhereMistake(
        path,
        'An empty group would match everything; give it a list AND or OR, or leave the filter out.',
      );
    }
    if (or === null) return { AND: this.#list(and, `${path}/AND`, depth) };
    if (and === null) return { OR: this.#list(or, `${path}/OR`, depth) };
    // What the upstream makes of both in one group is not documented. Both must hold, and this says so.
    return {
      AND: [
        ...this.#list(and, `${path}/AND`, depth),
        { OR: this.#list(or, `${path}/OR`, depth + 1) },
      ],
    };
  }

  #list(items: unknown, path: string, depth: number): FilterTreeJson[] {
    if (!Array.isArray(items)) {
      throw new WhereMistake(
        path,
        `Expected a list of conditions and groups, not ${quoted(items)}.`,
      );
    }
    if (items.length === 0) {
      throw new WhereMistake(
        path,
        'An empty list is no filter; put a condition in or leave it out.',
      );
    }
    return items.map((item, index) => this.read(item, `${path}/${index}`, depth + 1));
  }

  #condition(node: JsonObject, path: string): ConditionJson {
    if (++this.#conditions > MAX_FILTER_CONDITIONS) {
      throw new WhereMistake(path, `A filter has at most ${MAX_FILTER_CONDITIONS} conditions.`);
    }
    for (const key of CONDITION_KEYS) {
      if (!Object.hasOwn(node, key)) {
        throw new WhereMistake(
          path,
          `A condition needs "field", "op" and "value"; "${key}" is missing.`,
        );
      }
    }
    const { field, value } = node;
    if (typeof field !== 'string' || field === '') {
      throw new WhereMistake(
        `${path}/field`,
        `Expected the name of a field, not ${quoted(field)}.`,
      );
    }
    const op = operatorOf(node['op'], `${path}/op`);
    if (field !== TIMESTAMP_FIELD || typeof value !== 'string') return { field, op, value };
    const time = readTimestamp(value, op, this.#now);
    if ('problem' in time) throw new WhereMistake(`${path}/value`, time.problem);
    return { field, op, value: time.value };
  }
}

function notATree(value: unknown, path: string): string {
  if (path === '' && Array.isArray(value)) {
    return 'A list is no filter; write {"AND": […]} or {"OR": […]}.';
  }
  return `Expected a condition {field, op, value} or a group {AND} or {OR}, not ${quoted(value)}.`;
}

function checkKey(key: string, isCondition: boolean, path: string): void {
  const keys: readonly string[] = isCondition ? CONDITION_KEYS : GROUP_KEYS;
  if (keys.includes(key)) return;
  const at = path + jsonPointer([key]);
  if (isCondition && GROUP_KEYS.some((group) => group === key)) {
    throw new WhereMistake(at, `This is a condition and a group; put the condition into ${key}.`);
  }
  const upper = GROUP_KEYS.find((group) => group === key.toUpperCase());
  if (!isCondition && upper !== undefined) {
    throw new WhereMistake(
      at,
      `There is no key ${quoted(key)}; did you mean ${upper}, in capitals?`,
    );
  }
  throw new WhereMistake(
    at,
    `There is no key ${quoted(key)}; a condition has field, op and value, a group has AND or OR.`,
  );
}

function operatorOf(op: unknown, path: string): FilterOperator {
  const known = FILTER_OPERATORS.find((one) => one === op);
  if (known !== undefined) return known;
  const meant = typeof op === 'string' ? treeOperatorLike(op) : null;
  throw new WhereMistake(
    path,
    meant === null
      ? `There is no operator ${quoted(op)}; the operators are ${FILTER_OPERATORS.join(', ')}.`
      : `There is no operator ${quoted(op)}; did you mean ${meant}?`,
  );
}
