import type { Conversation } from '../../domain/conversation.ts';
import type { StoredConversation } from '../conversations.sql.ts';

/** A recorded chat as a judge looks at it. */
export function recordedConversation(
  stored: Pick<StoredConversation, 'requestMessages' | 'responseMessages' | 'enabledTools'>,
): Conversation {
  return {
    messages: [stored.requestMessages, stored.responseMessages].flatMap(
      (list) => JSON.parse(list) as unknown[],
    ),
    properties: {},
    tools: JSON.parse(stored.enabledTools) as unknown[],
  };
}
