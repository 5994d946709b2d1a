import type { ImportPart } from '../domain/import-parts.ts';
import type { ImportOrder } from '../domain/import.ts';
import type { RawAnswer, UpstreamFailure } from '../mistral/answer.ts';

/**
 * What came of a start: the import (an `ImportView` as JSON, because RPC's types take no open object), the upstream's
 * failure (and then no import, unless `isKept`), or a conflict with another request under the same id.
 * `answer` is the upstream's own, for an import that came on a `/v1` path; null while it is not known.
 */
export type StartResult =
  | { kind: 'accepted'; view: string; isReplayed: boolean; answer: RawAnswer | null }
  | { kind: 'refused'; failure: UpstreamFailure; isKept: boolean }
  | { kind: 'conflict' };

/** An order with its start calls; `headers` are those of the client's own request that go along with the first. */
export interface StartOrder extends ImportOrder {
  parts: ImportPart[];
  headers: Record<string, string>;
}

/** What came of asking for a webhook once more; `view` is the import as JSON. */
export type RedeliverResult =
  | { kind: 'accepted'; view: string }
  | { kind: 'no_callback' }
  | { kind: 'nothing_sent' };
