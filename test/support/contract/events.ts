import { definition, EVENTS } from '../judges.ts';
import { definitionCases, sdkDefinition } from './judges.ts';
import {
  fails,
  needs,
  PAGE_SIZES,
  refuses,
  refusesQuery,
  takes,
  takesQuery,
  type Case,
  type Operation,
} from './operation.ts';
import * as shape from './shapes.ts';

const FIELDS = '/v1/observability/chat-completion-fields';
const UNKNOWN_EVENT = { event_id: 'SEARCH_NOT_FOUND' };
const UNKNOWN_FIELD = { field_name: 'FIELDS_NOT_FOUND' };

const is = (field: string, op: string, value: unknown) => ({ field, op, value });

/** Every operator there is, in one filter. */
const EVERY_OPERATOR = {
  AND: [
    is('input_tokens', 'gt', -1),
    is('input_tokens', 'gte', 0),
    is('total_time_elapsed', 'lt', 1e9),
    is('timestamp', 'lte', '2100-01-01T00:00:00Z'),
    is('event_id', 'isnull', false),
    is('model_name', 'neq', ''),
    is('model_name', 'notcontains', 'zzz'),
    is('model_name', 'inotcontains', 'ZZZ'),
    is('invoked_tools', 'excludes', 'zzz'),
  ],
  OR: [
    is('model_name', 'eq', 'mistral-small-latest'),
    is('model_name', 'startswith', 'mistral'),
    is('model_name', 'istartswith', 'MISTRAL'),
    is('model_name', 'endswith', 'latest'),
    is('model_name', 'iendswith', 'LATEST'),
    is('model_name', 'contains', 'small'),
    is('model_name', 'icontains', 'SMALL'),
    is('model_name', 'matches', '^mistral-(small|large)'),
    is('invoked_tools', 'includes', 'web_search'),
    is('invoked_tools', 'len_eq', 1),
  ],
};

/** What a filter may be. @param path of the `FilterPayload` in the body */
export function filterCases(path: string): Case[] {
  const at = `${path}.filters`;
  return [
    ...takes(at, null, is('model_name', 'contains', 'mistral'), EVERY_OPERATOR),
    ...takes(at, { AND: [] }, { AND: null, OR: [{ AND: [is('streamed', 'neq', null)] }] }),
    ...refuses(at, undefined, 'x', 5, []),
    ...fails(400, 'SEARCH_BAD_REQUEST', at, is('no_such_field', 'eq', 1)),
    ...fails(400, 'SEARCH_BAD_REQUEST', at, is('model_name', 'like', 'x'), { AND: ['x'] }),
    ...fails(400, 'SEARCH_BAD_REQUEST', at, { OR: [is('model_name', 'matches', '(')] }),
  ];
}

const searchCases: Case[] = [
  ...filterCases('search_params'),
  ...needs('search_params'),
  ...refuses('search_params', null, []),
  ...takes('extra_fields', null, [], ['model_name', 'metadata', 'invoked_tools', 'timestamp']),
  ...refuses('extra_fields', 'model_name', [5]),
  ...fails(400, undefined, 'extra_fields', ['no_such_field']),
];

const search = {
  search_params: { filters: EVERY_OPERATOR },
  extra_fields: ['model_name', 'metadata', 'invoked_tools', 'streamed', 'timestamp', 'event_id'],
};
const FILTERS = { and: [is('model_name', 'icontains', 'MISTRAL')] } as {
  and: { field: string; op: 'icontains'; value: string }[];
};

