import * as z from 'zod/mini';
import type { ObservedTask } from '../domain/import.ts';
import { parseJson } from '../domain/json.ts';
import { redact } from '../domain/redact.ts';
import { callUpstream, unreadable, type UpstreamCall } from './call.ts';
import type { RawAnswer, UpstreamResult } from './answer.ts';
import type { Upstream } from './upstream.ts';

/**
 * The fields of `DatasetImportTask` that are read; the rest of it may change. What only describes a task may be amiss:
 * its end must not be missed for that. A task without a status goes on, as one with a status that nobody knows.
 */
const taskSchema = z.lazy(() =>
  z.object({
    id: z.string(),
    status: z.optional(z.unknown()),
    progress: z.optional(z.unknown()),
    message: z.optional(z.unknown()),
    created_at: z.optional(z.unknown()),
    updated_at: z.optional(z.unknown()),
  }),
);

const taskListSchema = z.lazy(() =>
  z.object({
    tasks: z.object({
      results: z.nullish(z.array(z.unknown())),
      count: z.optional(z.unknown()),
      next: z.optional(z.unknown()),
    }),
  }),
);

const idsSchema = z.lazy(() => z.object({ completion_event_ids: z.array(z.string()) }));

/** No import waits longer than this for one answer: a poll comes again, and a start is looked into. */
const CALL_TIMEOUT_MS = 30_000;
/** A search may take its time. */
const SEARCH_TIMEOUT_MS = 120_000;
/**
 * Some 400,000 ids, which take up to 90 MB on their way; the objects of an isolate share 128 MB. One that needs more is
 * reset, and would search again until the deadline; 800,000 ids are more than go from one object to another (32 MiB).
 */
const MAX_SEARCH_BYTES = 16_000_000;

const LIST_PAGE_SIZE = 100;
/** Each page is a call, and a Worker makes no more than a thousand in one go. */
const MAX_LIST_PAGES = 500;

/** A start that was taken: the task, and the answer that told of it. */
export interface StartedTask {
  task: ObservedTask;
  answer: RawAnswer;
}

/** A dataset's tasks, and how many pages had to be read; `isWhole`: each entry was a task, and there are no others. */
export interface TaskList {
  tasks: ObservedTask[];
  pages: number;
  isWhole: boolean;
}

/** Calls the operations that an import needs, on whichever upstream. Failures are values, not exceptions. */
export class ImportsClient {
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
    const called = await this.#call({
      method: 'POST',
      path,
      body,
      headers,
      timeoutMs: CALL_TIMEOUT_MS,
    });
    if (!called.ok) return called;
    const task = read(taskSchema, called.value.body);
    if (task === null) return unreadable(called.value, 'a task', this.#secrets);
    return { ok: true, value: { task: this.#observed(task), answer: called.value } };
  }

  /** The task as it stands (`GET /v1/observability/datasets/{id}/tasks/{task_id}`). */
  async fetchTask(datasetId: string, taskId: string): Promise<UpstreamResult<ObservedTask>> {
    const path = `/v1/observability/datasets/${datasetId}/tasks/${encodeURIComponent(taskId)}`;
    const called = await this.#call({ method: 'GET', path, timeoutMs: CALL_TIMEOUT_MS });
    if (!called.ok) return called;
    const task = read(taskSchema, called.value.body);
    if (task === null) return unreadable(called.value, 'a task', this.#secrets);
    return { ok: true, value: this.#observed(task) };
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
    let entries = 0;
    let isInOrder = true;
    for (let page = 1; page <= MAX_LIST_PAGES; page++) {
      const path = `/v1/observability/datasets/${datasetId}/tasks?page_size=${LIST_PAGE_SIZE}&page=${page}`;
      const called = await this.#call({ method: 'GET', path, timeoutMs: CALL_TIMEOUT_MS });
      if (!called.ok) return called;
      const list = read(taskListSchema, called.value.body);
      if (list === null) return unreadable(called.value, 'a list of tasks', this.#secrets);
      const { count, next } = list.tasks;
      const results = list.tasks.results ?? [];
      const before = tasks.size;
      for (const entry of results) {
        const task = z.safeParse(taskSchema, entry);
        if (task.success) tasks.set(task.data.id, this.#observed(task.data));
        else isInOrder = false;
      }
      entries += results.length;
      // A count may be that of the page alone: while a next page is named, it is looked at.
      const hasNext = (typeof next === 'string' && next !== '') || typeof next === 'number';
      const expected = typeof count === 'number' ? count : Infinity;
      const isLast = results.length === 0 || (entries >= expected && !hasNext);
      // The same page again: no more is to be had.
      const isStuck = tasks.size === before;
      if (isLast || isStuck || isEnough(tasks)) {
        const isWhole = isLast && isInOrder;
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
    const called = await this.#call({
      method: 'POST',
      path,
      body,
      timeoutMs: SEARCH_TIMEOUT_MS,
      maxBytes: MAX_SEARCH_BYTES,
    });
    if (!called.ok) return called;
    const found = read(idsSchema, called.value.body);
    if (found === null) return unreadable(called.value, 'a list of ids', this.#secrets);
    return { ok: true, value: found.completion_event_ids };
  }

  /** Its message is shown and sent on, as those of failures are. */
  #observed(task: z.infer<typeof taskSchema>): ObservedTask {
    return {
      id: task.id,
      status: typeof task.status === 'string' ? task.status : 'UNKNOWN',
      progress: Number.isFinite(task.progress) ? Number(task.progress) : null,
      message: typeof task.message === 'string' ? redact(task.message, this.#secrets) : null,
      createdAt: timeOf(task.created_at),
      updatedAt: timeOf(task.updated_at),
    };
  }

  #call(call: UpstreamCall): Promise<UpstreamResult<RawAnswer>> {
    const timeoutMs = Math.min(call.timeoutMs, this.#timeoutMs);
    return callUpstream(this.#upstream, { ...call, timeoutMs }, this.#secrets);
  }
}

function read<T>(schema: z.ZodMiniType<T>, text: string): T | null {
  const parsed = z.safeParse(schema, parseJson(text));
  return parsed.success ? parsed.data : null;
}

function timeOf(value: unknown): number | null {
  const time = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? null : time;
}
