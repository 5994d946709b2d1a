// Every route of the facade and of the built-in backend, for the tests that ask all of them the same.

import { CAMPAIGN_MISTAKES, CAMPAIGN_ROUTES } from './routes-campaigns.ts';
import { FACADE_MISTAKES, FACADE_ROUTES } from './routes-facade.ts';
import { HOOK_MISTAKES, HOOK_ROUTES } from './routes-hooks.ts';
import { JUDGE_MISTAKES, JUDGE_ROUTES } from './routes-judges.ts';
import { SCHEDULE_MISTAKES, SCHEDULE_ROUTES } from './routes-schedules.ts';

export const UUID = '00000000-0000-4000-8000-000000000000';

/** The scope of a client, or another key, that a route asks for. */
type Needs =
  | 'nothing'
  | 'admin'
  | 'any key'
  | 'chat'
  | 'observability:read'
  | 'observability:write'
  | 'files'
  | 'proxy';

/** A route: its call as the sources register it, what it needs, and a body that is in order. */
export interface Route {
  call: string;
  needs: Needs;
  body: 'none' | 'json' | 'multipart' | 'jsonl';
  good?: object | string;
  /** A query that is in order, where the route asks for one. */
  query?: string;
}

const plain = (needs: Needs, ...calls: string[]): Route[] =>
  calls.map((call) => ({ call, needs, body: 'none' }));

const json = (needs: Needs, call: string, good: object): Route => ({
  call,
  needs,
  body: 'json',
  good,
});

const WRITE = 'observability:write';
export const DATASETS = '/v1/observability/datasets';
const READ = 'observability:read';
const EVENTS = '/v1/observability/chat-completion-events';
const FIELDS = '/v1/observability/chat-completion-fields';
const DATASET = `${DATASETS}/:dataset_id`;
const USER = { role: 'user', content: 'hello' };
const ANY_EVENT = { search_params: { filters: null } };

export const AS_UPLOAD = { 'content-type': 'multipart/form-data; boundary=b' };
export const UPLOAD = [
  '--b',
  'content-disposition: form-data; name="file"; filename="rows.jsonl"',
  '',
  JSON.stringify({ messages: [USER] }),
  '--b--',
].join('\r\n');

/** What stands before other routes under `/v1`: each path that goes there has a row of its own, or is passed on. */
export const IN_FRONT = ['ALL /v1/*', `POST ${DATASET}/imports/:source`];

