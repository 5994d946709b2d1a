import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompletionReader } from '../../src/domain/completion.ts';

const chunk = (delta: object, more: object = {}) =>
  JSON.stringify({ id: 'c1', choices: [{ index: 0, delta, finish_reason: null }], ...more });

function read(...chunks: string[]) {
  const reader = new CompletionReader();
  for (const data of chunks) reader.readChunk(data);
  return reader.completion;
}

test('text deltas are joined, and the last usage counts', () => {
  const usage = (n: number) => ({
    usage: { prompt_tokens: n, completion_tokens: 0, total_tokens: n },
  });
  const completion = read(
    chunk({ role: 'assistant', content: '' }, usage(1)),
    chunk({ content: 'Hi' }),
    chunk({ content: ' there' }, usage(7)),
    '[DONE]',
  );
  assert.equal(completion.id, 'c1');
  assert.deepEqual(completion.messages, [{ role: 'assistant', content: 'Hi there' }]);
  assert.deepEqual(completion.usage, { promptTokens: 7, completionTokens: 0, totalTokens: 7 });
});

test('what did not come is null, not guessed', () => {
  const none = { promptTokens: null, completionTokens: null, totalTokens: null };
  assert.deepEqual(read().usage, none);
  assert.deepEqual(read(chunk({ content: 'x' }, { usage: null })).usage, none);
  assert.deepEqual(
    read('not json', '[1]', 'null', '{"choices":{}}', '{"choices":[1,null]}').messages,
    [],
  );
});

test('a usage-only last chunk counts', () => {
  const completion = read(
    chunk({ content: 'x' }),
    '{"id":"c1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}',
  );
  assert.equal(completion.usage.totalTokens, 7);
});

test('fragments of tool calls are joined by index, without id or with the text "null"', () => {
  const part = (call: object) => chunk({ tool_calls: [call] });
  const completion = read(
    part({ id: 'a', function: { name: 'f', arguments: '' }, index: 0 }),
    part({ function: { name: '', arguments: '{"x"' }, index: 0 }),
    part({ id: 'null', function: { name: '', arguments: ':1}' }, index: 0 }),
    part({ id: 'b', function: { name: 'g', arguments: { y: 2 } }, index: 1 }),
  );
  assert.deepEqual(completion.messages[0]?.tool_calls, [
    { id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
    { id: 'b', type: 'function', function: { name: 'g', arguments: '{"y":2}' } },
  ]);
});

test('thinking chunks that follow each other become one, before the text', () => {
  const think = (text: string) =>
    chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }] });
  const completion = read(think('a'), think('b'), chunk({ content: 'c' }));
  assert.deepEqual(completion.messages[0]?.content, [
    {
      type: 'thinking',
      thinking: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
    },
    { type: 'text', text: 'c' },
  ]);
});

test('several choices stay apart and in order; more than sixteen are not kept', () => {
  const of = (index: number, content: string) =>
    JSON.stringify({ choices: [{ index, delta: { content }, finish_reason: 'stop' }] });
  const two = read(of(1, 'b'), of(0, 'a'), of(1, 'b'));
  assert.deepEqual(
    two.messages.map(({ content }) => content),
    ['a', 'bb'],
  );
  assert.deepEqual(two.finishReasons, ['stop', 'stop']);
  const many = read(...Array.from({ length: 100 }, (_, index) => of(index, 'x')));
  assert.equal(many.messages.length, 16);
});

test('a JSON body gives the same as its stream', () => {
  const reader = new CompletionReader();
  reader.readBody(
    JSON.stringify({
      id: 'c2',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hi', tool_calls: null },
          finish_reason: 'stop',
        },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    }),
  );
  assert.deepEqual(reader.completion, {
    id: 'c2',
    messages: [{ role: 'assistant', content: 'Hi' }],
    finishReasons: ['stop'],
    usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3 },
  });
});
