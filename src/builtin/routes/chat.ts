import { Hono } from 'hono/tiny';
import { eventFrame } from '../../domain/sse.ts';
import { chatRequestSchema, type ChatRequest } from '../chat-schema.ts';
import type { BuiltinEnv } from '../context.ts';
import { requestInvalid } from '../errors.ts';
import { complete, type Completion } from '../offline-model.ts';
import { readBody } from '../validate.ts';

/** `POST /v1/chat/completions`, answered by the offline model. */
export const chatRoutes = new Hono<BuiltinEnv>().post('/completions', async (c) => {
  const request = await readBody(c, chatRequestSchema, requestInvalid);
  const completion = complete(request);
  const head = {
    id: crypto.randomUUID().replaceAll('-', ''),
    created: Math.floor(Date.now() / 1000),
    model: request.model,
  };
  if (request.stream !== true) return c.json(answer(head, request, completion));
  return c.body(streamOf(chunks(head, request, completion)), 200, {
    'content-type': 'text/event-stream; charset=utf-8',
  });
});

interface Head {
  id: string;
  created: number;
  model: string;
}

function usageOf({ promptTokens, completionTokens }: Completion, choices: number) {
  const completion = completionTokens * choices;
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + completion,
    completion_tokens: completion,
  };
}

function choiceIndexes(request: ChatRequest): number[] {
  return Array.from({ length: request.n ?? 1 }, (_, index) => index);
}

function toolCallsOf(completion: Completion) {
  const { toolCall } = completion;
  if (toolCall === null) return null;
  return [{ id: 'offline01', type: 'function', function: toolCall, index: 0 }];
}

function answer(head: Head, request: ChatRequest, completion: Completion) {
  const indexes = choiceIndexes(request);
  return {
    ...head,
    object: 'chat.completion',
    choices: indexes.map((index) => ({
      index,
      message: {
        role: 'assistant',
        content: completion.tokens.join(''),
        tool_calls: toolCallsOf(completion),
      },
      finish_reason: completion.finishReason,
    })),
    usage: usageOf(completion, indexes.length),
  };
}

function* chunks(head: Head, request: ChatRequest, completion: Completion): Generator<string> {
  const frame = (index: number, delta: object, finish_reason: string | null, more: object = {}) =>
    eventFrame(
      JSON.stringify({
        ...head,
        object: 'chat.completion.chunk',
        choices: [{ index, delta, finish_reason }],
        ...more,
      }),
    );
  const indexes = choiceIndexes(request);
  const toolCalls = toolCallsOf(completion);
  for (const index of indexes) {
    yield frame(index, { role: 'assistant', content: '' }, null);
    for (const content of completion.tokens) yield frame(index, { content }, null);
    const isLast = index === indexes.length - 1;
    yield frame(
      index,
      toolCalls === null ? { content: '' } : { content: '', tool_calls: toolCalls },
      completion.finishReason,
      isLast ? { usage: usageOf(completion, indexes.length) } : {},
    );
  }
  yield eventFrame('[DONE]');
}

function streamOf(frames: Generator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull(controller) {
      const next = frames.next();
      if (next.done) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
  });
}
