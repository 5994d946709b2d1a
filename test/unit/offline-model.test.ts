import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type * as z from 'zod';
import { chatRequestSchema } from '../../src/builtin/chat-schema.ts';
import { complete, type Completion } from '../../src/builtin/offline-model.ts';

type Parameters = Partial<z.input<typeof chatRequestSchema>>;

/** Completes what a client would send: a question and further parameters. */
function ask(question: string, parameters: Parameters = {}): Completion {
  return complete(
    chatRequestSchema.parse({
      model: 'mistral-small-latest',
      messages: [{ role: 'user', content: question }],
      ...parameters,
    }),
  );
}

const textOf = ({ tokens }: Completion) => tokens.join('');

const QUESTIONS = [
  'Hi',
  'What is a windsock?',
  'Two  spaces,\n\na blank line\tand a tab',
  'é€😀 — 日本語',
  'x'.repeat(2000),
];

describe('the text', () => {
  for (const question of QUESTIONS) {
    const name = JSON.stringify(question.slice(0, 40));

    test(`is the same streamed or not, and each time: ${name}`, () => {
      const streamed = ask(question, { stream: true });
      assert.deepEqual(streamed, ask(question, { stream: false }));
      assert.deepEqual(streamed, ask(question));
      assert.ok(streamed.tokens.length > 5);
      assert.ok(streamed.tokens.every((token) => token !== ''));
    });
  }

  test('quotes the question, white space and all', () => {
    for (const question of QUESTIONS.slice(0, 4)) {
      assert.ok(textOf(ask(question)).includes(`“${question}”`), question);
    }
  });

  test('quotes no more than the beginning of a long question', () => {
    assert.match(textOf(ask('x'.repeat(2000))), /“x{400}…”/);
    assert.match(textOf(ask('x'.repeat(400))), /“x{400}”/);
  });

  test('says what it is and how to get a Mistral model', () => {
    assert.match(textOf(ask('Hi')), /offline model of Windsock.*MISTRAL_API_KEY/);
  });

  test('answers the last message of the user', () => {
    const text = textOf(
      ask('', {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'first' },
          { role: 'assistant', content: 'between' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'sec' },
              { type: 'text', text: 'ond' },
            ],
          },
          { role: 'assistant', content: 'So', prefix: true },
        ],
      }),
    );
    assert.match(text, /“second”/);
    assert.doesNotMatch(text, /first|brief|between/);
  });

  test('copes with no message of the user', () => {
    for (const messages of [
      [],
      [{ role: 'system' as const, content: 'x' }],
      [{ role: 'user' as const, content: null }],
      [{ role: 'user' as const, content: '  ' }],
    ]) {
      assert.match(textOf(ask('', { messages })), /no user message/);
    }
  });
});

describe('usage', () => {
  test('counts the words of all messages and of the answer', () => {
    const completion = ask('', {
      messages: [
        { role: 'system', content: 'one two' },
        { role: 'user', content: [{ type: 'text', text: 'three four five' }] },
        { role: 'assistant', content: null },
      ],
    });
    assert.equal(completion.promptTokens, 5);
    assert.equal(completion.completionTokens, completion.tokens.length);
  });
});

describe('max_tokens', () => {
  const whole = ask('What is a windsock?');

  test('cuts the answer short and says so', () => {
    for (const max_tokens of [0, 1, 3, whole.tokens.length - 1]) {
      const cut = ask('What is a windsock?', { max_tokens });
      assert.deepEqual(cut.tokens, whole.tokens.slice(0, max_tokens));
      assert.equal(cut.completionTokens, max_tokens);
      assert.equal(cut.finishReason, 'length');
    }
  });

  test('that is enough, or null, changes nothing', () => {
    for (const max_tokens of [whole.tokens.length, 100_000, null]) {
      assert.deepEqual(ask('What is a windsock?', { max_tokens }), whole);
    }
    assert.equal(whole.finishReason, 'stop');
  });
});

