// The facade's events and datasets, for the tables of routes.ts.
import type { Route } from './routes.ts';

const READ = 'observability:read';
const WRITE = 'observability:write';
const USER = { role: 'user', content: 'hello' };
const EVENT = '/events/:event_id';
const DATASET = '/datasets/:dataset_id';

const reading = (...calls: string[]): Route[] =>
  calls.map((call) => ({ call, needs: READ, body: 'none' }));

/** A judge in order, its output's type left out. */
export const JUDGE = {
  name: 'politeness',
  description: 'Is the answer polite?',
  model_name: 'mistral-small-latest',
  output: { options: [{ value: 'yes', description: 'It is.' }] },
  instructions: 'Say whether the answer is polite.',
  tools: [],
};

export const FACADE_ROUTES: Route[] = [
  { call: 'POST /events/search', needs: READ, body: 'json', good: {} },
  { call: 'POST /events/ids', needs: READ, body: 'json', good: {} },
  ...reading(`GET ${EVENT}`, `GET ${EVENT}/similar`),
  { call: `POST ${EVENT}/judge`, needs: READ, body: 'json', good: JUDGE },
  ...reading('GET /datasets', `GET ${DATASET}`, `GET ${DATASET}/records`, `GET ${DATASET}/export`),
  { call: 'POST /datasets', needs: WRITE, body: 'json', good: { name: 'a dataset' } },
  { call: `PATCH ${DATASET}`, needs: WRITE, body: 'json', good: { name: 'another' } },
  { call: `DELETE ${DATASET}`, needs: WRITE, body: 'none' },
  { call: `POST ${DATASET}/records`, needs: WRITE, body: 'json', good: { messages: [USER] } },
];

export const FACADE_MISTAKES: Record<string, [object, string]> = {
  'POST /events/search': [
    { where: null, limit: 101, cursor: 5, fields: ['a', 5], page_size: 10 },
    '/cursor /fields/1 /limit /page_size',
  ],
  'POST /events/ids': [{ fields: 'a', limit: 5 }, '/fields /limit'],
  [`POST ${EVENT}/judge`]: [
    { ...JUDGE, name: 'four', output: { options: [], colour: 1 }, tools: null, judge: {} },
    '/judge /name /output/colour /output/options /tools',
  ],
  'POST /datasets': [{ name: 'four', description: 5, owner: 'me' }, '/description /name /owner'],
  [`PATCH ${DATASET}`]: [{ name: 'four', description: null, id: 5 }, '/description /id /name'],
  [`POST ${DATASET}/records`]: [
    { messages: [USER, 'hello'], payload: [], properties: 7, source: 'EXPLORER' },
    '/messages/1 /payload /payload /properties /source',
  ],
};
