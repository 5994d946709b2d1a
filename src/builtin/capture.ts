import { boundedJson, CUT_MARK } from '../domain/bounded.ts';
import { CompletionReader, contentText } from '../domain/completion.ts';
import { isObject, type JsonObject } from '../domain/json.ts';
import { dataOf } from '../domain/chat-stream.ts';
import { isEventStream } from '../domain/sse.ts';
import { logError } from '../platform/log.ts';
import { workspaceOf } from './context.ts';
import type { NewEvent } from '../domain/event.ts';

/** A chat on its way, as far as it is known before the answer. */
export interface RelayedChat {
  /** What the request's JSON says, undefined where it is none. */
  request: unknown;
  requestId: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

// What is kept of one chat, in bytes: 256 kB in all.
const MAX_MESSAGES_BYTES = 160_000;
const MAX_ANSWER_BYTES = 64_000;
const MAX_TOOLS_BYTES = 16_000;
const MAX_METADATA_BYTES = 16_000;
/** Stands for metadata that are too long: half an object would be none. */
const CUT_METADATA = JSON.stringify({ metadata: CUT_MARK });

/**
 * Watches the answer to a chat go by and records the chat as an event when it has ended, cut or left included.
 * @param answer the upstream's answer; one that is no success is not recorded
 */
export function chatRecorder(chat: RelayedChat, answer: Response, env: Env): ChatRecorder | null {
  if (!answer.ok) return null;
  const correlationId = answer.headers.get('mistral-correlation-id') ?? chat.requestId;
  return new ChatRecorder(chat, correlationId, isEventStream(answer.headers), env);
}

class ChatRecorder {
  readonly #chat: RelayedChat;
  readonly #correlationId: string;
  readonly #env: Env;
  readonly #completion = new CompletionReader();
  readonly #isStream: boolean;

  constructor(chat: RelayedChat, correlationId: string, isStream: boolean, env: Env) {
    this.#chat = chat;
    this.#correlationId = correlationId;
    this.#env = env;
    this.#isStream = isStream;
  }

  /** Takes the text of one or more whole events of a stream. */
  events(text: string): void {
    for (const data of dataOf(text)) this.#completion.readChunk(data);
  }

  /** Takes the text of an answer that was not streamed. */
  body(text: string): void {
    this.#completion.readBody(text);
  }

  /** The answer has ended, whole or not: records the chat. */
  async end(): Promise<void> {
    try {
      await workspaceOf(this.#env).recordEvents([this.#event(Date.now())]);
    } catch (error) {
      logError('capture_failed', error, { request_id: this.#chat.requestId });
    }
  }

  #event(now: number): NewEvent {
    const request = isObject(this.#chat.request) ? this.#chat.request : {};
    const messages = Array.isArray(request['messages']) ? request['messages'].filter(isObject) : [];
    const tools = Array.isArray(request['tools']) ? request['tools'].filter(isObject) : [];
    const { id, messages: answers, usage } = this.#completion.completion;
    const metadata = isObject(request['metadata']) ? JSON.stringify(request['metadata']) : '{}';
    return {
      eventId: crypto.randomUUID(),
      correlationId: this.#correlationId,
      completionId: id,
      createdAt: this.#chat.startedAt,
      modelName: typeof request['model'] === 'string' ? request['model'] : '',
      inputTokens: usage.promptTokens,
      outputTokens: usage.completionTokens,
      totalTimeElapsed: (now - this.#chat.startedAt) / 1000,
      lastUserMessage: textOf(messages.findLast(({ role }) => role === 'user')),
      responseText: answers.map((answer) => textOf({ ...answer }) ?? '').join('\n'),
      firstSystemMessage: textOf(messages.find(({ role }) => role === 'system')),
      apiAgentId: typeof request['agent_id'] === 'string' ? request['agent_id'] : null,
      invokedTools: answers.flatMap((answer) =>
        (answer.tool_calls ?? []).map((call) => call.function.name),
      ),
      metadata: metadata.length * 3 > MAX_METADATA_BYTES ? CUT_METADATA : metadata,
      streamed: this.#isStream,
      nbMessages: messages.length + answers.length,
      requestMessages: boundedJson(messages, MAX_MESSAGES_BYTES),
      responseMessages: boundedJson(answers, MAX_ANSWER_BYTES),
      enabledTools: boundedJson(tools, MAX_TOOLS_BYTES),
      isSample: false,
    };
  }
}

/** The text of a message; null where its content is none. */
function textOf(message: JsonObject | undefined): string | null {
  const content = message?.['content'];
  return typeof content === 'string' || Array.isArray(content) ? contentText(content) : null;
}
