import * as z from 'zod/mini';
import { Refusal } from '../domain/failures.ts';
import type { ObservedTask } from '../domain/import.ts';
import { parseJson } from '../domain/json.ts';
import { retryAfterOf } from '../domain/retry-after.ts';
import { upstreamMessage } from './upstream-message.ts';
import type { Upstream } from './upstream.ts';

/** An answer that is no success; `retryAfterMs` is what the upstream asked for. */
export interface UpstreamFailure {
  /** HTTP status, or null when there was no answer that could be read. */
  status: number | null;
  message: string;
  body: string;
  retryAfterMs: number | null;
}

export type UpstreamResult<T> = { ok: true; value: T } | { ok: false; failure: UpstreamFailure };

/** The fields of `DatasetImportTask` that are read; the rest of it may change. */
const taskSchema = z.lazy(() =>
  z.object({
    id: z.string(),
    status: z.string(),
    progress: z.nullish(z.number()),
    message: z.nullish(z.string()),
    updated_at: z.nullish(z.string()),
  }),
);

/** No import waits longer than this for one answer: a poll comes again, and a start is looked into. */
const CALL_TIMEOUT_MS = 30_000;

const MAX_EXCERPT = 4096;

/** Calls the dataset operations that an import needs, on whichever upstream. Failures are values, not exceptions. */
export class DatasetsClient {
  readonly #upstream: Upstream;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  /** Starts an import task (`POST /v1/observability/datasets/{id}/imports/from-…`). Not idempotent upstream. */
  startImport(
    datasetId: string,
    source: string,
    body: Record<string, unknown>,
  ): Promise<UpstreamResult<ObservedTask>> {
    const path = `/v1/observability/datasets/${datasetId}/imports/from-${source}`;
    return this.#call('POST', path, JSON.stringify(body));
  }

  /** The task as it stands (`GET /v1/observability/datasets/{id}/tasks/{task_id}`). */
  fetchTask(datasetId: string, taskId: string): Promise<UpstreamResult<ObservedTask>> {
    return this.#call('GET', `/v1/observability/datasets/${datasetId}/tasks/${taskId}`, null);
  }

  async #call(
    method: string,
    path: string,
    body: string | null,
  ): Promise<UpstreamResult<ObservedTask>> {
    const headers = new Headers({ accept: 'application/json' });
    if (body !== null) headers.set('content-type', 'application/json');
    const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
    let response: Response;
    let text: string;
    try {
      response = await this.#upstream({
        method,
        path,
        headers,
        body,
        signal,
        headersTimeoutMs: CALL_TIMEOUT_MS,
      });
      text = await response.text();
    } catch (error) {
      const message =
        error instanceof Refusal ? error.message : 'The Mistral API did not answer in time.';
      return failed(null, message, '', null);
    }
    if (!response.ok) {
      const retryAfterMs = retryAfterOf(response.headers.get('retry-after'), Date.now());
      return failed(response.status, upstreamMessage(text), text, retryAfterMs);
    }
    const task = readTask(text);
    return task === null
      ? failed(null, 'The Mistral API answered with no task that can be read.', text, null)
      : { ok: true, value: task };
  }
}

function failed(
  status: number | null,
  message: string,
  body: string,
  retryAfterMs: number | null,
): UpstreamResult<ObservedTask> {
  return {
    ok: false,
    failure: { status, message, body: body.slice(0, MAX_EXCERPT), retryAfterMs },
  };
}

function readTask(text: string): ObservedTask | null {
  const parsed = taskSchema.safeParse(parseJson(text));
  if (!parsed.success) return null;
  const { id, status, progress, message, updated_at } = parsed.data;
  const updatedAt = Date.parse(updated_at ?? '');
  return {
    id,
    status,
    progress: progress ?? null,
    message: message ?? null,
    updatedAt: Number.isNaN(updatedAt) ? null : updatedAt,
  };
}
