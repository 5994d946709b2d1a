// What the facade asks of the Mistral API, and what it makes of the answers.

import { JUDGE } from './routes-facade.ts';

export const ID = 'd2719a4c-8f0e-4d5f-9c51-0d4f3f7c1a11';
const V1 = '/v1/observability';
const EVENTS = `${V1}/chat-completion-events`;
const DATASETS = `${V1}/datasets`;

const FULL = { search_params: { filters: null } };
export const CONDITION = { field: 'model_name', op: 'eq', value: 'm' };
const DEFINITION = { ...JUDGE, output: { type: 'CLASSIFICATION', ...JUDGE.output } };
export const EVENT = { event_id: 'e-1', extra_fields: {}, added_later: { n: 1 } };
const DATASET = { id: ID, name: 'a dataset', added_later: [1] };
const RECORD = { id: ID, payload: {}, added_later: null };
const feed = (rest: object) => ({ completion_events: rest });

interface Translation {
  what: string;
  call: [string, string, object?];
  /** As the upstream sees it. */
  sent: [string, string, object?];
  got: [number, unknown];
  answer: [number, unknown];
}

export const TRANSLATIONS: Translation[] = [
  {
    what: 'a search',
    call: ['POST', '/events/search', {}],
    sent: ['POST', `${EVENTS}/search?page_size=50`, FULL],
    got: [200, feed({ results: [EVENT], next: 'n', cursor: 'n' })],
    answer: [200, { events: [EVENT], next_cursor: 'n' }],
  },
  {
    what: 'a search with everything',
    call: [
      'POST',
      '/events/search',
      { where: CONDITION, limit: 5, cursor: 'a+b&c', fields: ['f'] },
    ],
    sent: [
      'POST',
      `${EVENTS}/search?page_size=5&cursor=a%2Bb%26c`,
      { search_params: { filters: CONDITION }, extra_fields: ['f'] },
    ],
    got: [200, feed({ results: [], next: null, cursor: null })],
    answer: [200, { events: [], next_cursor: null }],
  },
  {
    what: 'a search whose answer leaves everything out',
    call: ['POST', '/events/search', { fields: null, cursor: null }],
    sent: ['POST', `${EVENTS}/search?page_size=50`, FULL],
    got: [200, feed({})],
    answer: [200, { events: [], next_cursor: null }],
  },
  {
    what: 'a search that is continued by cursor alone',
    call: ['POST', '/events/search', { cursor: '' }],
    sent: ['POST', `${EVENTS}/search?page_size=50`, FULL],
    got: [200, feed({ results: null, cursor: 'n' })],
    answer: [200, { events: [], next_cursor: 'n' }],
  },
  {
    what: 'ids',
    call: ['POST', '/events/ids', { where: CONDITION, fields: [] }],
    sent: [
      'POST',
      `${EVENTS}/search-ids`,
      { search_params: { filters: CONDITION }, extra_fields: [] },
    ],
    got: [200, { completion_event_ids: ['a', 'b'] }],
    answer: [200, { ids: ['a', 'b'], count: 2 }],
  },
  {
    what: 'an event',
    call: ['GET', `/events/${ID}`],
    sent: ['GET', `${EVENTS}/${ID}`],
    got: [200, EVENT],
    answer: [200, EVENT],
  },
  {
    what: 'similar events',
    call: ['GET', `/events/${ID}/similar`],
    sent: ['GET', `${EVENTS}/${ID}/similar-events`],
    got: [200, feed({ results: [EVENT] })],
    answer: [200, { events: [EVENT] }],
  },
  {
    what: 'similar events that are left out',
    call: ['GET', `/events/${ID}/similar`],
    sent: ['GET', `${EVENTS}/${ID}/similar-events`],
    got: [200, feed({})],
    answer: [200, { events: [] }],
  },
  {
    what: 'a judgement',
    call: ['POST', `/events/${ID}/judge`, JUDGE],
    sent: ['POST', `${EVENTS}/${ID}/live-judging`, { judge_definition: DEFINITION }],
    got: [200, { answer: 'yes', analysis: 'It is.' }],
    answer: [200, { answer: 'yes', analysis: 'It is.' }],
  },
  {
    what: 'datasets',
    call: ['GET', '/datasets'],
    sent: ['GET', `${DATASETS}?page_size=50&page=1`],
    got: [200, { datasets: { results: [DATASET], count: 51, next: null, previous: null } }],
    answer: [200, { datasets: [DATASET], count: 51, next_page: 2 }],
  },
  {
    what: 'datasets by name whose answer leaves the results out',
    call: ['GET', '/datasets?q=a%26b&limit=10&page=9'],
    sent: ['GET', `${DATASETS}?page_size=10&page=9&q=a%26b`],
    got: [200, { datasets: { count: 87 } }],
    answer: [200, { datasets: [], count: 87, next_page: null }],
  },
  {
    what: 'a new dataset',
    call: ['POST', '/datasets', { name: 'a dataset' }],
    sent: ['POST', DATASETS, { name: 'a dataset', description: '' }],
    got: [201, DATASET],
    answer: [201, DATASET],
  },
  {
    what: 'a dataset',
    call: ['GET', `/datasets/${ID}`],
    sent: ['GET', `${DATASETS}/${ID}`],
    got: [200, DATASET],
    answer: [200, DATASET],
  },
  {
    what: 'a change of a dataset',
    call: ['PATCH', `/datasets/${ID}`, { description: '' }],
    sent: ['PATCH', `${DATASETS}/${ID}`, { description: '' }],
    got: [200, DATASET],
    answer: [200, DATASET],
  },
  {
    what: 'a deletion',
    call: ['DELETE', `/datasets/${ID}`],
    sent: ['DELETE', `${DATASETS}/${ID}`],
    got: [204, undefined],
    answer: [204, undefined],
  },
  {
    what: 'records',
    call: ['GET', `/datasets/${ID}/records?limit=2`],
    sent: ['GET', `${DATASETS}/${ID}/records?page_size=2&page=1`],
    got: [200, { records: { results: [RECORD], count: 3, next: 'https://x/?page=2' } }],
    answer: [200, { records: [RECORD], count: 3, next_page: 2 }],
  },
  {
    what: 'records whose count is that of the page alone',
    call: ['GET', `/datasets/${ID}/records?limit=1&page=4`],
    sent: ['GET', `${DATASETS}/${ID}/records?page_size=1&page=4`],
    got: [200, { records: { results: [RECORD], count: 1, next: '5' } }],
    answer: [200, { records: [RECORD], count: 1, next_page: 5 }],
  },
  {
    what: 'a new record of messages',
    call: ['POST', `/datasets/${ID}/records`, { messages: [{ role: 'user', content: 'a' }] }],
    sent: [
      'POST',
      `${DATASETS}/${ID}/records`,
      { payload: { messages: [{ role: 'user', content: 'a' }] }, properties: {} },
    ],
    got: [201, RECORD],
    answer: [201, RECORD],
  },
  {
    what: 'the link to an export',
    call: ['GET', `/datasets/${ID}/export`],
    sent: ['GET', `${DATASETS}/${ID}/exports/to-jsonl`],
    got: [200, { file_url: 'https://storage.example/file?sig=a%2Bb' }],
    answer: [200, { url: 'https://storage.example/file?sig=a%2Bb' }],
  },
];

/** Every call of the facade that asks the upstream. */
export const CALLS = TRANSLATIONS.filter(
  ({ call: [method, path] }, at) =>
    TRANSLATIONS.findIndex(({ call }) => call[0] === method && call[1] === path) === at,
).map(({ call }) => call);
