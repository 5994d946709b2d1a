import { iso } from './time.ts';
import * as z from 'zod/mini';

/** How the answer to a chat came to its end. */
export type Outcome =
  | 'completed'
  | 'client_aborted'
  | 'upstream_cut'
  | 'idle_timeout'
  | 'upstream_error';

/** One answered chat, as the ledger keeps it. Tokens are null where the upstream told none; zero is zero. */
export interface UsageRow {
  /** The caller's own where it sent one: not necessarily unique. */
  requestId: string;
  model: string;
  stream: boolean;
  outcome: Outcome;
  promptTokens: number | null;
  completionTokens: number | null;
  totalTokens: number | null;
  /** Milliseconds from the request to the first byte of the answer; null where none came. */
  ttfbMs: number | null;
  /** Milliseconds from the request to the end of the answer. */
  durationMs: number;
  /** Bytes of the answer's body that were handed to the client. */
  bytes: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

/** A row on its way to the ledger; `id` is made once a chat, and by it a hand-over made twice is counted once. */
export interface LedgerRow extends UsageRow {
  id: string;
}

/** Sums over chats; tokens that are not known count as zero. */
export interface UsageTotals {
  requests: number;
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

/** The chats of one day (`YYYY-MM-DD`, UTC) with one model. */
export interface DayOfModel extends UsageTotals {
  day: string;
  model: string;
}

/** A row as `GET /usage` shows it. */
export interface UsageEntry {
  request_id: string;
  model: string;
  stream: boolean;
  outcome: Outcome;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  total_tokens: number | null;
  ttfb_ms: number | null;
  duration_ms: number;
  bytes: number;
  /** ISO 8601 with `Z`. */
  started_at: string;
}

/** The answer of `GET /usage`. */
export interface UsageReport {
  /** ISO 8601 with `Z`. */
  since: string;
  totals: UsageTotals;
  /** The model with the most requests first. */
  by_model: (UsageTotals & { model: string })[];
  /** The earliest day first; days without a chat are left out. */
  by_day: (UsageTotals & { day: string })[];
  /** The newest first. */
  recent: UsageEntry[];
}

const DAY_MS = 86_400_000;
const DEFAULT_SPAN_MS = 30 * DAY_MS;
/** No model has a longer name; a request may name anything. */
const MAX_MODEL_LENGTH = 200;

/** So long is the id of a folded row kept. A hand-over is repeated for seconds only. */
export const FOLDED_ID_MS = DAY_MS;

/** A row as it is handed over: whole milliseconds, and a model's name of a bounded length. */
export function ledgerRow(row: UsageRow, id: string): LedgerRow {
  return {
    ...row,
    id,
    model: row.model.slice(0, MAX_MODEL_LENGTH),
    ttfbMs: row.ttfbMs === null ? null : Math.round(row.ttfbMs),
    durationMs: Math.round(row.durationMs),
    startedAt: Math.round(row.startedAt),
  };
}

/** Sums up what a client used, from its days and its latest rows. */
export function usageReport(
  since: number,
  days: readonly DayOfModel[],
  recent: UsageEntry[],
): UsageReport {
  const totals = noUsage();
  const models = new Map<string, UsageTotals>();
  const dates = new Map<string, UsageTotals>();
  for (const day of days) {
    add(totals, day);
    add(entryOf(models, day.model), day);
    add(entryOf(dates, day.day), day);
  }
  return {
    since: iso(since),
    totals,
    by_model: [...models]
      .map(([model, sums]) => ({ model, ...sums }))
      .toSorted(
        (left, right) => right.requests - left.requests || (left.model < right.model ? -1 : 1),
      ),
    by_day: [...dates]
      .map(([day, sums]) => ({ day, ...sums }))
      .toSorted((left, right) => (left.day < right.day ? -1 : 1)),
    recent,
  };
}

/**
 * The query of `GET /usage`: `since` becomes milliseconds since the epoch, or undefined where there is none.
 * The `+` of a zone comes as a space from those who do not escape it.
 */
export const usageQuery = z.lazy(() =>
  z.strictObject({
    since: z.optional(
      z.pipe(
        z.pipe(
          z.pipe(
            z.string(),
            z.transform((text) => text.replace(/ (?=\d\d:\d\d$)/, '+')),
          ),
          z.union([z.iso.date(), z.iso.datetime({ offset: true })], {
            error: 'must be a date, or a date-time with its zone, as ISO 8601 writes them',
          }),
        ),
        z.transform((text) => Date.parse(text)),
      ),
    ),
  }),
);

/** From when on a report counts if nobody says. */
export function defaultSince(now: number): number {
  return now - DEFAULT_SPAN_MS;
}

/** What the ledger holds that has to go one day; times in milliseconds since the epoch, null where there is none. */
export interface LedgerAge {
  /** When the oldest row started. */
  oldestRow: number | null;
  /** When the oldest of the folded rows was folded. */
  oldestFolded: number | null;
}

/**
 * When rows are to be folded next; null where there is nothing to do. Under load a row comes of age every few
 * milliseconds, so folding keeps a distance to the last one: a hundredth of the retention, from a second to an hour.
 * @param lastFoldAt 0 where it is not known
 */
export function nextFoldAt(age: LedgerAge, retentionMs: number, lastFoldAt: number): number | null {
  const gapMs = Math.min(3_600_000, Math.max(1000, retentionMs / 100));
  const times = [
    age.oldestRow === null ? null : age.oldestRow + retentionMs,
    age.oldestFolded === null ? null : age.oldestFolded + FOLDED_ID_MS,
  ].filter((time) => time !== null);
  return times.length === 0 ? null : Math.max(Math.min(...times), lastFoldAt + gapMs);
}

function noUsage(): UsageTotals {
  return { requests: 0, prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
}

function entryOf(sums: Map<string, UsageTotals>, name: string): UsageTotals {
  const known = sums.get(name);
  if (known !== undefined) return known;
  const made = noUsage();
  sums.set(name, made);
  return made;
}

function add(sums: UsageTotals, more: UsageTotals): void {
  sums.requests += more.requests;
  sums.prompt_tokens += more.prompt_tokens;
  sums.completion_tokens += more.completion_tokens;
  sums.total_tokens += more.total_tokens;
}
