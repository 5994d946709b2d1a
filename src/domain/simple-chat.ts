import * as z from 'zod/mini';
import { rangesOf } from './accept.ts';
import { dataOf } from './chat-stream.ts';
import { contentText } from './completion.ts';
import { isObject, parseJson, type JsonObject } from './json.ts';
import { EventFramer } from './sse-frames.ts';

const isGiven = (value: unknown) => value !== undefined && value !== null;

/** Holds for every mistake to be told at once: zod would leave a rule of the whole out after one of a part. */
const always = { when: () => true };

/** The body of `POST /chat`; null stands for left out, and what is not named here is Mistral's to check. */
export const simpleChatSchema = z.lazy(() =>
  z
    .looseObject({
      prompt: z.nullish(z.string().check(z.minLength(1, 'must not be empty'))),
      messages: z.nullish(
        z.array(z.looseObject({ role: z.string() })).check(z.minLength(1, 'must have a message')),
      ),
      system: z.nullish(z.string()),
      model: z.nullish(z.string().check(z.minLength(1, 'must not be empty'))),
      stream: z.nullish(z.boolean()),
    })
    .check(
      z.refine(
        (body: unknown) => !isObject(body) || isGiven(body['prompt']) || isGiven(body['messages']),
        { ...always, path: ['prompt'], error: 'is missing: send a prompt, or messages' },
      ),
      z.refine(
        (body: unknown) =>
          !isObject(body) || !isGiven(body['prompt']) || !isGiven(body['messages']),
        { ...always, path: ['messages'], error: 'cannot stand beside prompt: send one of the two' },
      ),
    ),
);

export type SimpleChat = z.infer<typeof simpleChatSchema>;

/**
 * The body of `POST /v1/chat/completions` for one of `POST /chat`: the prompt as a message of the user, `system` in
 * front of all messages, everything else as it is.
 * @param stream whether a stream is wanted; null leaves it as the client said
 */
export function mistralBody(
  chat: SimpleChat,
  defaultModel: string,
  stream: true | null,
): JsonObject {
  const { prompt, messages, system, model, stream: asked, ...rest } = chat;
  const instructions = isGiven(system) ? [{ role: 'system', content: system }] : [];
  const said = messages ?? [{ role: 'user', content: prompt }];
  const streamed = stream ?? asked;
  return {
    ...rest,
    model: model ?? defaultModel,
    messages: [...instructions, ...said],
    ...(isGiven(streamed) && { stream: streamed }),
  };
}

/** What `POST /chat` answers, without the request's id. */
export interface SimpleAnswer {
  id: string | null;
  model: string | null;
  text: string;
  finish_reason: string | null;
  /** As the upstream sent them; only where there are some. */
  tool_calls?: unknown[];
  /** As the upstream sent it. */
  usage: JsonObject | null;
}

/**
 * The facade's answer for the upstream's, of several choices the first; null when it is no chat completion.
 * @param body the upstream's JSON text
 */
export function simpleAnswer(body: string): SimpleAnswer | null {
  const answer = parseJson(body);
  if (!isObject(answer)) return null;
  const choice = firstChoice(answer);
  if (choice === null) return null;
  const message = isObject(choice['message']) ? choice['message'] : {};
  const calls = message['tool_calls'];
  return {
    id: textOrNull(answer['id']),
    model: textOrNull(answer['model']),
    text: contentText(message['content']),
    finish_reason: textOrNull(choice['finish_reason']),
    ...(Array.isArray(calls) && calls.length > 0 && { tool_calls: calls as unknown[] }),
    usage: isObject(answer['usage']) ? answer['usage'] : null,
  };
}

function firstChoice(body: JsonObject): JsonObject | null {
  const { choices } = body;
  if (!Array.isArray(choices)) return null;
  const found: unknown = choices.find((choice) => isObject(choice) && (choice['index'] ?? 0) === 0);
  return isObject(found) ? found : null;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/**
 * Reads the text of a chat out of the bytes of its event stream, cut anywhere; of several choices the first. Comments
 * and what is no chunk of a chat are read over.
 */
export class ChatTextReader {
  readonly #events = new EventFramer();
  readonly #decoder = new TextDecoder();
  #state: 'open' | 'whole' | 'broken' = 'open';

  /** Takes the next bytes and returns the text of the events that they complete. */
  push(bytes: Uint8Array): string {
    let text = '';
    const events = this.#events.push(bytes);
    if (events === null) return '';
    for (const data of dataOf(this.#decoder.decode(events))) {
      if (this.#state === 'open') text += this.#read(data);
    }
    return text;
  }

  /** `whole` once `[DONE]` has come, `broken` once an error has; a stream that ends `open` was cut. */
  get state(): 'open' | 'whole' | 'broken' {
    return this.#state;
  }

  #read(data: string): string {
    if (data.trim() === '[DONE]') {
      this.#state = 'whole';
      return '';
    }
    const chunk = parseJson(data);
    if (!isObject(chunk)) return '';
    const choice = firstChoice(chunk);
    const isError = isGiven(chunk['error']) || chunk['object'] === 'error';
    if (isError || choice?.['finish_reason'] === 'error') this.#state = 'broken';
    return isObject(choice?.['delta']) ? contentText(choice['delta']['content']) : '';
  }
}

/**
 * Whether a client would rather have text than JSON (RFC 9110, 12.5.1): `text/plain` is named with a weight above
 * JSON's, or with the same and before it. A wildcard is no wish for text.
 */
export function prefersText(accept: string): boolean {
  const best = rangesOf(accept)
    .filter(({ type, weight }) => TYPES.has(type) && weight > 0)
    .toSorted((left, right) => right.weight - left.weight);
  return best[0]?.type === 'text/plain';
}

const TYPES = new Set(['text/plain', 'application/json', 'application/*']);
