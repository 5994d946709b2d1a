import * as z from 'zod/mini';
import { Refusal } from '../domain/failures.ts';
import type { JudgeDefinition, JudgeOutput } from '../domain/judge.ts';
import { isObject, parseToHandOn, type JsonObject } from '../domain/json.ts';
import type { FilterTreeJson } from '../domain/where/tree.ts';
import { OBSERVABILITY_PREFIX } from './errors.ts';
import { nextCursor, nextPage } from './pages.ts';

/** One call of the observability API. */
export interface ObservabilityCall {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path and query. */
  path: string;
  body?: JsonObject;
  /** Whether it changes nothing, so that it may be made again after a failure. */
  isRead: boolean;
  /** Of a search: whether nothing but its filter can be what a 400 complains of. */
  filterAlone?: boolean;
}

/** A success as it came: its status and its body. */
export interface ObservabilityAnswer {
  status: number;
  text: string;
}

/** What is searched for. `filters` is the API's tree, null for everything; `fields` are asked for besides the usual. */
export interface EventQuery {
  filters: FilterTreeJson | null;
  fields: string[] | null;
}

/** A place in a numbered list: `page` counts from 1. */
export interface PageQuery {
  limit: number;
  page: number;
}

/** A page of a numbered list. */
export interface Page {
  items: JsonObject[];
  count: number;
  nextPage: number | null;
}

const object = () => z.custom<JsonObject>(isObject);
const identified = () =>
  z.custom<JsonObject & { id: string }>(
    (value) => isObject(value) && typeof value['id'] === 'string',
  );
const listed = () =>
  z.object({
    results: z.nullish(z.array(object())),
    count: z.int().check(z.minimum(0)),
    next: z.optional(z.unknown()),
  });

const anyObject = z.lazy(object);
const withId = z.lazy(identified);
const feed = z.lazy(() =>
  z.object({
    completion_events: z.object({
      results: z.nullish(z.array(object())),
      next: z.optional(z.unknown()),
      cursor: z.optional(z.unknown()),
    }),
  }),
);
const eventIds = z.lazy(() => z.object({ completion_event_ids: z.array(z.string()) }));
const judgeOutput = z.lazy(() =>
  z.object({ answer: z.union([z.string(), z.number()]), analysis: z.string() }),
);
const datasetPage = z.lazy(() => z.object({ datasets: listed() }));
const recordPage = z.lazy(() => z.object({ records: listed() }));
const exported = z.lazy(() => z.object({ file_url: z.string().check(z.minLength(1)) }));

const EVENTS = `${OBSERVABILITY_PREFIX}chat-completion-events`;
const DATASETS = `${OBSERVABILITY_PREFIX}datasets`;

/**
 * The operations of the observability API that the facade offers, on whichever upstream. Objects are handed on with all
 * their fields; lists lose their wrapping.
 */
export class ObservabilityClient {
  readonly #call: (call: ObservabilityCall) => Promise<ObservabilityAnswer>;

  /** @param call makes a call and gives its success; it throws a `Refusal` where there is none */
  constructor(call: (call: ObservabilityCall) => Promise<ObservabilityAnswer>) {
    this.#call = call;
  }

  /** A page of matching events, as previews. @param cursor of this page, null for the first */
  async searchEvents(
    query: EventQuery,
    limit: number,
    cursor: string | null,
  ): Promise<{ events: JsonObject[]; nextCursor: string | null }> {
    const at = queryOf({ page_size: limit, cursor });
    const call = { ...searchCall(query), path: `${EVENTS}/search${at}` };
    if (cursor !== null) call.filterAlone = false;
    const found = await this.#ask(feed, call);
    const { results, ...end } = found.completion_events;
    return { events: results ?? [], nextCursor: nextCursor(end, cursor) };
  }

  /** The ids of all matching events. */
  async searchEventIds(query: EventQuery): Promise<string[]> {
    const call = { ...searchCall(query), path: `${EVENTS}/search-ids` };
    const found = await this.#ask(eventIds, call);
    return found.completion_event_ids;
  }

