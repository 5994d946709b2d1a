import { isObject } from '../domain/json.ts';
import type { ChatRequest } from './chat-schema.ts';

/** What the offline model answers; `tokens` joined are the text, the same whether streamed or not. */
export interface Completion {
  tokens: string[];
  toolCall: { name: string; arguments: string } | null;
  finishReason: 'stop' | 'length' | 'tool_calls';
  promptTokens: number;
  completionTokens: number;
}

const QUOTED = 400;

/**
 * A small deterministic stand-in for a language model: no network, no randomness. It says that it is one and quotes
 * the question; obeys `max_tokens`, `stop`, JSON modes and a forced tool; a token is a word with the space before it.
 */
export function complete(request: ChatRequest): Completion {
  const promptTokens = request.messages.reduce(
    (sum, message) => sum + tokenize(textOf(message.content)).length,
    0,
  );
  const tool = forcedTool(request);
  if (tool !== null) {
    const completionTokens = tokenize(tool.arguments).length;
    return {
      tokens: [],
      toolCall: tool,
      finishReason: 'tool_calls',
      promptTokens,
      completionTokens,
    };
  }
  const all = tokenize(cutAtStop(answerTo(request), request.stop));
  const tokens = all.slice(0, request.max_tokens ?? all.length);
  return {
    tokens,
    toolCall: null,
    finishReason: tokens.length < all.length ? 'length' : 'stop',
    promptTokens,
    completionTokens: tokens.length,
  };
}

function tokenize(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

function textOf(content: ChatRequest['messages'][number]['content']): string {
  if (content === null || content === undefined) return '';
  if (typeof content === 'string') return content;
  return content.map((chunk) => (chunk.type === 'text' ? chunk.text : '')).join('');
}

function answerTo(request: ChatRequest): string {
  const format = request.response_format;
  if (format?.type === 'json_schema' && format.json_schema) {
    return JSON.stringify(sampleOf(format.json_schema.schema));
  }
  const question = textOf(request.messages.findLast(({ role }) => role === 'user')?.content).trim();
  // A cut in the middle of a surrogate pair would leave half a character.
  const start = question.slice(0, QUOTED).replace(/[\uD800-\uDBFF]$/, '');
  const quoted = question.length > QUOTED ? `${start}…` : question;
  const answer =
    question === ''
      ? 'This is the offline model of Windsock. There was no user message to answer.'
      : `This is the offline model of Windsock. It read your message: “${quoted}” ` +
        'Set MISTRAL_API_KEY to have a Mistral model answer it.';
  return format?.type === 'json_object' ? JSON.stringify({ answer }) : answer;
}

function cutAtStop(text: string, stop: ChatRequest['stop']): string {
  const stops = (typeof stop === 'string' ? [stop] : (stop ?? [])).filter((one) => one !== '');
  const found = stops.map((one) => text.indexOf(one)).filter((index) => index >= 0);
  return text.slice(0, Math.min(text.length, ...found));
}

function forcedTool(request: ChatRequest): { name: string; arguments: string } | null {
  const functions = (request.tools ?? []).flatMap((tool) => ('function' in tool ? [tool] : []));
  const choice = request.tool_choice;
  const wanted =
    typeof choice === 'object'
      ? functions.find((tool) => functionOf(tool)?.name === choice.function.name)
      : choice === 'any' || choice === 'required'
        ? functions[0]
        : undefined;
  const chosen = wanted && functionOf(wanted);
  if (!chosen) return null;
  return { name: chosen.name, arguments: JSON.stringify(sampleOf(chosen.parameters)) };
}

type Tool = NonNullable<ChatRequest['tools']>[number];

function functionOf(tool: Tool): { name: string; parameters: Record<string, unknown> } | null {
  const declared: unknown = 'function' in tool ? tool.function : null;
  return isObject(declared) &&
    typeof declared['name'] === 'string' &&
    isObject(declared['parameters'])
    ? { name: declared['name'], parameters: declared['parameters'] }
    : null;
}

const MAX_DEPTH = 8;
const MAX_ITEMS = 10;

function numberOf(value: unknown, fallback = 0): number {
  return typeof value === 'number' ? value : fallback;
}

/** The plainest value that a JSON Schema describes, so that JSON mode and tools have something valid to show. */
function sampleOf(schema: unknown, depth = 0): unknown {
  if (!isObject(schema) || depth > MAX_DEPTH) return null;
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return (schema['enum'] as unknown[])[0];
  const variants: unknown = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(variants)) return sampleOf(variants[0], depth + 1);
  const type: unknown = Array.isArray(schema['type'])
    ? (schema['type'] as unknown[])[0]
    : schema['type'];
  switch (type) {
    case 'string':
      return 'offline'.padEnd(numberOf(schema['minLength']), '.');
    case 'integer':
    case 'number':
      return Math.min(
        Math.max(0, numberOf(schema['minimum'], 0)),
        numberOf(schema['maximum'], Infinity),
      );
    case 'boolean':
      return false;
    case 'array': {
      const length = Math.min(numberOf(schema['minItems']), MAX_ITEMS);
      return Array.from({ length }, () => sampleOf(schema['items'], depth + 1));
    }
    case 'object': {
      const properties = isObject(schema['properties']) ? schema['properties'] : {};
      return Object.fromEntries(
        Object.entries(properties).map(([name, part]) => [name, sampleOf(part, depth + 1)]),
      );
    }
    default:
      return null;
  }
}
