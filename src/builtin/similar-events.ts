import type { EventRow } from './event-views.ts';

/** Words that an event is compared by. */
const MAX_WORDS = 10;
/** Of a long text, the first words are looked at. */
const MAX_CANDIDATES = 80;
/** A word is counted in so many events, then it is a common one. */
const COUNTED = 2000;
/** Where an event has none but common words, so many stand in: ranking by one reads every event that has it. */
const MAX_COMMON_WORDS = 2;

/**
 * `seq` of the events that share an event's most telling words, the most similar first (BM25), itself left out.
 * Telling are the words that few events have.
 */
export function similarSeqs(sql: SqlStorage, event: EventRow, limit: number): number[] {
  const words = tellingWords(sql, event);
  if (words.length === 0) return [];
  const rows = sql.exec<{ seq: number }>(
    `SELECT rowid AS seq FROM event_text WHERE event_text MATCH ? AND rowid <> ?
     ORDER BY rank LIMIT ?`,
    words.map((word) => `"${word}"`).join(' OR '),
    event.seq,
    limit,
  );
  return [...rows].map(({ seq }) => seq);
}

function tellingWords(sql: SqlStorage, event: EventRow): string[] {
  const text = `${event.last_user_message_preview ?? ''} ${event.response_messages_preview ?? ''}`;
  const words = text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  const counted = [...new Set(words)].slice(0, MAX_CANDIDATES).map((word) => {
    const { count } = sql
      .exec<{ count: number }>(
        `SELECT count(*) AS count FROM
           (SELECT 1 FROM event_text WHERE event_text MATCH ? LIMIT ?)`,
        `"${word}"`,
        COUNTED,
      )
      .one();
    return { word, count };
  });
  const shared = counted
    .filter(({ count }) => count > 1)
    .toSorted((left, right) => left.count - right.count || right.word.length - left.word.length);
  const telling = shared.filter(({ count }) => count < COUNTED).slice(0, MAX_WORDS);
  const chosen = telling.length > 0 ? telling : shared.slice(0, MAX_COMMON_WORDS);
  return chosen.map(({ word }) => word);
}
