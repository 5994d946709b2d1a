import assert from 'node:assert/strict';
import { SDKError } from '@mistralai/mistralai/models/errors';
import * as z from 'zod';
import { mistralError } from '../builtin.ts';
import {
  needs,
  refuses,
  refusesQuery,
  takes,
  takesQuery,
  type Case,
  type Operation,
  type Sent,
} from './operation.ts';
import * as shape from './shapes.ts';
import { CHAT, MODEL, QUESTION } from './world.ts';

/** An upload as its bytes. */
function form(fields: Record<string, string>): Sent {
  const parts = Object.entries(fields).map(([name, value]) => {
    const filename = name === 'file' ? '; filename="rows.jsonl"' : '';
    return `--b\r\ncontent-disposition: form-data; name="${name}"${filename}\r\n\r\n${value}\r\n`;
  });
  return { body: `${parts.join('')}--b--\r\n`, contentType: 'multipart/form-data; boundary=b' };
}

const FILE = { file: '{"payload":{}}\n' };

const uploads = (status: Case['status'], ...fields: Record<string, string>[]): Case[] =>
  fields.map((some) => ({
    what: `a form with ${JSON.stringify(some)}`,
    status,
    change: () => form(some),
  }));

const user = (content: unknown) => [{ role: 'user', content }];
const tool = (name: unknown) => [{ type: 'function', function: { name, parameters: {} } }];

const think = (thought: object) => user([{ type: 'thinking', thinking: [thought] }]);
const ID = '00000000-0000-4000-8000-000000000000';

/** Every kind of message and content that there is. */
const EVERYTHING = [
  { role: 'system', content: [{ type: 'text', text: 'x' }] },
  ...user([
    { type: 'text', text: 'x' },
    { type: 'image_url', image_url: 'https://x.example/' },
    { type: 'image_url', image_url: { url: 'https://x.example/', detail: 'low' } },
    { type: 'document_url', document_url: 'https://x.example/', document_name: null },
    { type: 'reference', reference_ids: [1, 'x'] },
    { type: 'file', file_id: ID },
    { type: 'input_audio', input_audio: 'AAAA' },
  ]),
  ...think({ type: 'tool_reference', tool: 'web_search', title: 'x', url: null }),
  ...think({ type: 'reference', reference_ids: [] }),
  { role: 'assistant', tool_calls: [{ id: 'c', function: { name: 'f', arguments: '{}' } }] },
  { role: 'tool', content: 'x', tool_call_id: 'c', name: 'f' },
  { role: 'assistant', content: null, tool_calls: null, prefix: true },
];

