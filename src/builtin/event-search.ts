import { predicateOf, type FieldValue } from '../domain/filter-evaluate.ts';
import {
  EVENT_FIELDS,
  judgeField,
  judgeOfField,
  type EventField,
} from '../domain/filter-fields.ts';
import { isGroup, readFilter, type FilterTree, type ReadFilter } from '../domain/filter.ts';
import { PatternBudgetError, type Budget } from '../domain/pattern.ts';
import type { ObservabilityErrorCode } from '../mistral/errors.ts';
import { readCursor, writeCursor, type EventPlace } from './event-cursor.ts';
import {
  EVENT_COLUMNS,
  eventView,
  filterRow,
  previewView,
  type Annotation,
  type EventBody,
  type EventPreview,
  type EventRow,
} from './event-views.ts';
import { columnOf, filterSql, type FilterSql } from './filter-sql.ts';
import { similarSeqs } from './similar-events.ts';

/** Why a search is refused. */
export interface SearchProblem {
  status: 400 | 404;
  code: ObservabilityErrorCode;
  message: string;
}

export type SearchResult<T> = { ok: true; value: T } | ({ ok: false } & SearchProblem);

/** One page of previews; `next` is the cursor of the page after it, null at the end. */
export interface EventPage {
  events: EventPreview[];
  next: string | null;
}

/** An event that a filter matches. */
export interface FoundEvent extends EventPlace {
  eventId: string;
}

/** Characters, about, that the regular expressions of one search may read: some seconds of it. */
const PATTERN_STEPS = 100_000_000;

/** As many events are told as similar to one. */
const MAX_SIMILAR = 10;

const PLACE_COLUMNS = 'e.seq, e.event_id, e.created_at';

const COLUMNS = EVENT_COLUMNS.map((column) => `e.${column}`).join(', ');

