import type { NewEvent } from '../domain/event.ts';
import { fold } from '../domain/fold.ts';

/** Longest previews, in UTF-16 units: what a search looks at. */
const PREVIEW_LENGTH = 500;
const SYSTEM_LENGTH = 4000;
/** What the full-text index takes of each text. */
const INDEXED_LENGTH = 4000;

/** The recorded chats of a workspace. */
export class Events {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Records a chat; an event id that is there already changes nothing. */
  add(event: NewEvent): void {
    const user = clean(event.lastUserMessage);
    const answer = clean(event.responseText);
    const modelName = clean(event.modelName);
    const system = clean(event.firstSystemMessage);
    const userPreview = preview(user, PREVIEW_LENGTH);
    const answerPreview = preview(answer, PREVIEW_LENGTH);
    const systemPreview = preview(system, SYSTEM_LENGTH);
    const columns: Record<string, SqlStorageValue> = {
      event_id: event.eventId,
      correlation_id: clean(event.correlationId),
      completion_id: event.completionId,
      created_at: event.createdAt,
      model_name: modelName,
      model_name_folded: foldedBeyondAscii(modelName),
      input_tokens: event.inputTokens,
      output_tokens: event.outputTokens,
      total_time_elapsed: event.totalTimeElapsed,
      last_user_message_preview: userPreview,
      last_user_message_preview_folded: foldedBeyondAscii(userPreview),
      response_messages_preview: answerPreview,
      response_messages_preview_folded: foldedBeyondAscii(answerPreview),
      first_system_message: systemPreview,
      first_system_message_folded: foldedBeyondAscii(systemPreview),
      api_agent_id: clean(event.apiAgentId),
      invoked_tools: JSON.stringify(event.invokedTools.map(clean)),
      metadata: event.metadata,
      streamed: event.streamed ? 1 : 0,
      nb_messages: event.nbMessages,
      is_sample: event.isSample ? 1 : 0,
    };
    const names = Object.keys(columns);
    const inserted = this.#sql
      .exec<{ seq: number }>(
        `INSERT INTO events (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})
         ON CONFLICT (event_id) DO NOTHING RETURNING seq`,
        ...Object.values(columns),
      )
      .next();
    if (inserted.done) return;
    const { seq } = inserted.value;
    this.#sql.exec(
      `INSERT INTO event_bodies (seq, request_messages, response_messages, enabled_tools)
       VALUES (?, ?, ?, ?)`,
      seq,
      event.requestMessages,
      event.responseMessages,
      event.enabledTools,
    );
    const indexed = `${user?.slice(0, INDEXED_LENGTH) ?? ''}\n${answer?.slice(0, INDEXED_LENGTH) ?? ''}`;
    this.#sql.exec('INSERT INTO event_text (rowid, text) VALUES (?, ?)', seq, indexed);
  }

  deleteSamples(): void {
    const samples = '(SELECT seq FROM events WHERE is_sample = 1)';
    this.#sql.exec(`DELETE FROM event_bodies WHERE seq IN ${samples}`);
    this.#sql.exec(`DELETE FROM event_text WHERE rowid IN ${samples}`);
    this.#sql.exec(`DELETE FROM annotations WHERE event_seq IN ${samples}`);
    this.#sql.exec(`DELETE FROM campaign_events WHERE event_seq IN ${samples}`);
    this.#sql.exec('DELETE FROM events WHERE is_sample = 1');
  }
}

/** SQLite's text functions stop at a NUL, and a lone surrogate is not UTF-8. */
function clean(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\0', '\uFFFD').toWellFormed();
}

function preview(text: string | null, length: number): string | null {
  return text === null ? null : text.slice(0, length).toWellFormed();
}

/** The folded text where it is more than `upper()` of SQLite gives, else null. */
function foldedBeyondAscii(text: string | null): string | null {
  if (text === null || /^[\0-\x7f]*$/.test(text)) return null;
  return fold(text);
}