describe('stop', () => {
  const whole = textOf(ask('Hi'));

  test('ends the text before the first place where any of the sequences begins', () => {
    const cases: readonly (readonly [string | string[], string])[] = [
      ['Windsock', 'This is the offline model of '],
      [['MISTRAL_API_KEY', 'offline'], 'This is the '],
      [['It read', 'Windsock. It'], 'This is the offline model of '],
      ['This', ''],
    ];
    for (const [stop, text] of cases) {
      const completion = ask('Hi', { stop });
      assert.equal(textOf(completion), text);
      assert.equal(completion.finishReason, 'stop');
    }
  });

  test('that does not occur, or is empty, changes nothing', () => {
    for (const stop of ['nowhere to be found', '', [], [''], null]) {
      assert.equal(textOf(ask('Hi', { stop })), whole);
    }
  });
});

describe('JSON modes', () => {
  test('json_object answers an object that holds the answer', () => {
    const text = textOf(ask('Say "hi"', { response_format: { type: 'json_object' } }));
    const { answer } = JSON.parse(text) as { answer: string };
    assert.match(answer, /“Say "hi"”/);
  });

  test('text is no JSON mode', () => {
    assert.deepEqual(ask('Hi', { response_format: { type: 'text' } }), ask('Hi'));
  });

  test('json_schema answers what the schema describes', () => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        count: { type: 'integer', minimum: 3 },
        share: { type: 'number' },
        open: { type: 'boolean' },
        kind: { enum: ['b', 'a'] },
        version: { const: 2 },
        tags: { type: 'array', items: { type: 'string' } },
        parent: { type: ['object', 'null'], properties: { id: { type: 'string' } } },
        nothing: { type: 'null' },
      },
    };
    const json_schema = { name: 'thing', schema };
    const text = textOf(ask('Hi', { response_format: { type: 'json_schema', json_schema } }));
    assert.deepEqual(JSON.parse(text), {
      name: 'offline',
      count: 3,
      share: 0,
      open: false,
      kind: 'b',
      version: 2,
      tags: [],
      parent: { id: 'offline' },
      nothing: null,
    });
  });

  test('a schema nested without end is answered to a depth', () => {
    const properties: Record<string, unknown> = {};
    const endless = { type: 'object', properties };
    properties['again'] = endless;
    const json_schema = { name: 'endless', schema: endless };
    const request = chatRequestSchema.parse({ model: 'm', messages: [] });
    const completion = complete({
      ...request,
      response_format: { type: 'json_schema', json_schema },
    });
    assert.doesNotThrow(() => JSON.parse(textOf(completion)) as unknown);
  });
});

describe('tools', () => {
  const parameters = { type: 'object', properties: { city: { type: 'string' } } };
  const tools: NonNullable<Parameters['tools']> = [
    { type: 'web_search' },
    { type: 'function', function: { name: 'weather', parameters } },
    { type: 'function', function: { name: 'wind', parameters: { type: 'object' } } },
  ];

  const forced: readonly (readonly [string, Parameters['tool_choice'], string])[] = [
    ['any', 'any', 'weather'],
    ['required', 'required', 'weather'],
    ['by name', { type: 'function', function: { name: 'wind' } }, 'wind'],
  ];
  for (const [name, tool_choice, called] of forced) {
    test(`a forced tool is called, and nothing said: ${name}`, () => {
      const completion = ask('Hi', { tools, tool_choice });
      assert.equal(completion.toolCall?.name, called);
      assert.deepEqual(
        JSON.parse(completion.toolCall?.arguments ?? ''),
        called === 'weather' ? { city: 'offline' } : {},
      );
      assert.deepEqual(completion.tokens, []);
      assert.equal(completion.finishReason, 'tool_calls');
      assert.ok(completion.completionTokens > 0);
    });
  }

  test('a tool that is not forced is not called', () => {
    for (const tool_choice of ['auto', 'none', undefined] as const) {
      const completion = ask('Hi', { tools, tool_choice });
      assert.equal(completion.toolCall, null);
      assert.equal(textOf(completion), textOf(ask('Hi')));
    }
  });

  test('with no function to call the answer is text', () => {
    assert.equal(ask('Hi', { tool_choice: 'any' }).finishReason, 'stop');
    assert.equal(ask('Hi', { tools: [{ type: 'web_search' }], tool_choice: 'any' }).toolCall, null);
  });
});
