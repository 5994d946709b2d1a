import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ChatTextReader,
  mistralBody,
  prefersText,
  simpleAnswer,
  simpleChatSchema,
} from '../../src/domain/simple-chat.ts';

const USER = { role: 'user', content: 'hello' };

describe('the body for Mistral', () => {
  const bodyOf = (chat: object, stream: true | null = null) =>
    mistralBody(simpleChatSchema.parse(chat), 'default-model', stream);

  test('has a prompt as the message of the user, and the default model', () => {
    assert.deepEqual(bodyOf({ prompt: 'hello' }), { model: 'default-model', messages: [USER] });
  });

  test('has messages as they are, behind the system text', () => {
    const messages = [
      { ...USER, extra: [1] },
      { role: 'tool', content: null },
    ];
    assert.deepEqual(bodyOf({ messages, system: 'Be brief.', model: 'm' }), {
      model: 'm',
      messages: [{ role: 'system', content: 'Be brief.' }, ...messages],
    });
  });

  test('keeps every other parameter, known today or not, null included', () => {
    const more = { temperature: 0.5, tools: [{ type: 'x' }], not_yet: { a: null }, seed: null };
    assert.deepEqual(bodyOf({ prompt: 'hello', ...more, stream: false }), {
      ...more,
      model: 'default-model',
      messages: [USER],
      stream: false,
    });
  });

  test('takes null for left out', () => {
    const chat = { prompt: 'hello', messages: null, system: null, model: null, stream: null };
    assert.deepEqual(bodyOf(chat), { model: 'default-model', messages: [USER] });
  });

  test('asks for a stream where one is needed, whatever the client said', () => {
    for (const stream of [undefined, null, false, true]) {
      assert.equal(bodyOf({ prompt: 'hello', stream }, true)['stream'], true);
    }
  });
});

const BAD: [string, unknown, string[]][] = [
  ['both prompt and messages', { prompt: 'a', messages: [USER] }, ['messages']],
  ['neither prompt nor messages', { model: 'm' }, ['prompt']],
  ['null for both', { prompt: null, messages: null }, ['prompt']],
  ['an empty prompt', { prompt: '' }, ['prompt']],
  ['a prompt that is a list', { prompt: ['a'] }, ['prompt']],
  ['no messages in the list', { messages: [] }, ['messages']],
  ['messages that are a text', { messages: 'a' }, ['messages']],
  [
    'messages that are none',
    { messages: [USER, 'a', { content: 'a' }] },
    ['messages.1', 'messages.2.role'],
  ],
  ['an empty model', { prompt: 'a', model: '' }, ['model']],
  [
    'several mistakes',
    { model: 1, stream: 'yes', system: {} },
    ['model', 'prompt', 'stream', 'system'],
  ],
  ['a list', [], ['']],
  ['null', null, ['']],
];

for (const [what, body, paths] of BAD) {
  test(`a body with ${what} is a mistake at its place`, () => {
    const { error } = simpleChatSchema.safeParse(body);
    assert.deepEqual(error?.issues.map(({ path }) => path.join('.')).toSorted(), paths);
  });
}

describe('the answer', () => {
  const USAGE = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, more: { cached: 1 } };
  const answerOf = (message: object, more: object = {}) =>
    simpleAnswer(
      JSON.stringify({
        id: 'c-1',
        model: 'm-1',
        choices: [{ index: 0, message, finish_reason: 'stop' }],
        usage: USAGE,
        ...more,
      }),
    );

  test('has the text and what goes with it, usage as it came', () => {
    assert.deepEqual(answerOf({ role: 'assistant', content: 'Hi.', tool_calls: null }), {
      id: 'c-1',
      model: 'm-1',
      text: 'Hi.',
      finish_reason: 'stop',
      usage: USAGE,
    });
  });

  test('joins text chunks and leaves thinking and references out', () => {
    const content = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
      { type: 'text', text: 'Gus' },
      { type: 'reference', reference_ids: [1] },
      { type: 'text', text: 'ty.' },
    ];
    assert.equal(answerOf({ content })?.text, 'Gusty.');
  });

  test('has tool calls as they came, and no text where there is none', () => {
    const calls = [{ id: 'a', function: { name: 'f', arguments: { city: 'Brest' } }, index: 0 }];
    const answer = answerOf({ content: null, tool_calls: calls });
    assert.deepEqual(answer?.tool_calls, calls);
    assert.equal(answer.text, '');
    assert.ok(!('tool_calls' in (answerOf({ content: 'a', tool_calls: [] }) ?? {})));
  });

  test('is the first of several choices, wherever it stands', () => {
    const choices = [1, 0].map((index) => ({ index, message: { content: `no. ${index}` } }));
    assert.equal(answerOf({}, { choices })?.text, 'no. 0');
  });

  test('does not guess what did not come', () => {
    assert.deepEqual(simpleAnswer('{"choices":[{"message":{}}]}'), {
      id: null,
      model: null,
      text: '',
      finish_reason: null,
      usage: null,
    });
  });

  test('is null for what is no chat completion', () => {
    for (const body of ['', '<html>', '[]', '{}', '{"choices":[]}', '{"choices":[7]}']) {
      assert.equal(simpleAnswer(body), null, body);
    }
  });
});

