import { isObject, parseJson, type JsonObject } from './json.ts';

/** Token counts as the upstream reports them; null where it reported none. */
export interface Usage {
  promptTokens: number | null;
  completionTokens: number | null;
  totalTokens: number | null;
}

/** A message of the assistant, put together again from what came. */
export interface AnswerMessage {
  role: string;
  content: string | JsonObject[];
  tool_calls?: { id: string; type: 'function'; function: { name: string; arguments: string } }[];
}

/** What an answer to a chat held, as far as it came. */
export interface Completion {
  id: string | null;
  messages: AnswerMessage[];
  finishReasons: (string | null)[];
  usage: Usage;
}

interface ToolCall {
  id: string;
  name: string;
  arguments: string;
}

interface Choice {
  role: string;
  text: string;
  chunks: JsonObject[];
  toolCalls: Map<number, ToolCall>;
  finishReason: string | null;
}

/** What is known where the upstream told nothing. */
export const NO_USAGE: Usage = { promptTokens: null, completionTokens: null, totalTokens: null };
const MAX_CHOICES = 16;

/**
 * Puts a chat completion together: from its one JSON body, or from the chunks of its stream. Nothing is guessed: what
 * did not come stays null, of several usage objects the last one counts, and zero is zero.
 */
export class CompletionReader {
  #id: string | null = null;
  #usage = NO_USAGE;
  readonly #choices = new Map<number, Choice>();

  /** Takes the `data` of one event of a stream; what is not a chunk is read over. */
  readChunk(data: string): void {
    const chunk = parseJson(data);
    if (!isObject(chunk)) return;
    this.#readHead(chunk);
    for (const choice of listOf(chunk['choices'])) {
      const found = this.#choice(choice);
      if (found === null) continue;
      this.#add(found, isObject(choice['delta']) ? choice['delta'] : {});
      if (typeof choice['finish_reason'] === 'string') found.finishReason = choice['finish_reason'];
    }
  }

  /** Takes the whole JSON body of an answer that was not streamed. */
  readBody(text: string): void {
    const body = parseJson(text);
    if (!isObject(body)) return;
    this.#readHead(body);
    for (const choice of listOf(body['choices'])) {
      const found = this.#choice(choice);
      if (found === null) continue;
      const messages = isObject(choice['message'])
        ? [choice['message']]
        : listOf(choice['messages']);
      for (const message of messages) this.#add(found, message);
      if (typeof choice['finish_reason'] === 'string') found.finishReason = choice['finish_reason'];
    }
  }

  get completion(): Completion {
    const choices = [...this.#choices.entries()]
      .toSorted(([left], [right]) => left - right)
      .map(([, choice]) => choice);
    return {
      id: this.#id,
      messages: choices.map(messageOf),
      finishReasons: choices.map((choice) => choice.finishReason),
      usage: this.#usage,
    };
  }

  #readHead(body: JsonObject): void {
    if (typeof body['id'] === 'string') this.#id = body['id'];
    this.#usage = usageOf(body) ?? this.#usage;
  }

  #choice(value: JsonObject): Choice | null {
    const index = Number.isInteger(value['index']) ? Number(value['index']) : 0;
    let choice = this.#choices.get(index);
    if (choice === undefined && this.#choices.size < MAX_CHOICES) {
      choice = {
        role: 'assistant',
        text: '',
        chunks: [],
        toolCalls: new Map(),
        finishReason: null,
      };
      this.#choices.set(index, choice);
    }
    return choice ?? null;
  }

  #add(choice: Choice, part: JsonObject): void {
    if (typeof part['role'] === 'string' && part['role'] !== '') choice.role = part['role'];
    const { content } = part;
    if (typeof content === 'string') choice.text += content;
    else for (const chunk of listOf(content)) addChunk(choice, chunk);
    for (const [position, call] of listOf(part['tool_calls']).entries()) {
      addToolCall(choice.toolCalls, call, position);
    }
  }
}

/** Text chunks are the answer's text; chunks of other kinds are kept, those that continue one joined to it. */
function addChunk(choice: Choice, chunk: JsonObject): void {
  if (chunk['type'] === 'text' && typeof chunk['text'] === 'string') {
    choice.text += chunk['text'];
    return;
  }
  const last = choice.chunks.at(-1);
  if (last !== undefined && chunk['type'] === 'thinking' && last['type'] === 'thinking') {
    last['thinking'] = [...listOf(last['thinking']), ...listOf(chunk['thinking'])];
  } else {
    choice.chunks.push({ ...chunk });
  }
}

/** Fragments of a call share its index; a later one may lack the id or carry the text "null" instead. */
function addToolCall(calls: Map<number, ToolCall>, part: JsonObject, position: number): void {
  const index = Number.isInteger(part['index']) ? Number(part['index']) : position;
  const call = calls.get(index) ?? { id: '', name: '', arguments: '' };
  const { id } = part;
  if (typeof id === 'string' && id !== 'null' && id !== '') call.id = id;
  if (isObject(part['function'])) {
    const { name, arguments: text } = part['function'];
    if (typeof name === 'string') call.name += name;
    call.arguments += typeof text === 'string' ? text : isObject(text) ? JSON.stringify(text) : '';
  }
  calls.set(index, call);
}

function messageOf(choice: Choice): AnswerMessage {
  const text = choice.text === '' ? [] : [{ type: 'text', text: choice.text }];
  const message: AnswerMessage = {
    role: choice.role,
    content: choice.chunks.length === 0 ? choice.text : [...choice.chunks, ...text],
  };
  if (choice.toolCalls.size === 0) return message;
  const calls = [...choice.toolCalls.values()];
  return {
    ...message,
    tool_calls: calls.map(({ id, name, arguments: text }) => ({
      id,
      type: 'function',
      function: { name, arguments: text },
    })),
  };
}

function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The usage that a chunk or a body tells, or null when it tells none. */
export function usageOf({ usage }: JsonObject): Usage | null {
  if (!isObject(usage)) return null;
  return {
    promptTokens: countOf(usage['prompt_tokens']),
    completionTokens: countOf(usage['completion_tokens']),
    totalTokens: countOf(usage['total_tokens']),
  };
}

function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The text of a content: itself, or its text chunks joined. Thinking, references and the like are no text. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((chunk: unknown) =>
      isObject(chunk) && chunk['type'] === 'text' && typeof chunk['text'] === 'string'
        ? chunk['text']
        : '',
    )
    .join('');
}
