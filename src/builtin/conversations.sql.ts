import type { Conversation } from '../domain/conversation.ts';

/** A recorded chat as imports and judges see it; the lists are JSON texts, as they were recorded. */
export interface StoredConversation {
  seq: number;
  eventId: string;
  correlationId: string;
  modelName: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
  requestMessages: string;
  responseMessages: string;
  enabledTools: string;
}

/** What a judge found in an event; `answer` is a JSON text. */
export interface Annotation {
  answer: string;
  analysis: string;
}

interface ConversationRow {
  [column: string]: SqlStorageValue;
  seq: number;
  event_id: string;
  correlation_id: string;
  model_name: string;
  created_at: number;
  request_messages: string;
  response_messages: string;
  enabled_tools: string;
}

const SELECT = `SELECT seq, event_id, correlation_id, model_name, created_at, request_messages, response_messages,
                  enabled_tools
                FROM events JOIN event_bodies USING (seq)`;

/** SQLite takes values of up to 2 MB; an id has at most 500 characters. */
const IDS_PER_QUERY = 500;

/** What was said in the recorded chats of a workspace, and what judges found in it. */
export class Conversations {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Null when there is no such event. */
  ofEvent(eventId: string): StoredConversation | null {
    return this.#one(`${SELECT} WHERE event_id = ?`, eventId);
  }

  ofSeq(seq: number): StoredConversation | null {
    return this.#one(`${SELECT} WHERE seq = ?`, seq);
  }

  /**
   * For each event id or `id` of a chat completion the id of the event it stands for, of several the newest; an id that
   * is neither stays as it is.
   */
  eventIdsOf(conversationIds: readonly string[]): string[] {
    const found: string[] = [];
    for (let start = 0; start < conversationIds.length; start += IDS_PER_QUERY) {
      const rows = this.#sql.exec<{ id: string }>(
        `SELECT coalesce(
           (SELECT event_id FROM events WHERE event_id = lower(named.value)),
           (SELECT event_id FROM events WHERE completion_id = named.value ORDER BY seq DESC LIMIT 1),
           named.value
         ) AS id FROM json_each(?) AS named ORDER BY named.key`,
        JSON.stringify(conversationIds.slice(start, start + IDS_PER_QUERY)),
      );
      for (const { id } of rows) found.push(id);
    }
    return found;
  }

  /** Ids of events that are still there, in the order given. */
  idsOf(seqs: readonly number[]): string[] {
    const rows = this.#sql.exec<{ event_id: string }>(
      `SELECT event_id FROM json_each(?) AS wanted JOIN events ON events.seq = wanted.value
       ORDER BY wanted.key`,
      JSON.stringify(seqs),
    );
    return [...rows].map(({ event_id }) => event_id);
  }

  /** Notes what a judge found, in the place of what it had found before; nothing where the event is gone. */
  annotate(judgeId: string, eventId: string, { answer, analysis }: Annotation): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO annotations (judge_id, event_seq, answer, analysis)
       SELECT ?, seq, ?, ? FROM events WHERE event_id = ?`,
      judgeId,
      answer,
      analysis,
      eventId,
    );
  }

  annotation(judgeId: string, seq: number): Annotation | null {
    const row = this.#sql
      .exec<{ answer: string; analysis: string }>(
        'SELECT answer, analysis FROM annotations WHERE judge_id = ? AND event_seq = ?',
        judgeId,
        seq,
      )
      .next();
    return row.done ? null : row.value;
  }

  #one(query: string, key: SqlStorageValue): StoredConversation | null {
    const row = this.#sql.exec<ConversationRow>(query, key).next();
    if (row.done) return null;
    return {
      seq: row.value.seq,
      eventId: row.value.event_id,
      correlationId: row.value.correlation_id,
      modelName: row.value.model_name,
      createdAt: row.value.created_at,
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