/** Searches the recorded chats of a workspace, the newest first. */
export class EventSearch {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The fields there are: those of every workspace, and one for each judge. */
  fields(): EventField[] {
    return [...EVENT_FIELDS, ...this.#judgeFields()];
  }

  /** Reads `FilterPayload.filters` against the fields there are. */
  read(filters: unknown): ReadFilter {
    return readFilter(filters, this.#judgeFields());
  }

  /**
   * A page of matching events. The cursor names the last event of a page by its place, so that events which arrive
   * meanwhile move nothing.
   * @param pageSize 0 to 100
   * @param cursor of the page before, null for the first
   * @param extraFields names of the fields to show; null shows all
   */
  page(
    tree: FilterTree | null,
    pageSize: number,
    cursor: string | null,
    extraFields: readonly string[] | null,
  ): SearchResult<EventPage> {
    const shown = this.shownFields(extraFields);
    if (!shown.ok) return shown;
    const after = cursor === null ? null : readCursor(cursor);
    if (cursor !== null && after === null) return badRequest('The cursor is not one of a search.');
    return withinBudget((budget) => {
      if (pageSize === 0) return { events: [], next: null };
      const found = [...this.#matching(tree, after, pageSize + 1, budget)];
      const page = found.slice(0, pageSize);
      const last = page.at(-1);
      const isEnd = found.length <= pageSize || last === undefined;
      return {
        events: this.previews(
          page.map(({ seq }) => seq),
          shown.value,
        ),
        next: isEnd ? null : writeCursor(last),
      };
    });
  }

  /**
   * The ids of matching events from a place on, up to `limit`, as a JSON list; where there may be more, the place to
   * go on from. SQLite writes the list where it can: made of a hundred thousand rows, it would take a second.
   */
  ids(
    tree: FilterTree | null,
    limit: number,
    after: EventPlace | null,
  ): SearchResult<{ ids: string; next: EventPlace | null }> {
    const filter = filterSql(tree);
    if (filter.exact) {
      const query = matchingQuery(filter, PLACE_COLUMNS, after, limit);
      const found = this.#sql
        .exec<{ ids: string; count: number; last: string | null }>(
          `SELECT json_group_array(event_id) AS ids, count(*) AS count,
             json_group_array(created_at || '.' || seq) ->> '$[#-1]' AS last FROM (${query.sql})`,
          ...query.bindings,
        )
        .one();
      const [createdAt, seq] = (found.last ?? '').split('.').map(Number);
      const isEnd = found.count < limit || createdAt === undefined || seq === undefined;
      return { ok: true, value: { ids: found.ids, next: isEnd ? null : { createdAt, seq } } };
    }
    return withinBudget((budget) => {
      const found = [...this.#matching(tree, after, limit, budget)];
      return {
        ids: JSON.stringify(found.map(({ eventId }) => eventId)),
        next: found.length < limit ? null : (found.at(-1) ?? null),
      };
    });
  }

  /** `seq` of the newest matching events. */
  seqs(tree: FilterTree | null, limit: number): SearchResult<number[]> {
    return withinBudget((budget) =>
      [...this.#matching(tree, null, limit, budget)].map(({ seq }) => seq),
    );
  }

  /** The full event as JSON text (`ChatCompletionEvent`), or null when there is none. */
  byId(eventId: string): string | null {
    const row = this.#row(eventId);
    if (row === null) return null;
    const body = this.#sql
      .exec<EventBody>(
        'SELECT request_messages, response_messages, enabled_tools FROM event_bodies WHERE seq = ?',
        row.seq,
      )
      .one();
    const annotations = this.#annotations([row.seq]).get(row.seq) ?? [];
    const fields = this.#fieldsOf(annotations, this.fields());
    return eventView(previewView(row, annotations, fields), row.nb_messages, body);
  }

  /** Events that speak of the same, the most similar first; null when there is no such event. */
  similar(eventId: string): EventPreview[] | null {
    const row = this.#row(eventId);
    return row && this.previews(similarSeqs(this.#sql, row, MAX_SIMILAR), null);
  }

  /** Previews of events, in the order given; what is gone is left out. @param fields null shows all */
  previews(seqs: readonly number[], fields: readonly EventField[] | null): EventPreview[] {
    const rows = this.#sql.exec<EventRow>(
      `SELECT ${COLUMNS} FROM json_each(?) AS wanted JOIN events e ON e.seq = wanted.value
       ORDER BY wanted.key`,
      JSON.stringify(seqs),
    );
    const annotations = this.#annotations(seqs);
    const known = fields === null ? this.fields() : [];
    return [...rows].map((row) => {
      const found = annotations.get(row.seq) ?? [];
      return previewView(row, found, fields ?? this.#fieldsOf(found, known));
    });
  }

  /** The fields that were asked for by name. */
  shownFields(names: readonly string[] | null): SearchResult<EventField[] | null> {
    if (names === null) return { ok: true, value: null };
    const known = new Map(this.fields().map((field) => [field.name, field]));
    const unknown = names.find((name) => !known.has(name));
    if (unknown !== undefined) {
      const message = `There is no field ${JSON.stringify(unknown)}; GET /v1/observability/chat-completion-fields lists them.`;
      return badRequest(message);
    }
    return { ok: true, value: names.flatMap((name) => known.get(name) ?? []) };
  }

  /** What the matching events hold in a field, in no order: for what SQL cannot count. */
  *values(tree: FilterTree, field: EventField, budget: Budget): Generator<FieldValue> {
    const { where, values } = filterSql(tree);
    const rows = this.#sql.exec<EventRow>(
      `SELECT ${COLUMNS} FROM events e WHERE ${where} AND ?1 IS NOT NULL`,
      values,
    );
    const matches = this.#matcher(tree);
    for (const row of rows) {
      if (!matches(row, budget)) continue;
      const annotations = this.#annotations([row.seq]).get(row.seq) ?? [];
      yield filterRow(row, annotations, [field])[field.name] ?? null;
    }
  }

  #judgeFields(): EventField[] {
    const judges = this.#sql.exec<{ id: string; name: string; output: string }>(
      'SELECT id, name, output FROM judges ORDER BY created_at, id',
    );
    return [...judges].map(({ id, name, output }) =>
      judgeField(id, name, (JSON.parse(output) as { type: 'CLASSIFICATION' | 'REGRESSION' }).type),
    );
  }

  /** Newest first, from a place on; SQLite is read only as far as the results are taken. */
  *#matching(
    tree: FilterTree | null,
    after: EventPlace | null,
    limit: number,
    budget: Budget,
  ): Generator<FoundEvent> {
    const filter = filterSql(tree);
    const { exact } = filter;
    const columns = exact || tree === null ? PLACE_COLUMNS : columnsFor(tree);
    const query = matchingQuery(filter, columns, after, exact ? limit : -1);
    const rows = this.#sql.exec<EventRow>(query.sql, ...query.bindings);
    const matches = exact || tree === null ? null : this.#matcher(tree);
    let left = limit;
    for (const row of rows) {
      if (matches !== null && !matches(row, budget)) continue;
      yield { seq: row.seq, createdAt: row.created_at, eventId: row.event_id };
      if (--left === 0) return;
    }
  }

  /** Looks at a row as the filter does, where SQL was told less. */
  #matcher(tree: FilterTree): (row: EventRow, budget: Budget) => boolean {
    const holds = predicateOf(tree);
    const used = namesIn(tree);
    const fields = this.fields().filter(({ name }) => used.has(name));
    const ofJudges = fields.some(({ name }) => judgeOfField(name) !== null);
    return (row, budget) => {
      const annotations = ofJudges ? (this.#annotations([row.seq]).get(row.seq) ?? []) : [];
      return holds(filterRow(row, annotations, fields), budget);
    };
  }

  #row(eventId: string): EventRow | null {
    const row = this.#sql
      .exec<EventRow>(`SELECT ${COLUMNS} FROM events e WHERE e.event_id = ?`, eventId)
      .next();
    return row.done ? null : row.value;
  }

  #annotations(seqs: readonly number[]): Map<number, Annotation[]> {
    const rows = this.#sql.exec<{ event_seq: number; judge_id: string; answer: string }>(
      `SELECT event_seq, judge_id, answer FROM annotations
       WHERE event_seq IN (SELECT value FROM json_each(?)) ORDER BY judge_id`,
      JSON.stringify(seqs),
    );
    const bySeq = new Map<number, Annotation[]>();
    for (const row of rows) {
      const answer = JSON.parse(row.answer) as string | number;
      const annotation = { judgeId: row.judge_id, answer };
      bySeq.set(row.event_seq, [...(bySeq.get(row.event_seq) ?? []), annotation]);
    }
    return bySeq;
  }