const chatCases: Case[] = [
  ...takes('messages', EVERYTHING),
  ...needs('model', 'messages'),
  ...takes('messages', [], user(null), user([{ type: 'text', text: 'x' }])),
  ...refuses(
    'messages',
    'x',
    [{ role: 'nobody', content: 'x' }],
    [{ ...QUESTION[0], name: 'Eva' }],
  ),
  ...refuses('messages', user(5), user([{ type: 'text' }]), user([{ type: 'poem', poem: 'x' }])),
  ...takes('temperature', 0, 1.5, null),
  ...refuses('temperature', -0.1, 1.6, '1'),
  ...takes('top_p', 0.000_001, 1, null),
  ...refuses('top_p', 0, 1.1),
  ...takes('max_tokens', 0, 1, null),
  ...refuses('max_tokens', -1, 1.5),
  ...takes('random_seed', 0, null),
  ...refuses('random_seed', -1, 0.5),
  ...['presence_penalty', 'frequency_penalty'].flatMap((name) => [
    ...takes(name, -2, 2, null),
    ...refuses(name, -2.1, 2.1),
  ]),
  ...takes('n', 1, 2, null),
  ...refuses('n', 0, 1.5),
  ...takes('stop', 'x', ['x', 'y'], null),
  ...refuses('stop', 5, [5]),
  ...takes('stream', false),
  ...takes('stream', true).map((one): Case => ({ ...one, answer: 'stream' })),
  ...refuses('stream', 'yes', null),
  ...takes('metadata', { a: 1 }, null),
  ...refuses('metadata', 'x', []),
  ...takes('response_format', { type: 'text' }, { type: 'json_object' }),
  ...takes('response_format', { type: 'json_schema', json_schema: { name: 'x', schema: {} } }),
  ...refuses('response_format', { type: 'poem' }, { type: 'json_schema', json_schema: {} }, 'text'),
  ...takes('tools', [], tool('f'), [{ type: 'document_library', library_ids: ['x'] }], null),
  ...takes('tools', [{ type: 'web_search' }], [{ type: 'connector', connector_id: 'x' }]),
  ...refuses('tools', tool(5), [{ type: 'document_library', library_ids: [] }], [{ type: 'x' }]),
  ...takes('tool_choice', 'auto', 'none', 'any', 'required', { function: { name: 'f' } }),
  ...refuses('tool_choice', 'some', { function: {} }),
  ...takes('prediction', { type: 'content', content: 'x' }, {}),
  ...refuses('prediction', { type: 'poem' }),
  ...takes('parallel_tool_calls', true, false),
  ...refuses('parallel_tool_calls', 'yes'),
  ...takes('reasoning_effort', 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', null),
  ...takes('prompt_mode', 'reasoning', null),
  ...refuses('prompt_mode', 'poem'),
  ...takes('guardrails', [], [{ block_on_error: true }], null),
  ...refuses('guardrails', {}, ['x']),
  ...takes('prompt_cache_key', 'x', null),
  ...takes('service_tier', 'auto', 'standard_only', null),
  ...refuses('service_tier', 'first'),
  ...takes('safe_prompt', true, false),
  ...refuses('safe_prompt', 'yes'),
  ...refuses('reasoning_content', 'x'),
];

/** Models, files, and the chat. */
export const FILE_OPERATIONS: Operation[] = [
  {
    call: 'GET /v1/models',
    status: 200,
    answer: shape.modelList,
    sdk: [(m) => m.models.list()],
    cases: takesQuery(`model=${MODEL}`, 'provider=mistralai'),
  },
  {
    call: 'GET /v1/models/{model_id}',
    status: 200,
    answer: shape.model,
    sdk: [(m) => m.models.retrieve({ modelId: MODEL })],
    unknown: { model_id: '1500' },
  },
  {
    // Only a fine-tuned model can be deleted, and the built-in backend has none.
    call: 'DELETE /v1/models/{model_id}',
    status: 400,
    answer: mistralError(z.string()),
    sdk: [
      (m) =>
        assert.rejects(
          m.models.delete({ modelId: MODEL }),
          (error) => error instanceof SDKError && error.statusCode === 400,
        ),
    ],
    unknown: { model_id: '1500' },
  },
  {
    call: 'POST /v1/files',
    status: 200,
    answer: shape.file,
    good: () => form(FILE),
    sdk: [
      (m) =>
        m.files.upload({ file: { fileName: 'x.jsonl', content: new TextEncoder().encode('{}') } }),
    ],
    cases: [
      ...uploads('good', ...['fine-tune', 'batch', 'ocr'].map((purpose) => ({ purpose, ...FILE }))),
      ...uploads('good', { ...FILE, visibility: 'user' }, { ...FILE, expiry: '1' }),
      ...uploads(422, {}, { purpose: 'batch' }, { ...FILE, purpose: 'poem' }),
      ...uploads(422, { ...FILE, visibility: 'all' }, { ...FILE, expiry: 'x' }),
      {
        what: 'a form that is cut off',
        status: 422,
        change: ({ body, ...rest }) => ({ ...rest, body: String(body).slice(0, -8) }),
      },
      { what: 'no form', status: 422, change: () => ({ body: FILE }) },
    ],
  },
  {
    call: 'GET /v1/files',
    status: 200,
    answer: shape.fileList,
    sdk: [(m) => m.files.list({ sampleType: ['instruct'], source: ['upload'] })],
    cases: [
      ...takesQuery('page=0&page_size=1', 'include_total=false', 'include_total=true', 'search=x'),
      ...takesQuery('purpose=batch', 'mimetypes=a/b&mimetypes=c/d', 'source=upload'),
      ...takesQuery('sample_type=pretrain&sample_type=instruct', 'source=mistral&source=upload'),
      ...refusesQuery('page=x', 'page=1.5', 'page_size=x', 'include_total=perhaps', 'purpose=poem'),
      ...refusesQuery('sample_type=poem', 'sample_type=instruct&sample_type=poem', 'source=poem'),
    ],
  },
  {
    call: 'GET /v1/files/{file_id}',
    status: 200,
    answer: shape.oneFile,
    sdk: [(m, w) => m.files.retrieve({ fileId: w.id('file_id') })],
    unknown: { file_id: null },
  },
  {
    call: 'DELETE /v1/files/{file_id}',
    status: 200,
    answer: shape.deletedFile,
    good: async (w) => ({ ids: { file_id: await w.newFile() } }),
    sdk: [async (m, w) => m.files.delete({ fileId: await w.newFile() })],
    unknown: { file_id: null },
  },
  {
    call: 'GET /v1/files/{file_id}/content',
    status: 200,
    answer: 'bytes',
    sdk: [
      async (m, w) => new Response(await m.files.download({ fileId: w.id('file_id') })).bytes(),
    ],
    unknown: { file_id: null },
  },
  {
    call: 'GET /v1/files/{file_id}/url',
    status: 200,
    answer: shape.link,
    sdk: [(m, w) => m.files.getSignedUrl({ fileId: w.id('file_id') })],
    unknown: { file_id: null },
    cases: [
      ...takesQuery('expiry=1', 'expiry=168'),
      ...refusesQuery('expiry=0', 'expiry=169', 'expiry=1.5', 'expiry=x'),
    ],
  },
  {
    call: `POST ${CHAT}`,
    status: 200,
    answer: shape.completion,
    good: () => ({ body: { model: MODEL, messages: QUESTION } }),
    sdk: [
      (m) => m.chat.complete({ model: MODEL, messages: QUESTION }),
      async (m) => {
        const chunks = [];
        for await (const { data } of await m.chat.stream({ model: MODEL, messages: QUESTION })) {
          chunks.push(data);
        }
        assert.equal(chunks.at(-1)?.choices[0]?.finishReason, 'stop');
        return chunks;
      },
    ],
    cases: chatCases,
  },
];
