import { EVENT_FIELDS, type FilterOperator } from '../filter-fields.ts';
import { MAX_FILTER_CONDITIONS, MAX_FILTER_LENGTH } from '../filter.ts';
import { valueAt } from '../json-pointer.ts';
import { Alternatives, type Part } from './groups.ts';
import { WhereMistake } from './mistake.ts';
import { nearest } from './nearest.ts';
import { EXPLORER_OPERATORS, explorerOperatorLike } from './operators.ts';
import { readTimestamp, TIMESTAMP_FIELD } from './timestamp.ts';
import { type Token, Tokens } from './tokens.ts';
import type { FilterTreeJson } from './tree.ts';

/**
 * Reads an expression of Mistral's Explorer language (docs/filter-language.md) into the upstream's tree.
 * @param now milliseconds since the epoch
 * @throws {WhereMistake} with a position
 */
export function readExplorer(source: string, now: number): FilterTreeJson {
  if (source.length > MAX_FILTER_LENGTH) {
    throw new WhereMistake(
      MAX_FILTER_LENGTH,
      `A filter has at most ${MAX_FILTER_LENGTH} characters; this one has ${source.length}.`,
    );
  }
  return new ExplorerReader(source, now).read();
}

/**
 * Where in the text a part of its tree was written.
 * @param source a text that {@link readExplorer} reads
 * @param path to a condition of the tree, or to the `field`, `op` or `value` of one
 * @returns UTF-16 units from 0, or null where the tree has no such part
 */
export function positionIn(source: string, path: readonly string[], now: number): number | null {
  const reader = new ExplorerReader(source, now);
  const tree = reader.read();
  const part = PARTS.find((one) => one === path.at(-1));
  const condition = valueAt(tree, part === undefined ? path : path.slice(0, -1))?.value;
  return reader.places.get(condition)?.[part ?? 'field'] ?? null;
}

const PARTS = ['field', 'op', 'value'] as const;

const FIELD_NAMES = EVENT_FIELDS.map(({ name }) => name);

const FOREIGN_CONNECTIVES: ReadonlyMap<string, string> = new Map([
  ['&', 'AND'],
  ['&&', 'AND'],
  ['|', 'OR'],
  ['||', 'OR'],
]);

const ANY_VALUE = 'a text in double quotes, a number, true, false or null';

/** What the operators need that do not take any value. */
const VALUES: Partial<Record<FilterOperator, string>> = {
  isnull: 'true or false after isnull',
  len_eq: 'a whole number from 0 after length_equals',
};

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

class ExplorerReader {
  /** Where the pieces of each condition start. */
  readonly places = new Map<unknown, Record<(typeof PARTS)[number], number>>();
  readonly #tokens: Tokens;
  readonly #now: number;
  #conditions = 0;

  constructor(source: string, now: number) {
    this.#tokens = new Tokens(source);
    this.#now = now;
  }