  /** All fields of an event, of the judges' fields those that it has. */
  #fieldsOf(annotations: readonly Annotation[], known: readonly EventField[]): EventField[] {
    const judged = new Set(annotations.map(({ judgeId }) => judgeId));
    return known.filter(({ name }) => {
      const judgeId = judgeOfField(name);
      return judgeId === null || judged.has(judgeId);
    });
  }
}

/** The rows that a condition lets through, the newest first. @param limit -1 for all */
function matchingQuery(
  { where, values }: FilterSql,
  columns: string,
  after: EventPlace | null,
  limit: number,
): { sql: string; bindings: SqlStorageValue[] } {
  // `?2 IS NULL OR …` would keep SQLite from using an index.
  const place = after === null ? '?2 IS ?3' : '(e.created_at, e.seq) < (?2, ?3)';
  return {
    sql: `SELECT ${columns} FROM events e WHERE ${where} AND ${place}
          ORDER BY e.created_at DESC, e.seq DESC LIMIT ?4`,
    bindings: [values, after?.createdAt ?? null, after?.seq ?? null, limit],
  };
}

/** Runs a search with a bound on what its regular expressions cost. */
export function withinBudget<T>(search: (budget: Budget) => T): SearchResult<T> {
  try {
    return { ok: true, value: search({ stepsLeft: PATTERN_STEPS }) };
  } catch (error) {
    if (!(error instanceof PatternBudgetError)) throw error;
    return badRequest(
      'The regular expressions of this filter take too long over this many events. Narrow the filter, by time for one.',
    );
  }
}

/** A search that is refused for what its filter says. */
export function badRequest(message: string): { ok: false } & SearchProblem {
  return { ok: false, status: 400, code: 'SEARCH_BAD_REQUEST', message };
}

/** What has to be read of a row to look at it again; narrow rows are read several times as fast. */
function columnsFor(tree: FilterTree): string {
  const used = [...namesIn(tree)].filter((name) => judgeOfField(name) === null).map(columnOf);
  return [...new Set([...PLACE_COLUMNS.split(', '), ...used])].join(', ');
}

function namesIn(tree: FilterTree, names = new Set<string>()): Set<string> {
  if (!isGroup(tree)) return names.add(tree.field);
  for (const one of [...tree.and, ...tree.or]) namesIn(one, names);
  return names;
}
