import type { EventRow } from './event-views.ts';

/** Words that an event is compared by. */
const MAX_WORDS = 10;
/** Of a long text, the first words are looked at. */
const MAX_CANDIDATES = 80;
/** A word that so many events have is a common one: ranking all that have it would take a second. */
const COMMON = 1000;
/** As many events, about, are ranked. */
const MAX_RANKED = 5000;
/** Of a common word, so many of the newest events that have it are looked at. */
const NEWEST = 500;

interface Word {
  text: string;
  /** Events that have it, up to {@link COMMON}. */
  count: number;
}

/**
 * `seq` of the events that share an event's most telling words, the most similar first (BM25), itself left out.
 * Telling are the words that few events have. Where those find too few, new ones follow that share the most of its
 * common words.
 */
export function similarSeqs(sql: SqlStorage, event: EventRow, limit: number): number[] {
  const words = wordsOf(sql, event);
  const telling = tellingOf(words.filter(({ count }) => count < COMMON));
  const ranked = telling.length === 0 ? [] : rankedBy(sql, telling, event.seq, limit);
  if (ranked.length === limit) return ranked;
  const common = words.filter(({ count }) => count === COMMON).slice(0, MAX_WORDS);
  const known = new Set([event.seq, ...ranked]);
  const others = newestBy(sql, common).filter((seq) => !known.has(seq));
  return [...ranked, ...others].slice(0, limit);
}

/** The words of an event that others have too, the rarest first, of equally rare ones the longest. */
function wordsOf(sql: SqlStorage, event: EventRow): Word[] {
  const text = `${event.last_user_message_preview ?? ''} ${event.response_messages_preview ?? ''}`;
  const words = text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return [...new Set(words)]
    .slice(0, MAX_CANDIDATES)
    .map((word) => ({ text: word, count: countOf(sql, word) }))
    .filter(({ count }) => count > 1)
    .toSorted((left, right) => left.count - right.count || right.text.length - left.text.length);
}

function countOf(sql: SqlStorage, word: string): number {
  return sql
    .exec<{ count: number }>(
      `SELECT count(*) AS count FROM (SELECT 1 FROM event_text WHERE event_text MATCH ? LIMIT ?)`,
      phrase(word),
      COMMON,
    )
    .one().count;
}

function tellingOf(words: readonly Word[]): Word[] {
  let ranked = 0;
  return words.slice(0, MAX_WORDS).filter(({ count }) => (ranked += count) <= MAX_RANKED);
}

function rankedBy(
  sql: SqlStorage,
  words: readonly Word[],
  itself: number,
  limit: number,
): number[] {
  const rows = sql.exec<{ seq: number }>(
    `SELECT rowid AS seq FROM event_text WHERE event_text MATCH ? AND rowid <> ?
     ORDER BY rank, rowid DESC LIMIT ?`,
    words.map(({ text }) => phrase(text)).join(' OR '),
    itself,
    limit,
  );
  return [...rows].map(({ seq }) => seq);
}

/** Those that share the most words first; of equal ones, the newest. */
function newestBy(sql: SqlStorage, words: readonly Word[]): number[] {
  const shared = new Map<number, number>();
  for (const { text } of words) {
    // FTS5 reads backwards as far as it has to; within a range of rows it reads all that have the word.
    const rows = sql.exec<{ seq: number }>(
      `SELECT rowid AS seq FROM event_text WHERE event_text MATCH ? ORDER BY rowid DESC LIMIT ?`,
      phrase(text),
      NEWEST,
    );
    for (const { seq } of rows) shared.set(seq, (shared.get(seq) ?? 0) + 1);
  }
  return [...shared]
    .toSorted(([left, ofLeft], [right, ofRight]) => ofRight - ofLeft || right - left)
    .map(([seq]) => seq);
}

/** A word as FTS5 takes it; it has letters and digits only. */
function phrase(word: string): string {
  return `"${word}"`;
}