/** Recorded chats and the fields that they are searched by. */
export const EVENT_OPERATIONS: Operation[] = [
  {
    call: `POST ${EVENTS}/search`,
    status: 200,
    answer: shape.eventFeed,
    good: () => ({ query: 'page_size=100', body: search }),
    sdk: [
      (m) =>
        m.beta.observability.chatCompletionEvents.search({
          pageSize: 2,
          searchChatCompletionEventsRequest: {
            searchParams: { filters: FILTERS },
            extraFields: ['model_name', 'invoked_tools', 'metadata', 'timestamp'],
          },
        }),
    ],
    cases: [
      ...searchCases,
      ...PAGE_SIZES,
      {
        what: 'the cursor of a page',
        status: 'good',
        change: async (good, world) => {
          const page = await world.send(`POST ${EVENTS}/search`, { ...good, query: 'page_size=1' });
          const { completion_events: feed } = shape.eventFeed.parse(await page.json());
          return { ...good, query: `cursor=${encodeURIComponent(feed.next ?? '')}` };
        },
      },
      {
        what: 'a cursor that no page gave',
        status: 400,
        code: 'SEARCH_BAD_REQUEST',
        change: (good) => ({ ...good, query: 'cursor=nonsense' }),
      },
    ],
  },
  {
    call: `POST ${EVENTS}/search-ids`,
    status: 200,
    answer: shape.eventIds,
    good: () => ({ body: search }),
    sdk: [
      (m) =>
        m.beta.observability.chatCompletionEvents.searchIds({ searchParams: { filters: null } }),
    ],
    cases: searchCases,
  },
  {
    call: `GET ${EVENTS}/{event_id}`,
    status: 200,
    answer: shape.event,
    sdk: [(m, w) => m.beta.observability.chatCompletionEvents.fetch({ eventId: w.id('event_id') })],
    unknown: UNKNOWN_EVENT,
  },
  {
    call: `GET ${EVENTS}/{event_id}/similar-events`,
    status: 200,
    answer: shape.eventFeed,
    sdk: [
      (m, w) =>
        m.beta.observability.chatCompletionEvents.fetchSimilarEvents({
          eventId: w.id('event_id'),
        }),
    ],
    unknown: UNKNOWN_EVENT,
  },
  {
    call: `POST ${EVENTS}/{event_id}/live-judging`,
    status: 200,
    answer: shape.judgeOutput,
    good: () => ({ body: { judge_definition: definition() } }),
    sdk: [
      (m, w) =>
        m.beta.observability.chatCompletionEvents.judge({
          eventId: w.id('event_id'),
          judgeChatCompletionEventRequest: { judgeDefinition: sdkDefinition() },
        }),
    ],
    unknown: UNKNOWN_EVENT,
    cases: [...needs('judge_definition'), ...definitionCases('judge_definition.')],
  },
  {
    call: `GET ${FIELDS}`,
    status: 200,
    answer: shape.fields,
    sdk: [(m) => m.beta.observability.chatCompletionEvents.fields.list()],
  },
  {
    call: `GET ${FIELDS}/{field_name}/options`,
    status: 200,
    answer: shape.options,
    good: () => ({ query: 'operator=eq' }),
    sdk: [
      (m) =>
        m.beta.observability.chatCompletionEvents.fields.fetchOptions({
          fieldName: 'model_name',
          operator: 'eq',
        }),
    ],
    unknown: UNKNOWN_FIELD,
    cases: [
      ...takesQuery('operator=neq', 'operator=isnull', 'operator=matches', 'operator=len_eq'),
      ...refusesQuery('', 'operator=', 'operator=like', 'operator=eq&operator=neq'),
      {
        what: 'an operator that the field does not take',
        status: 400,
        code: 'FIELDS_BAD_REQUEST',
        change: () => ({ query: 'operator=includes' }),
      },
    ],
  },
  {
    call: `POST ${FIELDS}/{field_name}/options-counts`,
    status: 200,
    answer: shape.counts,
    good: () => ({ body: { filter_params: { filters: EVERY_OPERATOR } } }),
    sdk: [
      (m) =>
        m.beta.observability.chatCompletionEvents.fields.fetchOptionCounts({
          fieldName: 'model_name',
          fetchFieldOptionCountsRequest: { filterParams: { filters: FILTERS } },
        }),
    ],
    unknown: UNKNOWN_FIELD,
    cases: [
      ...filterCases('filter_params'),
      ...takes('filter_params', undefined, null),
      ...refuses('filter_params', 'x', []),
    ],
  },
];
