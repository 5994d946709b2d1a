import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { plainPath, SCOPES, scopeOfPath, type Scope } from '../../src/domain/scopes.ts';

const OBSERVABILITY = '/v1/observability';

/** Every family of paths of the Mistral API, and some that only look like one. */
const PATHS: Readonly<Record<Scope, readonly string[]>> = {
  chat: ['POST /v1/chat/completions', 'POST /v1/chat/moderations', 'POST /v1/chat/classifications'],
  files: [
    'GET /v1/files',
    'POST /v1/files',
    'GET /v1/files/file_1',
    'DELETE /v1/files/file_1',
    'GET /v1/files/file_1/content',
    'GET /v1/files/file_1/url',
  ],
  'observability:read': [
    `GET ${OBSERVABILITY}/datasets`,
    `HEAD ${OBSERVABILITY}/datasets`,
    `GET ${OBSERVABILITY}/datasets/ds_1`,
    `GET ${OBSERVABILITY}/datasets/ds_1/records`,
    `GET ${OBSERVABILITY}/datasets/ds_1/exports/to-jsonl`,
    `GET ${OBSERVABILITY}/datasets/ds_1/tasks`,
    `GET ${OBSERVABILITY}/datasets/ds_1/tasks/task_1`,
    `GET ${OBSERVABILITY}/dataset-records/rec_1`,
    `POST ${OBSERVABILITY}/dataset-records/rec_1/live-judging`,
    `POST ${OBSERVABILITY}/chat-completion-events/search`,
    `POST ${OBSERVABILITY}/chat-completion-events/search/`,
    `POST ${OBSERVABILITY}/chat-completion-events/search-ids`,
    `GET ${OBSERVABILITY}/chat-completion-events/ev_1`,
    `GET ${OBSERVABILITY}/chat-completion-events/ev_1/similar-events`,
    `POST ${OBSERVABILITY}/chat-completion-events/ev_1/live-judging`,
    `GET ${OBSERVABILITY}/chat-completion-fields`,
    `GET ${OBSERVABILITY}/chat-completion-fields/model_name/options`,
    `POST ${OBSERVABILITY}/chat-completion-fields/model_name/options-counts`,
    `GET ${OBSERVABILITY}/judges`,
    `POST ${OBSERVABILITY}/judges/j_1/live-judging`,
    `GET ${OBSERVABILITY}/campaigns`,
    `GET ${OBSERVABILITY}/campaigns/c_1/status`,
    `GET ${OBSERVABILITY}/campaigns/c_1/selected-events`,
    `POST ${OBSERVABILITY}/logs/search`,
    `POST ${OBSERVABILITY}/traces/search`,
    `POST ${OBSERVABILITY}/traces/aggregate`,
    `POST ${OBSERVABILITY}/spans/search`,
    `POST ${OBSERVABILITY}/spans/aggregate`,
    `POST ${OBSERVABILITY}/spans/evaluations/search`,
    `POST ${OBSERVABILITY}/spans/evaluations/search/latest`,
    `GET ${OBSERVABILITY}/traces/tr_1/spans/sp_1`,
  ],
  'observability:write': [
    `POST ${OBSERVABILITY}/datasets`,
    `PATCH ${OBSERVABILITY}/datasets/ds_1`,
    `DELETE ${OBSERVABILITY}/datasets/ds_1`,
    `POST ${OBSERVABILITY}/datasets/ds_1/records`,
    `POST ${OBSERVABILITY}/datasets/ds_1/imports/from-campaign`,
    `POST ${OBSERVABILITY}/datasets/ds_1/imports/from-explorer`,
    `POST ${OBSERVABILITY}/datasets/ds_1/imports/from-file`,
    `POST ${OBSERVABILITY}/datasets/ds_1/imports/from-playground`,
    `POST ${OBSERVABILITY}/datasets/ds_1/imports/from-dataset`,
    `POST ${OBSERVABILITY}/dataset-records/bulk-delete`,
    `DELETE ${OBSERVABILITY}/dataset-records/rec_1`,
    `PUT ${OBSERVABILITY}/dataset-records/rec_1/payload`,
    `PUT ${OBSERVABILITY}/dataset-records/rec_1/properties`,
    `POST ${OBSERVABILITY}/judges`,
    `PUT ${OBSERVABILITY}/judges/j_1`,
    `DELETE ${OBSERVABILITY}/judges/j_1`,
    `POST ${OBSERVABILITY}/campaigns`,
    `DELETE ${OBSERVABILITY}/campaigns/c_1`,
    `DELETE ${OBSERVABILITY}/chat-completion-events/search`,
    `PUT ${OBSERVABILITY}/chat-completion-events/search`,
    `POST ${OBSERVABILITY}/chat-completion-events/research`,
    `POST ${OBSERVABILITY}/chat-completion-events/search/more`,
    `POST ${OBSERVABILITY}/something-new`,
  ],
  proxy: [
    'GET /v1/models',
    'GET /v1/models/mistral-small-latest',
    'POST /v1/embeddings',
    'POST /v1/fim/completions',
    'POST /v1/agents/completions',
    'POST /v1/conversations',
    'POST /v1/ocr',
    'POST /v1/moderations',
    'POST /v1/audio/transcriptions',
    'POST /v1/batch/jobs',
    'GET /v1/fine_tuning/jobs',
    'GET /v1/libraries',
    'POST /v1/chatter/completions',
    'GET /v1/filesystem',
    'GET /v1/observability-plus/datasets',
  ],
};

for (const scope of SCOPES) {
  describe(scope, () => {
    for (const request of PATHS[scope]) {
      const [method = '', path = ''] = request.split(' ');
      test(request, () => assert.equal(scopeOfPath(method, path), scope));
    }
  });
}

describe('a path is judged by what it comes to mean', () => {
  const SPELLINGS: [string, string][] = [
    ['/v1/%66iles', '/v1/files'],
    ['/v1/%2566iles', '/v1/files'],
    ['/v1//files', '/v1/files'],
    ['/v1/./files', '/v1/files'],
    ['/v1/x/..%2ffiles', '/v1/files'],
    ['/v1/x/%2e%2e%2fchat/completions', '/v1/chat/completions'],
    ['/v1/chat%5Ccompletions', '/v1/chat/completions'],
    ['/v1/models/ft:a%2Fb', '/v1/models/ft:a/b'],
    ['/v1/models/50%', '/v1/models/50%'],
    ['/v1/models/a%3Fb%23c', '/v1/models/a%3Fb%23c'],
  ];
  for (const [path, plain] of SPELLINGS) {
    test(`${path} is ${plain}`, () => assert.equal(plainPath(path), plain));
  }
});

describe('a POST that only looks like a search needs to write', () => {
  for (const path of [
    'datasets/ds_1/search',
    'datasets/ds_1/aggregate',
    'judges/search',
    'search',
  ]) {
    test(path, () => {
      assert.equal(scopeOfPath('POST', `${OBSERVABILITY}/${path}`), 'observability:write');
    });
  }
});
