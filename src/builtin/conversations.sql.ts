import type { Conversation } from '../domain/conversation.ts';

/** A recorded chat as a judge sees it: JSON lists, as they were recorded. */
export interface StoredConversation {
  requestMessages: string;
  responseMessages: string;
  enabledTools: string;
}

interface ConversationRow {
  [column: string]: SqlStorageValue;
  request_messages: string;
  response_messages: string;
  enabled_tools: string;
}

/** What was said in the recorded chats of a workspace. */
export class Conversations {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Null when there is no such event. */
  ofEvent(eventId: string): StoredConversation | null {
    const row = this.#sql
      .exec<ConversationRow>(
        `SELECT request_messages, response_messages, enabled_tools
         FROM events JOIN event_bodies USING (seq) WHERE event_id = ?`,
        eventId,
      )
      .next();
    if (row.done) return null;
    return {
      requestMessages: row.value.request_messages,
      responseMessages: row.value.response_messages,
      enabledTools: row.value.enabled_tools,
    };
  }
}

/** A recorded chat for a judge; an event has no properties. */
export function conversationOf(stored: StoredConversation): Conversation {
  const list = (text: string) => JSON.parse(text) as unknown[];
  return {
    messages: [...list(stored.requestMessages), ...list(stored.responseMessages)],
    properties: {},
    tools: list(stored.enabledTools),
  };
}
