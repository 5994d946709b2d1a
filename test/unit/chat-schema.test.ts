import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chatRequestSchema } from '../../src/builtin/chat-schema.ts';

const MINIMAL = { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Hi' }] };

const UUID = '7c9e6679-7425-40de-944b-e07fc1f90ae7';

const isTaken = (request: object) => chatRequestSchema.safeParse(request).success;
const isTakenWith = (parameters: object) => isTaken({ ...MINIMAL, ...parameters });

const withContent = (chunk: object) => ({ messages: [{ role: 'user', content: [chunk] }] });

/** Requests with every kind of object; `extra` is spread into the one that is named. */
const OBJECTS: readonly (readonly [string, (extra: object) => object])[] = [
  ['the request', (extra) => extra],
  ['a system message', (x) => ({ messages: [{ role: 'system', content: 'Hi', ...x }] })],
  ['a user message', (x) => ({ messages: [{ role: 'user', content: 'Hi', ...x }] })],
  ['an assistant message', (x) => ({ messages: [{ role: 'assistant', prefix: true, ...x }] })],
  ['a tool message', (x) => ({ messages: [{ role: 'tool', content: '1', name: 'f', ...x }] })],
  ['a text chunk', (x) => withContent({ type: 'text', text: 'Hi', ...x })],
  ['a thinking chunk', (x) => withContent({ type: 'thinking', thinking: [], ...x })],
  ['an image chunk', (x) => withContent({ type: 'image_url', image_url: 'https://x', ...x })],
  ['a document chunk', (x) => withContent({ type: 'document_url', document_url: 'x', ...x })],
  ['a reference chunk', (x) => withContent({ type: 'reference', reference_ids: [1, 'a'], ...x })],
  ['a file chunk', (x) => withContent({ type: 'file', file_id: UUID, ...x })],
  ['an audio chunk', (x) => withContent({ type: 'input_audio', input_audio: 'AAAA', ...x })],
  [
    'a tool call',
    (extra) => {
      const call = { id: '1', function: { name: 'f', arguments: '{}' }, ...extra };
      return { messages: [{ role: 'assistant', tool_calls: [call] }] };
    },
  ],
  [
    'the function of a tool call',
    (extra) => {
      const call = { function: { name: 'f', arguments: {}, ...extra } };
      return { messages: [{ role: 'assistant', tool_calls: [call] }] };
    },
  ],
  ['a tool', (x) => ({ tools: [{ function: { name: 'f', parameters: {} }, ...x }] })],
  [
    'the function of a tool',
    (x) => ({ tools: [{ function: { name: 'f', parameters: {}, ...x } }] }),
  ],
  ['a tool choice', (x) => ({ tool_choice: { function: { name: 'f' }, ...x } })],
  ['the function of a tool choice', (x) => ({ tool_choice: { function: { name: 'f', ...x } } })],
  ['a response format', (x) => ({ response_format: { type: 'text', ...x } })],
  [
    'a JSON schema format',
    (x) => ({
      response_format: { type: 'json_schema', json_schema: { name: 's', schema: {}, ...x } },
    }),
  ],
  ['a prediction', (x) => ({ prediction: { type: 'content', content: 'x', ...x } })],
];

describe('an unknown field is refused, as it is upstream', () => {
  for (const [name, requestWith] of OBJECTS) {
    test(`in ${name}`, () => {
      assert.ok(isTakenWith(requestWith({})), 'without it');
      assert.ok(!isTakenWith(requestWith({ unheard_of: 1 })), 'with it');
    });
  }
});

describe('what the OpenAPI document leaves open is taken', () => {
  const open: readonly (readonly [string, object])[] = [
    ['metadata', { metadata: { anything: [1] } }],
    ['a JSON schema', { response_format: { json_schema: { name: 's', schema: { any: 1 } } } }],
    ['the parameters of a tool', { tools: [{ function: { name: 'f', parameters: { any: 1 } } }] }],
    [
      'a built-in tool with its parameters',
      { tools: [{ type: 'document_library', library_ids: ['l_1'] }] },
    ],
    [
      'an image link with a detail',
      withContent({ type: 'image_url', image_url: { url: 'x', detail: 'low' } }),
    ],
  ];
  for (const [name, parameters] of open) {
    test(name, () => assert.ok(isTakenWith(parameters)));
  }
});

test('model and messages are required', () => {
  assert.ok(isTaken(MINIMAL));
  assert.ok(!isTaken({ model: MINIMAL.model }));
  assert.ok(!isTaken({ messages: MINIMAL.messages }));
});

describe('a parameter', () => {
  const values: readonly (readonly [string, readonly unknown[], readonly unknown[]])[] = [
    ['temperature', [0, 0.7, 1.5, null], [-0.1, 1.6, '1']],
    ['top_p', [0.01, 1, null], [0, 1.1]],
    ['max_tokens', [0, 100, null], [-1, 1.5, '100']],
    ['stream', [true, false], ['true', 1, null]],
    ['stop', ['x', ['x', 'y'], [], null], [1, [1]]],
    ['random_seed', [0, 42, null], [-1, 0.5]],
    ['presence_penalty', [-2, 2, null], [-2.1, 2.1]],
    ['frequency_penalty', [-2, 2, null], [-2.1, 2.1]],
    ['n', [1, 4, null], [0, 1.5]],
    ['tool_choice', ['auto', 'none', 'any', 'required'], ['always', {}]],
    ['response_format', [{}, { type: 'json_object' }], ['json_object', { type: 'xml' }]],
    ['tools', [[], null], [{}, [{}], [{ type: 'time_machine' }]]],
    ['reasoning_effort', ['none', 'high', null], [1]],
    ['prompt_mode', ['reasoning', null], ['thinking']],
    ['parallel_tool_calls', [true], ['yes']],
    ['safe_prompt', [false], [0]],
    ['messages', [[], MINIMAL.messages], [{}, 'Hi', [{ role: 'wizard', content: 'Hi' }]]],
  ];
  for (const [name, good, bad] of values) {
    test(`${name} is checked`, () => {
      for (const value of good) assert.ok(isTakenWith({ [name]: value }), JSON.stringify(value));
      for (const value of bad) assert.ok(!isTakenWith({ [name]: value }), JSON.stringify(value));
    });
  }
});