  fetchEvent(id: string): Promise<JsonObject> {
    return this.#read(anyObject, `${EVENTS}/${id}`);
  }

  async similarEvents(id: string): Promise<JsonObject[]> {
    const found = await this.#read(feed, `${EVENTS}/${id}/similar-events`);
    return found.completion_events.results ?? [];
  }

  /** A judgement of an event; nothing is stored, but it costs as much as a chat, so it is asked for once. */
  judgeEvent(id: string, definition: JudgeDefinition): Promise<JudgeOutput> {
    const body = { judge_definition: definition };
    return this.#write(judgeOutput, 'POST', `${EVENTS}/${id}/live-judging`, body);
  }

  /** @param q part of the name, null for all */
  async listDatasets({ limit, page }: PageQuery, q: string | null): Promise<Page> {
    const at = queryOf({ page_size: limit, page, q });
    const { datasets } = await this.#read(datasetPage, DATASETS + at);
    return pageOf(datasets, { limit, page });
  }

  createDataset(name: string, description: string): Promise<JsonObject & { id: string }> {
    return this.#write(withId, 'POST', DATASETS, { name, description });
  }

  fetchDataset(id: string): Promise<JsonObject> {
    return this.#read(anyObject, `${DATASETS}/${id}`);
  }

  updateDataset(id: string, change: JsonObject): Promise<JsonObject> {
    return this.#write(anyObject, 'PATCH', `${DATASETS}/${id}`, change);
  }

  async deleteDataset(id: string): Promise<void> {
    await this.#call({ method: 'DELETE', path: `${DATASETS}/${id}`, isRead: false });
  }

  async listRecords(datasetId: string, { limit, page }: PageQuery): Promise<Page> {
    const at = queryOf({ page_size: limit, page });
    const { records } = await this.#read(recordPage, `${DATASETS}/${datasetId}/records${at}`);
    return pageOf(records, { limit, page });
  }

  createRecord(
    datasetId: string,
    payload: JsonObject,
    properties: JsonObject,
  ): Promise<JsonObject & { id: string }> {
    const body = { payload, properties };
    return this.#write(withId, 'POST', `${DATASETS}/${datasetId}/records`, body);
  }

  /** A link to the dataset's records as JSONL, as the upstream gives it. */
  async exportDataset(id: string): Promise<string> {
    const link = await this.#read(exported, `${DATASETS}/${id}/exports/to-jsonl`);
    return link.file_url;
  }

  #read<T>(schema: z.ZodMiniType<T>, path: string): Promise<T> {
    return this.#ask(schema, { method: 'GET', path, isRead: true });
  }

  #write<T>(
    schema: z.ZodMiniType<T>,
    method: 'POST' | 'PATCH',
    path: string,
    body: JsonObject,
  ): Promise<T> {
    return this.#ask(schema, { method, path, isRead: false, body });
  }

  async #ask<T>(schema: z.ZodMiniType<T>, call: ObservabilityCall): Promise<T> {
    const { status, text } = await this.#call(call);
    const parsed = schema.safeParse(parseToHandOn(text));
    if (parsed.success) return parsed.data;
    throw new Refusal({
      code: 'upstream_error',
      message: 'The Mistral API answered with something that cannot be read.',
      upstream: { status, body: text.slice(0, MAX_EXCERPT) },
    });
  }
}

const MAX_EXCERPT = 4096;

function searchCall({ filters, fields }: EventQuery) {
  return {
    method: 'POST' as const,
    body: { search_params: { filters }, ...(fields !== null && { extra_fields: fields }) },
    isRead: true,
    filterAlone: filters !== null && fields === null,
  };
}

/** The query of a URL; what is null is left out. */
function queryOf(values: Record<string, string | number | null>): string {
  const given = Object.entries(values).filter(([, value]) => value !== null);
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()}`;
}

function pageOf(list: z.infer<ReturnType<typeof listed>>, { limit, page }: PageQuery): Page {
  const { results, count } = list;
  return { items: results ?? [], count, nextPage: nextPage(list, limit, page) };
}