/** Every route there is; test/worker/bad-input.test.ts compares it with the sources. */
export const ROUTES: Route[] = [
  ...plain('nothing', 'GET /health', 'GET /openapi.json', 'GET /docs', 'GET /downloads/:file_id'),
  ...plain('admin', 'GET /admin/clients', 'GET /admin/clients/:id', 'DELETE /admin/clients/:id'),
  ...plain('admin', 'DELETE /admin/samples'),
  json('admin', 'POST /admin/clients', { name: 'one' }),
  json('admin', 'PATCH /admin/clients/:id', { name: 'two' }),
  json('admin', 'POST /admin/clients/:id/rotate', { what: 'key' }),
  ...plain('observability:read', 'GET /imports', 'GET /imports/:id', 'GET /imports/:id/events'),
  ...plain('observability:read', 'GET /imports/:id/deliveries'),
  ...plain('observability:write', 'POST /imports/:id/redeliver'),
  json('observability:write', 'POST /webhooks/test', { url: 'https://example.com/hook' }),
  ...plain('any key', 'GET /usage'),
  json(WRITE, 'POST /datasets/:dataset_id/imports', { source: 'file', file_id: UUID }),
  {
    call: 'POST /datasets/:dataset_id/imports',
    needs: WRITE,
    body: 'jsonl',
    good: JSON.stringify({ messages: [USER] }),
  },
  json('chat', 'POST /chat', { prompt: 'hello' }),
  json('chat', 'POST /v1/chat/completions', { model: 'any', messages: [USER] }),
  ...plain('proxy', 'GET /v1/models', 'GET /v1/models/:model_id', 'DELETE /v1/models/:model_id'),
  { call: 'POST /v1/files', needs: 'files', body: 'multipart' },
  ...plain('files', 'GET /v1/files', 'GET /v1/files/:file_id', 'DELETE /v1/files/:file_id'),
  ...plain('files', 'GET /v1/files/:file_id/content', 'GET /v1/files/:file_id/url'),
  ...plain('observability:read', `GET ${DATASETS}`, `GET ${DATASET}`, `GET ${DATASET}/records`),
  ...plain('observability:read', `GET ${DATASET}/tasks`, `GET ${DATASET}/tasks/:task_id`),
  ...plain('observability:read', `GET ${DATASET}/exports/to-jsonl`),
  ...plain(WRITE, `DELETE ${DATASET}`),
  json(WRITE, `POST ${DATASETS}`, { name: 'a dataset', description: '' }),
  json(WRITE, `PATCH ${DATASET}`, { name: 'another' }),
  json(WRITE, `POST ${DATASET}/records`, { payload: { messages: [USER] } }),
  json(WRITE, `POST ${DATASET}/imports/from-file`, { file_id: UUID }),
  json(READ, `POST ${EVENTS}/search`, ANY_EVENT),
  json(READ, `POST ${EVENTS}/search-ids`, ANY_EVENT),
  ...plain(READ, `GET ${EVENTS}/:event_id`, `GET ${EVENTS}/:event_id/similar-events`),
  ...plain(READ, `GET ${FIELDS}`),
  { call: `GET ${FIELDS}/:field_name/options`, needs: READ, body: 'none', query: '?operator=eq' },
  json(READ, `POST ${FIELDS}/:field_name/options-counts`, { filter_params: null }),
  ...FACADE_ROUTES,
  ...CAMPAIGN_ROUTES,
  ...HOOK_ROUTES,
  ...JUDGE_ROUTES,
  ...SCHEDULE_ROUTES,
];

/** For each route that takes JSON: a body with several mistakes, and a JSON Pointer to every one. */
export const MISTAKES: Record<string, [object, string]> = {
  'POST /admin/clients': [{ scopes: ['chat', 'x'], rate_limit: 0 }, '/name /rate_limit /scopes/1'],
  'PATCH /admin/clients/:id': [{ name: '', scopes: 'chat' }, '/name /scopes'],
  'POST /admin/clients/:id/rotate': [{ what: 'x', overlap_s: -1 }, '/overlap_s /what'],
  'POST /datasets/:dataset_id/imports': [
    { source: 'file', file_id: 5, callback: { url: 5, events: ['import.lost', 5] }, metadata: [] },
    '/callback/events/1 /callback/url /file_id /metadata',
  ],
  'POST /webhooks/test': [{ url: 5 }, '/url'],
  'POST /chat': [
    { messages: [USER, 'hello'], prompt: 'hello', system: 7, model: '', stream: 'yes' },
    '/messages /messages/1 /model /stream /system',
  ],
  'POST /v1/chat/completions': [
    { messages: [USER, { role: 'nobody', content: '' }], temperature: 9 },
    '/messages/1/role /model /temperature',
  ],
  [`POST ${DATASETS}`]: [{ name: 'four' }, '/description /name'],
  [`PATCH ${DATASET}`]: [{ name: 1, description: 2 }, '/description /name'],
  [`POST ${DATASET}/records`]: [{ payload: 'text', properties: 7 }, '/payload /properties'],
  [`POST ${DATASET}/imports/from-file`]: [{}, '/file_id'],
  [`POST ${EVENTS}/search`]: [{ extra_fields: 7 }, '/extra_fields /search_params'],
  [`POST ${EVENTS}/search-ids`]: [
    { search_params: { filters: 'x' }, extra_fields: [7] },
    '/extra_fields/0 /search_params/filters',
  ],
  [`POST ${FIELDS}/:field_name/options-counts`]: [{ filter_params: 5 }, '/filter_params'],
  ...FACADE_MISTAKES,
  ...CAMPAIGN_MISTAKES,
  ...HOOK_MISTAKES,
  ...JUDGE_MISTAKES,
  ...SCHEDULE_MISTAKES,
};
