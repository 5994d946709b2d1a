import { isObject } from './json.ts';

/** What a judge looks at: a chat as it is recorded, or as a record of a dataset holds it. */
export interface Conversation {
  /** Messages of the chat API, the answer last. */
  messages: readonly unknown[];
  /** Of a dataset's record. */
  properties: Record<string, unknown>;
  /** Tools that the model could call. */
  tools: readonly unknown[];
}

/** A conversation taken apart into texts. */
export interface ConversationParts {
  systemPrompt: string;
  /** What was said before the last turn, a line a message. */
  history: string;
  /** The last user message; empty when there is none. */
  user: string;
  /** The assistant's last message; empty when there is none. */
  assistant: string;
  /** The last turn: the last user message and all that follows it. */
  lastTurn: string;
}

/** Takes a conversation apart, or tells what is wrong with it. */
export function partsOf(
  messages: readonly unknown[],
): { ok: true; parts: ConversationParts } | { ok: false; reason: string } {
  if (messages.length === 0) return { ok: false, reason: 'has no messages' };
  const said: { role: string; text: string }[] = [];
  for (const [index, message] of messages.entries()) {
    const role = isObject(message) ? message['role'] : undefined;
    if (!isObject(message) || typeof role !== 'string') {
      return { ok: false, reason: `has a message without a role, number ${index + 1}` };
    }
    const text = textOf(message);
    if (text === null) {
      return { ok: false, reason: `has a message that cannot be read, number ${index + 1}` };
    }
    said.push({ role, text });
  }
  const spoken = said.filter(({ role }) => role !== 'system');
  const lastUser = spoken.findLastIndex(({ role }) => role === 'user');
  const turn = lastUser === -1 ? Math.max(0, spoken.length - 1) : lastUser;
  const lines = (list: typeof said) => list.map(({ role, text }) => `${role}: ${text}`).join('\n');
  return {
    ok: true,
    parts: {
      systemPrompt: said
        .filter(({ role }) => role === 'system')
        .map(({ text }) => text)
        .join('\n'),
      history: lines(spoken.slice(0, turn)),
      user: spoken[lastUser]?.text ?? '',
      assistant: spoken.findLast(({ role }) => role === 'assistant')?.text ?? '',
      lastTurn: lines(spoken.slice(turn)),
    },
  };
}

/** The text of a message of the chat API: its text chunks, and the tools it calls. Null when it is no such message. */
export function textOf(message: Record<string, unknown>): string | null {
  const { content, tool_calls: toolCalls } = message;
  let text = '';
  if (typeof content === 'string') {
    text = content;
  } else if (Array.isArray(content)) {
    text = content
      .map((chunk: unknown) =>
        isObject(chunk) && typeof chunk['text'] === 'string' ? chunk['text'] : '',
      )
      .join('');
  } else if (content !== null && content !== undefined) {
    return null;
  }
  if (!Array.isArray(toolCalls) || toolCalls.length === 0) return text;
  try {
    const calls = toolCalls.map((call: unknown) =>
      JSON.stringify(isObject(call) && 'function' in call ? call['function'] : call),
    );
    return [...(text === '' ? [] : [text]), `calls ${calls.join(', ')}`].join('\n');
  } catch {
    // Reading JSON takes any depth, writing it does not.
    return null;
  }
}