  /** Parentheses are kept in a list of our own: any number of them may be open. */
  read(): FilterTreeJson {
    const outer: Alternatives[] = [];
    let inner = new Alternatives(null);
    for (;;) {
      const start = this.#tokens.next();
      if (start.kind === 'open') {
        outer.push(inner);
        inner = new Alternatives(start.position);
        continue;
      }
      inner.add(this.#condition(start));
      let next = this.#tokens.next();
      for (let around = outer.at(-1); next.kind === 'close' && around; around = outer.at(-1)) {
        outer.pop();
        around.add(inner.close());
        inner = around;
        next = this.#tokens.next();
      }
      if (next.kind === 'end' && inner.open === null) return inner.close().tree;
      if (isWord(next, 'OR')) inner.or();
      else if (!isWord(next, 'AND')) throw notAConnective(next, inner.open);
    }
  }

  #condition(start: Token): Part {
    const field = fieldOf(start);
    if (++this.#conditions > MAX_FILTER_CONDITIONS) {
      throw new WhereMistake(
        start.position,
        `A filter has at most ${MAX_FILTER_CONDITIONS} conditions; this is one more.`,
      );
    }
    const token = this.#tokens.next();
    const op = EXPLORER_OPERATORS.get(token.text.toLowerCase());
    if (op === undefined) throw notAnOperator(token, start);
    const last = this.#tokens.next();
    const tree = { field, op, value: this.#value(last, field, op) };
    const { position } = start;
    this.places.set(tree, { field: position, op: token.position, value: last.position });
    return { tree, position, levels: 1 };
  }

  #value(token: Token, field: string, op: FilterOperator): unknown {
    const what = VALUES[op] ?? ANY_VALUE;
    const value = valueOf(token, what);
    if (op === 'isnull' && typeof value !== 'boolean') throw expected(what, token);
    if (op === 'len_eq' && !(Number.isSafeInteger(value) && Number(value) >= 0)) {
      throw expected(what, token);
    }
    if (field !== TIMESTAMP_FIELD || typeof value !== 'string') return value;
    const time = readTimestamp(value, op, this.#now);
    if ('problem' in time) throw new WhereMistake(token.position, time.problem);
    return time.value;
  }
}

function isWord(token: Token, word: string): boolean {
  return token.kind === 'word' && token.text.toUpperCase() === word;
}

/**
 * Any name is a field, as judges and newer upstreams add some. But a name that is nearly one of the known fields is
 * taken for a slip: an upstream that passed over it would answer something else than was asked. A tree takes it.
 */
function fieldOf(token: Token): string {
  if (token.kind === 'string' && FIELD_NAMES.includes(token.value)) {
    throw expected(`a field or "(" (a field is written without quotes: ${token.value})`, token);
  }
  if (token.kind !== 'word') throw expected('a field or "("', token);
  if (isWord(token, 'AND') || isWord(token, 'OR')) {
    throw expected('a field or "(" (AND and OR stand between conditions)', token);
  }
  const meant = FIELD_NAMES.includes(token.text) ? null : nearest(token.text, FIELD_NAMES);
  if (meant !== null) throw expected('a field', token, meant);
  return token.text;
}

function notAnOperator(token: Token, field: Token): WhereMistake {
  if (isWord(field, 'NOT') && (token.kind === 'word' || token.kind === 'open')) {
    return new WhereMistake(
      field.position,
      'There is no NOT; use an operator that says it, such as != or notcontains or excludes.',
    );
  }
  const meant =
    token.kind === 'word' || token.kind === 'symbol' ? explorerOperatorLike(token.text) : null;
  const what = `an operator after ${shortened(field.text)}`;
  return expected(meant === null ? `${what}, such as = or contains` : what, token, meant);
}

function notAConnective(token: Token, open: number | null): WhereMistake {
  const close = open === null ? 'the end' : `")" for the "(" at ${open}`;
  const meant = FOREIGN_CONNECTIVES.get(token.text) ?? nearest(token.text, ['AND', 'OR']);
  return expected(`AND, OR or ${close}`, token, meant);
}

/** @param what which values are expected */
function valueOf(token: Token, what: string): string | number | boolean | null {
  switch (token.kind) {
    case 'string':
      return token.value;
    case 'number':
      return numberOf(token);
    case 'word':
      return constantOf(token, what);
    default: {
      const isQuote = /^[`\p{Quotation_Mark}]/u.test(token.text);
      const hint = ' (text stands in straight double quotes: ")';
      throw expected(isQuote && what === ANY_VALUE ? what + hint : what, token);
    }
  }
}

function numberOf(token: Token): number {
  const number = Number(token.text);
  if (!NUMBER.test(token.text)) {
    throw expected('a number as in JSON, such as 12 or -0.5, or a text in double quotes', token);
  }
  if (!Number.isFinite(number)) {
    throw new WhereMistake(token.position, `The number ${shortened(token.text)} is too large.`);
  }
  return number;
}

function constantOf(token: Token, what: string): boolean | null {
  switch (token.text.toLowerCase()) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'null':
      return null;
    default:
      throw expected(what === ANY_VALUE ? `${what} (text needs its quotes)` : what, token);
  }
}

function expected(what: string, found: Token, meant: string | null = null): WhereMistake {
  const not = found.kind === 'end' ? 'not the end' : `not ${shortened(found.text)}`;
  const hint = meant === null ? '.' : `; did you mean ${meant}?`;
  return new WhereMistake(found.position, `Expected ${what}, ${not}${hint}`);
}

const MAX_SHOWN = 60;

/** A piece of the text as a message shows it. */
function shortened(text: string): string {
  return text.length > MAX_SHOWN
    ? `${text.slice(0, MAX_SHOWN).toWellFormed()}…`
    : text.toWellFormed();
}
