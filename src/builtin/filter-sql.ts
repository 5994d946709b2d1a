import { judgeOfField, type FieldType } from '../domain/filter-fields.ts';
import {
  isGroup,
  type FilterCondition,
  type FilterTree,
  type FilterValue,
} from '../domain/filter.ts';
import { fold } from '../domain/fold.ts';

/**
 * A filter as a condition over `events e`. Durable Objects take 100 bound parameters, expressions 100 deep and 100 kB
 * of SQL, so that the values go into one JSON list, bound as `?1`, and what does not fit is left out: where `exact` is
 * false, the condition lets rows through that the filter does not, and they have to be looked at again.
 */
export interface FilterSql {
  where: string;
  /** The JSON list for `?1`. */
  values: string;
  exact: boolean;
}

/** A part of a condition; `depth` is that of its expression tree, at least. */
interface Part {
  sql: string;
  depth: number;
  exact: boolean;
}

/** Stands for what is not decided in SQL. The language has no NOT, so that letting more through is sound. */
const UNDECIDED: Part = { sql: '1', depth: 1, exact: false };

/** A part deeper than this is left out; joining a thousand of that depth and the rest of the query add some 20. */
const MAX_DEPTH = 70;
const MAX_SQL_LENGTH = 80_000;
/** A subquery compiles to some 30 instructions of SQLite, of which a statement has at most 25,000. */
const MAX_SUBQUERIES = 400;

/** Where a field is kept; with `folded`, a column that has the folded text where `upper()` does not give it. */
const COLUMNS: Record<string, { column: string; folded?: string }> = {
  timestamp: { column: 'e.created_at' },
  model_name: { column: 'e.model_name', folded: 'e.model_name_folded' },
  last_user_message_preview: {
    column: 'e.last_user_message_preview',
    folded: 'e.last_user_message_preview_folded',
  },
  response_messages_preview: {
    column: 'e.response_messages_preview',
    folded: 'e.response_messages_preview_folded',
  },
  first_system_message: {
    column: 'e.first_system_message',
    folded: 'e.first_system_message_folded',
  },
  api_agent_id: { column: 'e.api_agent_id' },
  event_id: { column: 'e.event_id' },
  correlation_id: { column: 'e.correlation_id' },
  invoked_tools: { column: 'e.invoked_tools' },
  metadata: { column: 'e.metadata' },
  total_time_elapsed: { column: 'e.total_time_elapsed' },
  input_tokens: { column: 'e.input_tokens' },
  output_tokens: { column: 'e.output_tokens' },
  streamed: { column: 'e.streamed' },
};

/** With an index that serves one value well and the newest rows of several badly. */
const INDEXED = new Set(['e.model_name', 'e.created_at']);

/** The column of a field that is no judge's. */
export function columnOf(field: string): string {
  const column = COLUMNS[field]?.column;
  if (column === undefined) throw new Error(`no column for ${field}`);
  return column;
}

/**
 * What a judge answered about an event.
 * @param judgeId the expression that gives the judge's id
 */
export function answerSql(judgeId: string, type: FieldType): string {
  // A judge may have changed its kind of output: what it answered before is no answer then.
  const kind = type === 'FLOAT' ? "<>'text'" : "='text'";
  return `(SELECT answer->>'$' FROM annotations WHERE judge_id=${judgeId} AND event_seq=e.seq AND json_type(answer)${kind})`;
}

/** A filter as the SQL condition that an event `e` has to meet; a null tree lets every event through. */
export function filterSql(tree: FilterTree | null): FilterSql {
  const compiler = new Compiler();
  const { sql, exact } = tree === null ? { sql: '1', exact: true } : compiler.tree(tree, false);
  return { where: sql, values: JSON.stringify(compiler.values), exact };
}

class Compiler {
  readonly values: (string | number)[] = [];
  #length = 0;
  #subqueries = 0;

  /** @param inOr whether the tree is one of several of which one has to hold */
  tree(tree: FilterTree, inOr: boolean): Part {
    if (!isGroup(tree)) return this.#condition(tree, inOr);
    const all = tree.and.map((one) => this.tree(one, inOr));
    const isChoice = tree.or.length > 1;
    const some = tree.or.map((one) => this.tree(one, inOr || isChoice));
    return conjunction(some.length === 0 ? all : [...all, disjunction(some)]);
  }

  #condition(condition: FilterCondition, inOr: boolean): Part {
    const { value } = condition;
    if (typeof value === 'string' && !isPlain(value)) return UNDECIDED;
    if (this.#length > MAX_SQL_LENGTH || this.#subqueries > MAX_SUBQUERIES) return UNDECIDED;
    const part = this.#compiled(condition, this.#column(condition, inOr));
    this.#length += part.sql.length + 10;
    this.#subqueries += part.sql.split('SELECT').length - 1;
    return part;
  }

  /** The field as an expression. */
  #column({ field, type }: FilterCondition, inOr: boolean): string {
    const judgeId = judgeOfField(field);
    if (judgeId !== null) return answerSql(this.#bound(judgeId), type);
    const column = columnOf(field);
    // The plus keeps SQLite from collecting and sorting the rows of each of several values.
    return inOr && INDEXED.has(column) ? `+${column}` : column;
  }

