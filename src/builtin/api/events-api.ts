import { RpcTarget } from 'cloudflare:workers';
import type { EventField, FilterOperator } from '../../domain/filter-fields.ts';
import type { FilterTree } from '../../domain/filter.ts';
import type { EventPlace } from '../event-cursor.ts';
import { badRequest, type EventSearch, type SearchResult } from '../event-search.ts';
import type { FieldOptions, Option, OptionCount } from '../field-options.ts';

/** The recorded chats of a workspace, over RPC. Filters and what has open fields come and go as JSON texts. */
export class EventsApi extends RpcTarget {
  readonly #search: EventSearch;
  readonly #options: FieldOptions;

  constructor(search: EventSearch, options: FieldOptions) {
    super();
    this.#search = search;
    this.#options = options;
  }

  /**
   * A page of matching events; `events` is a JSON list of previews.
   * @param filters `FilterPayload.filters` as JSON
   */
  search(
    filters: string,
    pageSize: number,
    cursor: string | null,
    extraFields: string[] | null,
  ): SearchResult<{ events: string; next: string | null }> {
    const read = this.#read(filters);
    if (!read.ok) return read;
    const page = this.#search.page(read.value, pageSize, cursor, extraFields);
    if (!page.ok) return page;
    const { events, next } = page.value;
    return { ok: true, value: { events: JSON.stringify(events), next } };
  }

  /** See {@link EventSearch.ids}. @param filters as in {@link search} */
  ids(
    filters: string,
    extraFields: string[] | null,
    limit: number,
    after: EventPlace | null,
  ): SearchResult<{ ids: string; next: EventPlace | null }> {
    const read = this.#read(filters);
    if (!read.ok) return read;
    const shown = this.#search.shownFields(extraFields);
    return shown.ok ? this.#search.ids(read.value, limit, after) : shown;
  }

  /** The full event as JSON text; null when there is none. */
  get(eventId: string): string | null {
    return this.#search.byId(eventId);
  }

  /** Similar events as a JSON list of previews; null when there is no such event. */
  similar(eventId: string): string | null {
    const events = this.#search.similar(eventId);
    return events && JSON.stringify(events);
  }

  fields(): EventField[] {
    return this.#search.fields();
  }

  options(field: string, operator: FilterOperator): SearchResult<Option[] | null> {
    return this.#options.options(field, operator);
  }

  optionCounts(field: string, filters: string): SearchResult<OptionCount[]> {
    const read = this.#read(filters);
    return read.ok ? this.#options.counts(field, read.value) : read;
  }

  #read(filters: string): SearchResult<FilterTree | null> {
    const read = this.#search.read(JSON.parse(filters));
    return read.ok ? { ok: true, value: read.tree } : badRequest(read.message);
  }
}