const frame = (choice: object, more: object = {}) =>
  `data: ${JSON.stringify({ id: 'c-1', choices: [choice], ...more })}\n\n`;
const delta = (content: unknown) => frame({ index: 0, delta: { content }, finish_reason: null });

describe('the text of a stream', () => {
  const read = (stream: string) => {
    const reader = new ChatTextReader();
    return [reader.push(new TextEncoder().encode(stream)), reader.state];
  };

  test('is the same however its bytes are cut', () => {
    const stream = new TextEncoder().encode(
      `: keepalive\n\n${delta('é 東')}: keepalive\r\n\r\n${delta('京 🌬')}${delta('')}data: [DONE]\n\n`,
    );
    for (let size = 1; size <= stream.length; size++) {
      const reader = new ChatTextReader();
      let text = '';
      for (let at = 0; at < stream.length; at += size) {
        text += reader.push(stream.subarray(at, at + size));
      }
      assert.equal(text, 'é 東京 🌬');
      assert.equal(reader.state, 'whole');
    }
  });

  test('comes as soon as its event is complete, and not before', () => {
    const reader = new ChatTextReader();
    const bytes = new TextEncoder().encode(delta('now'));
    assert.equal(reader.push(bytes.subarray(0, -1)), '');
    assert.equal(reader.push(bytes.subarray(-1)), 'now');
  });

  test('leaves out thinking, tool calls and other choices', () => {
    const thinking = [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }];
    const stream = [
      delta(thinking),
      delta([{ type: 'text', text: 'a' }]),
      frame({ index: 1, delta: { content: 'other' } }),
      frame({ index: 0, delta: { tool_calls: [{ id: 'a' }] }, finish_reason: 'tool_calls' }),
      'data: no JSON\n\ndata: 7\n\ndata: {"choices":[]}\n\n',
      delta('b'),
    ];
    assert.deepEqual(read(stream.join('')), ['ab', 'open']);
  });

  test('ends with [DONE]', () => {
    assert.deepEqual(read(`${delta('a')}data: [DONE]\n\n${delta('b')}`), ['a', 'whole']);
  });

  test('is broken by an error, in any of its forms', () => {
    const errors = [
      frame({ index: 0, delta: { content: '' }, finish_reason: 'error' }),
      frame({ index: 0, delta: { content: '' } }, { error: { code: 'idle_timeout' } }),
      'data: {"error":{"message":"overloaded"}}\n\n',
      'event: error\ndata: {"object":"error","message":"overloaded"}\n\n',
    ];
    for (const error of errors) {
      assert.deepEqual(read(`${delta('a')}${error}data: [DONE]\n\n`), ['a', 'broken'], error);
    }
  });
});

test('text is answered to who names it first', () => {
  const wishes: [string, boolean][] = [
    ['', false],
    ['*/*', false],
    ['text/*', false],
    ['application/json', false],
    ['text/event-stream', false],
    ['text/plain', true],
    ['Text/Plain; charset=utf-8', true],
    ['text/plain, */*;q=0.1', true],
    ['text/plain;q=0', false],
    ['text/plain;q=0.5, application/json', false],
    ['application/json;q=0.5, text/plain;q=0.9', true],
    // What axios sends by default.
    ['application/json, text/plain, */*', false],
  ];
  for (const [accept, isText] of wishes) assert.equal(prefersText(accept), isText, accept);
});
