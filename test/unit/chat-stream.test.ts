import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChatStreamFacts, dataOf } from '../../src/domain/chat-stream.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const NAMES = { requestId: 'req-1', model: 'asked' };
const ERROR = { code: 'upstream_interrupted', message: 'broke' } as const;
const lastOf = (facts: ChatStreamFacts) =>
  JSON.parse(dataOf(facts.breakEvent(ERROR, NAMES, 5000))[0] ?? '') as Record<string, unknown>;

test('the data of events, whatever ends their lines', () => {
  assert.deepEqual(dataOf('data: 1\n\n: x\n\ndata:2\ndata: 3\n\n'), ['1', '2\n3']);
  assert.deepEqual(dataOf('data: 1\r\n\r\ndata: 2\r\n\r\n'), ['1', '2']);
  assert.deepEqual(dataOf('data: 1\r\rdata: 2\r\r'), ['1', '2']);
  assert.deepEqual(dataOf(': only a comment\n\n'), []);
});

test('[DONE] counts as data of its own, not inside a text', () => {
  const facts = new ChatStreamFacts();
  facts.see(encode('data: {"choices":[{"delta":{"content":"[DONE]"}}]}\n\n'));
  assert.equal(facts.isDone, false);
  facts.see(encode(': [DONE]\n\n'));
  assert.equal(facts.isDone, false);
  facts.see(encode('data: [DONE]\n\n'));
  assert.equal(facts.isDone, true);
});

test('of several usages the last counts; a text that speaks of usage is none', () => {
  const facts = new ChatStreamFacts();
  facts.see(
    encode('data: {"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}\n\n'),
  );
  facts.see(
    encode('data: {"usage":{"prompt_tokens":1,"completion_tokens":0,"total_tokens":1}}\n\n'),
  );
  assert.deepEqual(facts.usage, { promptTokens: 1, completionTokens: 0, totalTokens: 1 });
  facts.see(encode('data: {"usage":null}\n\n'));
  facts.see(encode('data: {"choices":[{"index":0,"delta":{"content":"\\"usage\\""}}]}\n\n'));
  assert.deepEqual(facts.usage, { promptTokens: 1, completionTokens: 0, totalTokens: 1 });
});

test('without a usage it is unknown', () => {
  const facts = new ChatStreamFacts();
  facts.see(encode('data: {"usage":null}\n\n'));
  assert.deepEqual(facts.usage, { promptTokens: null, completionTokens: null, totalTokens: null });
});

test('the break is named as the stream’s chunks are', () => {
  const facts = new ChatStreamFacts();
  facts.see(encode(': ping\n\n'));
  facts.see(encode('data: {"id":"c1","model":"m1","created":7}\n\ndata: {"id":"c2"}\n\n'));
  assert.deepEqual(lastOf(facts), {
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 7,
    model: 'm1',
    choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
    error: { code: 'upstream_interrupted', message: 'broke', request_id: 'req-1' },
  });
});

test('before any chunk the break is named by the request', () => {
  const last = lastOf(new ChatStreamFacts());
  assert.equal(last['id'], 'req-1');
  assert.equal(last['model'], 'asked');
  assert.equal(last['created'], 5);
});
