import { RpcTarget } from 'cloudflare:workers';
import type { JudgeDefinition } from '../../domain/judge.ts';
import type { Conversations, StoredConversation } from '../conversations.sql.ts';
import type { Page } from '../datasets.sql.ts';
import type { JudgeFilter, Judges, JudgeUpdate, StoredJudge } from '../judges.sql.ts';

/** The judges of a workspace, and what they judge, over RPC. */
export class JudgesApi extends RpcTarget {
  readonly #judges: Judges;
  readonly #conversations: Conversations;

  constructor(judges: Judges, conversations: Conversations) {
    super();
    this.#judges = judges;
    this.#conversations = conversations;
  }

  /** Null when another judge has the name. */
  create(definition: JudgeDefinition): StoredJudge | null {
    return this.#judges.create(definition, Date.now());
  }

  get(id: string): StoredJudge | null {
    return this.#judges.get(id);
  }

  list(page: Page, filter: JudgeFilter): { judges: StoredJudge[]; count: number } {
    return this.#judges.list(page, filter);
  }

  /** See {@link Judges.update}. */
  update(id: string, definition: JudgeDefinition): JudgeUpdate {
    return this.#judges.update(id, definition, Date.now());
  }

  /** See {@link Judges.delete}. */
  delete(id: string): 'deleted' | 'not_found' | 'used' {
    return this.#judges.delete(id);
  }

  /** The chat of a recorded event; null when there is no such event. */
  conversationOfEvent(eventId: string): StoredConversation | null {
    return this.#conversations.ofEvent(eventId);
  }
}
