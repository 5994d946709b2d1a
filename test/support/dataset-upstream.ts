import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { taskBody } from './tasks.ts';
import { json } from './upstream.ts';

/** The calls of a dataset that an import makes. */
export type CallKind = 'start' | 'fetch' | 'list';

/** How one call goes wrong, or slowly. */
export interface Fault {
  /** A status; no answer at all; a connection that breaks; or what it would have been, only later. */
  answer: number | 'hang' | 'drop' | 'ok';
  /** The call does its work all the same: its task is there. False where left out, except with `ok`. */
  takes?: boolean;
  /** So long after the call the work is done, the answer is not held up by it. */
  takesAfterMs?: number;
  /** So long after the call it is answered. */
  delayMs?: number;
  headers?: Record<string, string>;
  /** JSON, a text as it is; an error in the shape of the Observability API where left out. */
  body?: object | string;
}

/** A start as it came. */
export interface SeenStart {
  /** What the path has after `from-`. */
  source: string;
  /** Path and query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** The status that went out; null where nobody was there to get it any more. */
  answered: number | null;
}

/** A task as the upstream keeps it; times in milliseconds since the epoch, by the upstream's clock. */
export interface KeptTask {
  id: string;
  status: string;
  progress: number | null;
  message: string | null;
  createdAt: number;
  updatedAt: number;
  /** How often it was shown by a fetch or a list. */
  looks: number;
  /** The start that made it; null where somebody else did. */
  start: SeenStart | null;
}

export type TaskFields = Partial<Pick<KeptTask, 'status' | 'progress' | 'message' | 'createdAt'>>;

/** One dataset; each has its own faults, so that what tests leave running does not meet those of others. */
export interface KeptDataset {
  readonly id: string;
  /** Its tasks, the oldest first. */
  tasks: KeptTask[];
  starts: SeenStart[];
  /** Every call in order. */
  calls: { kind: CallKind; at: number; path: string }[];
  /** Told of every call as it comes, before it does its work. */
  heard: (kind: CallKind) => void;
  /** Added to the clock in what its tasks say. */
  clockSkewMs: number;
  /** Which end of its tasks the list begins with. */
  listOrder: 'newest first' | 'oldest first';
  /** What looks at a task show one after the other, the last again and again; a task as it stands where empty. */
  steps: TaskFields[];
  /** Calls of this kind from the next one on go wrong so, one each. */
  fail: (kind: CallKind, ...faults: Fault[]) => void;
  /** Adds a task that somebody else started. */
  addTask: (fields?: TaskFields) => KeptTask;
  /** Changes tasks, all where no id is given. */
  update: (fields: TaskFields, taskId?: string) => void;
  count: (kind: CallKind) => number;
}

/** Stands where Mistral would be for imports: datasets with tasks, in this process's memory, and a search. */
export interface DatasetUpstream {
  url: string;
  /** Makes a dataset that answers; any other id is unknown. */
  dataset: () => KeptDataset;
  /** The ids that a search finds. */
  matches: string[];
  /** Bodies of the searches that came. */
  searches: unknown[];
  /** Searches from the next one on go wrong so, one each. */
  failSearch: (...faults: Fault[]) => void;
  /** Requests that are none of these calls. */
  others: string[];
  close: () => void;
}

export async function startDatasetUpstream(): Promise<DatasetUpstream> {
  const datasets = new Map<string, Served>();
  const searchFaults: Fault[] = [];
  const http = createServer((request, response) => {
    const { url = '', method = '', headers } = request;
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString();
      const { pathname, searchParams } = new URL(url, 'http://upstream');
      if (pathname.endsWith('/chat-completion-events/search-ids')) {
        upstream.searches.push(JSON.parse(body));
        const found = { completion_event_ids: upstream.matches };
        void answer(response, searchFaults.shift(), 200, () => found);
        return;
      }
      const [, id = '', rest = ''] = /\/datasets\/([^/]+)\/?(.*)$/.exec(pathname) ?? [];
      const dataset = datasets.get(id);
      if (dataset === undefined) {
        upstream.others.push(`${method} ${url}`);
        return json(response, 404, errorBody('There is no such dataset.', 'DATASET_NOT_FOUND'));
      }
      dataset.serve(response, { method, url, headers, body, rest, query: searchParams });
    });
  });
  const upstream: DatasetUpstream = {
    url: '',
    dataset: () => {
      const dataset = new Served();
      datasets.set(dataset.id, dataset);
      return dataset;
    },
    matches: [],
    searches: [],
    failSearch: (...faults) => void searchFaults.push(...faults),
    others: [],
    close: () => {
      http.close();
      http.closeAllConnections();
    },
  };
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  upstream.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return upstream;
}

interface Call {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** The path after the dataset's id. */
  rest: string;
  query: URLSearchParams;
}

