// The rows of test/worker/bad-input.test.ts for judges, live judging and records by their own id.

const RECORDS = '/v1/observability/dataset-records';
const RECORD = `${RECORDS}/:dataset_record_id`;
const JUDGES = '/v1/observability/judges';
const JUDGE = `${JUDGES}/:judge_id`;
const EVENT = '/v1/observability/chat-completion-events/:event_id';
const UUID = '00000000-0000-4000-8000-000000000000';
const MESSAGES = [{ role: 'user', content: 'hello' }];

const DEFINITION = {
  name: 'a judge',
  description: '',
  model_name: 'mistral-small-latest',
  instructions: 'Is it good?',
  output: { type: 'CLASSIFICATION', options: [{ value: 'yes', description: 'it is' }] },
  tools: [],
};
const WRONG = {
  ...DEFINITION,
  name: 'four',
  model_name: 5,
  output: { type: 'REGRESSION', min: -1, min_description: '', max: 1e9, max_description: '' },
  tools: 'none',
};
const READ = 'observability:read' as const;
const WRITE = 'observability:write' as const;

const plain = (needs: typeof READ | typeof WRITE, call: string) => ({
  call,
  needs,
  body: 'none' as const,
});
const json = (needs: typeof READ | typeof WRITE, call: string, good: object) => ({
  call,
  needs,
  body: 'json' as const,
  good,
});

/** Each route, what it needs, and a body that is in order. */
export const JUDGE_ROUTES = [
  plain(READ, `GET ${JUDGES}`),
  plain(READ, `GET ${JUDGE}`),
  plain(WRITE, `DELETE ${JUDGE}`),
  json(WRITE, `POST ${JUDGES}`, DEFINITION),
  json(WRITE, `PUT ${JUDGE}`, DEFINITION),
  json(READ, `POST ${JUDGE}/live-judging`, { messages: MESSAGES }),
  json(READ, `POST ${EVENT}/live-judging`, { judge_definition: DEFINITION }),
  json(READ, `POST ${RECORD}/live-judging`, { judge_definition: DEFINITION }),
  plain(READ, `GET ${RECORD}`),
  plain(WRITE, `DELETE ${RECORD}`),
  json(WRITE, `POST ${RECORDS}/bulk-delete`, { dataset_record_ids: [UUID] }),
  json(WRITE, `PUT ${RECORD}/payload`, { payload: { messages: MESSAGES } }),
  json(WRITE, `PUT ${RECORD}/properties`, { properties: {} }),
];

const AT = ['/model_name', '/name', '/output/max', '/output/min', '/tools'];
const within = (prefix: string) => AT.map((path) => prefix + path).join(' ');

/** For each route that takes JSON: a body with several mistakes, and a JSON Pointer to every one. */
export const JUDGE_MISTAKES: Record<string, [object, string]> = {
  [`POST ${JUDGES}`]: [WRONG, within('')],
  [`PUT ${JUDGE}`]: [WRONG, within('')],
  [`POST ${JUDGE}/live-judging`]: [
    { messages: ['hello'], properties: 7 },
    '/messages/0 /properties',
  ],
  [`POST ${EVENT}/live-judging`]: [{ judge_definition: WRONG }, within('/judge_definition')],
  [`POST ${RECORD}/live-judging`]: [{ judge_definition: WRONG }, within('/judge_definition')],
  [`POST ${RECORDS}/bulk-delete`]: [
    { dataset_record_ids: [UUID, 'x', 5] },
    '/dataset_record_ids/1 /dataset_record_ids/2',
  ],
  [`PUT ${RECORD}/payload`]: [{ payload: [] }, '/payload'],
  [`PUT ${RECORD}/properties`]: [{}, '/properties'],
};