  #compiled(condition: FilterCondition, column: string): Part {
    const { type, op, value } = condition;
    const decided = (sql: string): Part => ({ sql, depth: 6, exact: true });
    switch (op) {
      case 'isnull':
        return decided(`${column} IS ${value === true ? '' : 'NOT '}NULL`);
      case 'eq':
        return decided(`${column}=${this.#bound(value)}`);
      case 'neq':
        return decided(`${column} IS NOT ${this.#bound(value)}`);
      case 'lt':
        return decided(`${column}<${this.#bound(value)}`);
      case 'lte':
        return decided(`${column}<=${this.#bound(value)}`);
      case 'gt':
        return decided(`${column}>${this.#bound(value)}`);
      case 'gte':
        return decided(`${column}>=${this.#bound(value)}`);
      case 'len_eq':
        return decided(`${lengthSql(type, column)}=${this.#bound(value)}`);
      case 'matches':
        return { ...decided(`${column} IS NOT NULL`), exact: false };
      case 'includes':
      case 'excludes':
        return this.#member(condition, column);
      case 'startswith':
      case 'istartswith':
      case 'endswith':
      case 'iendswith':
      case 'contains':
      case 'icontains':
      case 'notcontains':
      case 'inotcontains':
        return this.#part(condition, column);
    }
  }

  #member({ type, op, value }: FilterCondition, column: string): Part {
    const each = type === 'MAP' ? 'key' : 'value';
    // The member as it is written in the JSON: found fast, and sometimes where it is none.
    const written = this.#bound(JSON.stringify(value));
    const found = `EXISTS(SELECT 1 FROM json_each(${column}) WHERE ${each}=${this.#bound(value)})`;
    const sql = `(instr(${column},${written})>0 AND ${found})`;
    return { sql: op === 'includes' ? sql : `NOT ${sql}`, depth: 12, exact: true };
  }

  /** `contains` and its like. */
  #part({ field, type, op, value }: FilterCondition, column: string): Part {
    const ignoresCase = op.startsWith('i');
    const text = ignoresCase ? fold(String(value)) : String(value);
    const denied = op.includes('not');
    const where = denied ? 'contains' : ignoresCase ? op.slice(1) : op;
    const wanted = this.#bound(text);
    const folded = COLUMNS[field]?.folded;
    const held = (expression: string) => {
      if (!ignoresCase) return expression;
      return folded === undefined
        ? `upper(${expression})`
        : `coalesce(${folded},upper(${expression}))`;
    };
    const found =
      type === 'ARRAY'
        ? `EXISTS(SELECT 1 FROM json_each(${column}) WHERE ${partSql(where, held('value'), text, wanted)})`
        : partSql(where, held(column), text, wanted);
    const sql = denied ? `coalesce(${found},0)=0` : found;
    if (!ignoresCase || folded !== undefined) return { sql, depth: 12, exact: true };
    // upper() folds ASCII only: what has other letters is looked at again.
    return {
      sql: `(${sql} OR octet_length(${column})<>length(${column}))`,
      depth: 14,
      exact: false,
    };
  }

  #bound(value: FilterValue): string {
    return `?1->>${this.values.push(typeof value === 'boolean' ? Number(value) : value) - 1}`;
  }
}

/** SQLite's texts end at a NUL, and are UTF-8, which has no lone surrogates. */
function isPlain(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

function lengthSql(type: FieldType, column: string): string {
  if (type === 'ARRAY') return `json_array_length(${column})`;
  if (type === 'MAP') return `(SELECT count(*) FROM json_each(${column}))`;
  return `length(${column})`;
}

/** @param wanted the expression that gives `text` */
function partSql(where: string, held: string, text: string, wanted: string): string {
  const { length } = Array.from(text);
  if (where === 'contains') return `instr(${held},${wanted})>0`;
  // substr(x, -0) would be the whole text.
  if (length === 0) return `${held} IS NOT NULL`;
  return where === 'startswith'
    ? `substr(${held},1,${length})=${wanted}`
    : `substr(${held},${-length})=${wanted}`;
}

/** All of them; what is not decided restricts nothing. */
function conjunction(parts: Part[]): Part {
  const exact = parts.every((part) => part.exact && part.depth <= MAX_DEPTH);
  const kept = parts.filter(({ sql, depth }) => sql !== UNDECIDED.sql && depth <= MAX_DEPTH);
  return kept.length === 0 ? { ...UNDECIDED, exact } : { ...joined(kept, 'AND'), exact };
}

/** One of them; what is not decided may be the one that holds. */
function disjunction(parts: Part[]): Part {
  const isUndecided = ({ sql, depth, exact }: Part) =>
    depth > MAX_DEPTH || (sql === UNDECIDED.sql && !exact);
  if (parts.some(isUndecided)) return UNDECIDED;
  return { ...joined(parts, 'OR'), exact: parts.every((part) => part.exact) };
}

/** Joins so that the tree stays as flat as it can be: always the two flattest, as Huffman does. */
function joined(parts: readonly Part[], operator: 'AND' | 'OR'): Part {
  const waiting = parts.toSorted((left, right) => left.depth - right.depth);
  for (;;) {
    const first = waiting.shift();
    const second = waiting.shift();
    if (first === undefined) throw new Error('nothing to join');
    if (second === undefined) return first;
    const depth = Math.max(first.depth, second.depth) + 1;
    const place = waiting.findIndex((part) => part.depth > depth);
    waiting.splice(place < 0 ? waiting.length : place, 0, {
      sql: `(${first.sql} ${operator} ${second.sql})`,
      depth,
      exact: first.exact && second.exact,
    });
  }
}
