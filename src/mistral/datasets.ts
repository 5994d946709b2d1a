import * as z from 'zod/mini';
import { Refusal, type FailureCode } from '../domain/failures.ts';
import type { ObservedTask } from '../domain/import.ts';
import { parseJson } from '../domain/json.ts';
import { redact } from '../domain/redact.ts';
import { retryAfterOf } from '../domain/retry-after.ts';
import { upstreamMessage } from './upstream-message.ts';
import type { Upstream } from './upstream.ts';

/** An answer as it came, to be handed on. */
export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** An answer that is no success; `retryAfterMs` is what the upstream asked for. */
export interface UpstreamFailure {
  /** HTTP status, or null when there was no answer that could be read. */
  status: number | null;
  /** What it is to a client that waits for it. */
  code: FailureCode;
  message: string;
  body: string;
  retryAfterMs: number | null;
  /** Null when nothing was answered. */
  answer: RawAnswer | null;
}

export type UpstreamResult<T> = { ok: true; value: T } | { ok: false; failure: UpstreamFailure };

/** The fields of `DatasetImportTask` that are read; the rest of it may change. */
const taskSchema = z.lazy(() =>
  z.object({
    id: z.string(),
    status: z.string(),
    progress: z.nullish(z.number()),
    message: z.nullish(z.string()),
    created_at: z.nullish(z.string()),
    updated_at: z.nullish(z.string()),
  }),
);

const taskListSchema = z.lazy(() =>
  z.object({
    tasks: z.object({ results: z.nullish(z.array(taskSchema)), count: z.number() }),
  }),
);

const idsSchema = z.lazy(() => z.object({ completion_event_ids: z.array(z.string()) }));

/** No import waits longer than this for one answer: a poll comes again, and a start is looked into. */
const CALL_TIMEOUT_MS = 30_000;
/** A search may take its time. */
const SEARCH_TIMEOUT_MS = 120_000;

const LIST_PAGE_SIZE = 100;
/** Each page is a call, and a Worker makes no more than a thousand in one go. */
const MAX_LIST_PAGES = 500;

const MAX_EXCERPT = 4096;

/** A start that was taken: the task, and the answer that told of it. */
export interface StartedTask {
  task: ObservedTask;
  answer: RawAnswer;
}

/** A dataset's tasks, and how many pages had to be read; `isWhole`: there are no others. */
export interface TaskList {
  tasks: ObservedTask[];
  pages: number;
  isWhole: boolean;
}

/** Calls the operations that an import needs, on whichever upstream. Failures are values, not exceptions. */
export class DatasetsClient {
  readonly #upstream: Upstream;
  readonly #timeoutMs: number;
  readonly #secrets: readonly string[];

  /**
   * @param headersTimeoutMs `UPSTREAM_HEADERS_TIMEOUT_MS`
   * @param secrets what must not come to rest in a message, should the upstream echo it
   */
  constructor(upstream: Upstream, headersTimeoutMs: number, secrets: readonly string[]) {
    this.#upstream = upstream;
    this.#timeoutMs = headersTimeoutMs;
    this.#secrets = secrets;
  }