class Served implements KeptDataset {
  readonly id = randomUUID();
  tasks: KeptTask[] = [];
  starts: SeenStart[] = [];
  calls: KeptDataset['calls'] = [];
  heard: KeptDataset['heard'] = () => undefined;
  clockSkewMs = 0;
  listOrder: KeptDataset['listOrder'] = 'newest first';
  steps: TaskFields[] = [];
  readonly #faults: Record<CallKind, Fault[]> = { start: [], fetch: [], list: [] };

  fail(kind: CallKind, ...faults: Fault[]): void {
    this.#faults[kind].push(...faults);
  }

  count(kind: CallKind): number {
    return this.calls.filter((call) => call.kind === kind).length;
  }

  addTask(fields: TaskFields = {}): KeptTask {
    const now = Date.now() + this.clockSkewMs;
    const task = {
      id: randomUUID(),
      status: 'RUNNING',
      progress: 0,
      message: null,
      createdAt: now,
      updatedAt: now,
      looks: 0,
      start: null,
      ...fields,
    };
    this.tasks.push(task);
    return task;
  }

  update(fields: TaskFields, taskId?: string): void {
    for (const task of this.tasks) {
      if (taskId !== undefined && task.id !== taskId) continue;
      Object.assign(task, fields, { updatedAt: Date.now() + this.clockSkewMs });
    }
  }

  serve(response: ServerResponse, call: Call): void {
    const kind = kindOf(call);
    if (kind === null) return json(response, 200, { id: this.id, name: 'a dataset' });
    this.calls.push({ kind, at: Date.now(), path: call.url });
    this.heard(kind);
    const fault = this.#faults[kind].shift();
    if (kind === 'start') return this.#start(response, call, fault);
    if (kind === 'list') {
      return void answer(response, fault, 200, () => this.#page(call.query));
    }
    const task = this.tasks.find(({ id }) => call.rest === `tasks/${id}`);
    const unknown = errorBody('There is no such task.', 'DATASET_IMPORT_TASK_NOT_FOUND');
    void answer(response, fault, task === undefined ? 404 : 200, () =>
      task === undefined ? unknown : this.#show(task),
    );
  }

  #start(response: ServerResponse, call: Call, fault: Fault | undefined): void {
    const { url: path, headers, body, rest } = call;
    const source = rest.slice(13);
    const start: SeenStart = { source, path, headers, body, at: Date.now(), answered: null };
    response.on('close', () => {
      if (response.writableFinished) start.answered = response.statusCode;
    });
    this.starts.push(start);
    const take = () => Object.assign(this.addTask(), { start });
    const takes = fault === undefined || (fault.takes ?? fault.answer === 'ok');
    if (!takes) return void answer(response, fault, 202, () => null);
    if (fault?.takesAfterMs !== undefined) {
      void delay(fault.takesAfterMs).then(take);
      return void answer(response, fault, 202, () => null);
    }
    const task = take();
    void answer(response, fault, 202, () => this.#body(task));
  }

  #page(query: URLSearchParams): object {
    const size = Math.min(100, Number(query.get('page_size') ?? 50));
    const page = Number(query.get('page') ?? 1);
    const sorted = this.listOrder === 'newest first' ? this.tasks.toReversed() : this.tasks;
    const results = sorted.slice((page - 1) * size, page * size).map((task) => this.#show(task));
    const hasNext = page * size < sorted.length;
    const next = hasNext ? `?page_size=${size}&page=${page + 1}` : null;
    return { tasks: { results, count: sorted.length, next, previous: null } };
  }

  #show(task: KeptTask): object {
    const step = this.steps[Math.min(task.looks++, this.steps.length - 1)];
    if (step !== undefined) this.update(step, task.id);
    return this.#body(task);
  }

  #body({ id, status, progress, message, createdAt, updatedAt }: KeptTask): object {
    const at = {
      created_at: new Date(createdAt).toISOString(),
      updated_at: new Date(updatedAt).toISOString(),
    };
    return taskBody(id, this.id, { status, progress, message, ...at });
  }
}

function kindOf({ method, rest }: Call): CallKind | null {
  if (method === 'POST' && rest.startsWith('imports/from-')) return 'start';
  if (method !== 'GET') return null;
  if (rest === 'tasks') return 'list';
  return rest.startsWith('tasks/') ? 'fetch' : null;
}

async function answer(
  response: ServerResponse,
  fault: Fault | undefined,
  status: number,
  body: () => unknown,
): Promise<void> {
  if (fault === undefined) return json(response, status, body());
  if (fault.delayMs !== undefined) await delay(fault.delayMs);
  if (fault.answer === 'hang') return;
  if (fault.answer === 'drop') return void response.destroy();
  if (fault.answer === 'ok') return json(response, status, body(), fault.headers);
  const failure = fault.body ?? errorBody(`scripted ${fault.answer}`, null);
  if (typeof failure === 'object') return json(response, fault.answer, failure, fault.headers);
  response.writeHead(fault.answer, { 'content-type': 'application/json', ...fault.headers });
  response.end(failure);
}

function errorBody(message: string, code: string | null): object {
  return { detail: { message, error_code: code } };
}