  /**
   * Starts an import task (`POST /v1/observability/datasets/{id}/imports/from-…`). Not idempotent upstream.
   * @param headers further headers of the client's own request
   */
  async startImport(
    path: string,
    body: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<UpstreamResult<StartedTask>> {
    const called = await this.#call('POST', path, body, CALL_TIMEOUT_MS, headers);
    if (!called.ok) return called;
    const task = read(taskSchema, called.value.body);
    if (task === null) return this.#unreadable(called.value, 'no task');
    return { ok: true, value: { task: observed(task), answer: called.value } };
  }

  /** The task as it stands (`GET /v1/observability/datasets/{id}/tasks/{task_id}`). */
  async fetchTask(datasetId: string, taskId: string): Promise<UpstreamResult<ObservedTask>> {
    const path = `/v1/observability/datasets/${datasetId}/tasks/${encodeURIComponent(taskId)}`;
    const called = await this.#call('GET', path, null, CALL_TIMEOUT_MS);
    if (!called.ok) return called;
    const task = read(taskSchema, called.value.body);
    if (task === null) return this.#unreadable(called.value, 'no task');
    return { ok: true, value: observed(task) };
  }

  /**
   * A dataset's tasks, page by page (`GET /v1/observability/datasets/{id}/tasks`).
   * @param isEnough told of what was read so far; true stops the reading
   */
  async listTasks(
    datasetId: string,
    isEnough: (tasks: ReadonlyMap<string, ObservedTask>) => boolean,
  ): Promise<UpstreamResult<TaskList>> {
    const tasks = new Map<string, ObservedTask>();
    let seen = 0;
    for (let page = 1; page <= MAX_LIST_PAGES; page++) {
      const path = `/v1/observability/datasets/${datasetId}/tasks?page_size=${LIST_PAGE_SIZE}&page=${page}`;
      const called = await this.#call('GET', path, null, CALL_TIMEOUT_MS);
      if (!called.ok) return called;
      const list = read(taskListSchema, called.value.body);
      if (list === null) return this.#unreadable(called.value, 'no list of tasks');
      const results = list.tasks.results ?? [];
      for (const task of results) tasks.set(task.id, observed(task));
      seen += results.length;
      const isWhole = results.length === 0 || seen >= list.tasks.count;
      if (isWhole || isEnough(tasks)) {
        return { ok: true, value: { tasks: [...tasks.values()], pages: page, isWhole } };
      }
    }
    return {
      ok: true,
      value: { tasks: [...tasks.values()], pages: MAX_LIST_PAGES, isWhole: false },
    };
  }

  /** The ids of the events that a filter tree matches (`POST …/chat-completion-events/search-ids`). */
  async searchIds(filters: unknown): Promise<UpstreamResult<string[]>> {
    const path = '/v1/observability/chat-completion-events/search-ids';
    const body = JSON.stringify({ search_params: { filters } });
    const called = await this.#call('POST', path, body, SEARCH_TIMEOUT_MS);
    if (!called.ok) return called;
    const found = read(idsSchema, called.value.body);
    if (found === null) return this.#unreadable(called.value, 'no list of ids');
    return { ok: true, value: found.completion_event_ids };
  }

  async #call(
    method: string,
    path: string,
    body: string | null,
    timeoutMs: number,
    further: Readonly<Record<string, string>> = {},
  ): Promise<UpstreamResult<RawAnswer>> {
    const headers = new Headers({ ...further });
    if (!headers.has('accept')) headers.set('accept', 'application/json');
    if (body !== null && !headers.has('content-type')) {
      headers.set('content-type', 'application/json');
    }
    const limitMs = Math.min(timeoutMs, this.#timeoutMs);
    let answer: RawAnswer;
    try {
      const response = await this.#upstream({
        method,
        path,
        headers,
        body,
        signal: AbortSignal.timeout(limitMs),
        headersTimeoutMs: limitMs,
      });
      answer = {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body: await response.text(),
      };
    } catch (error) {
      const { code, message } =
        error instanceof Refusal
          ? error.failure
          : {
              code: 'upstream_timeout' as const,
              message: `The Mistral API sent no whole answer within ${limitMs} ms.`,
            };
      return this.#failed(null, code, message, null);
    }
    if (answer.status >= 200 && answer.status < 300) return { ok: true, value: answer };
    return this.#failed(answer.status, 'upstream_error', upstreamMessage(answer.body), answer);
  }

  #unreadable(answer: RawAnswer, what: string): UpstreamResult<never> {
    const message = `The Mistral API answered with ${what} that can be read.`;
    return this.#failed(null, 'upstream_error', message, answer);
  }

  #failed(
    status: number | null,
    code: FailureCode,
    message: string,
    answer: RawAnswer | null,
  ): UpstreamResult<never> {
    const retryAfter = answer?.headers['retry-after'] ?? null;
    return {
      ok: false,
      failure: {
        status,
        code,
        message: redact(message, this.#secrets),
        body: redact(answer?.body ?? '', this.#secrets).slice(0, MAX_EXCERPT),
        retryAfterMs: retryAfterOf(retryAfter, Date.now()),
        answer,
      },
    };
  }
}

function read<T>(schema: z.ZodMiniType<T>, text: string): T | null {
  const parsed = z.safeParse(schema, parseJson(text));
  return parsed.success ? parsed.data : null;
}

function observed(task: z.infer<typeof taskSchema>): ObservedTask {
  return {
    id: task.id,
    status: task.status,
    progress: task.progress ?? null,
    message: task.message ?? null,
    createdAt: timeOf(task.created_at),
    updatedAt: timeOf(task.updated_at),
  };
}

function timeOf(text: string | null | undefined): number | null {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? null : time;
}
