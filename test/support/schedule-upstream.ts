import { randomUUID } from 'node:crypto';
import { json, startUpstream, type ScriptedUpstream, type SeenRequest } from './upstream.ts';
import { taskBody } from './tasks.ts';

/** An event of the upstream; `at` in milliseconds since the epoch. */
export interface UpstreamEvent {
  id: string;
  at: number;
  model: string;
}

/** What a start of an import comes to. */
export type StartOutcome = 'COMPLETED' | 'FAILED' | 'RUNNING' | number;

/** An upstream with events that can be searched and imported, and that counts what it has imported. */
export interface EventsUpstream {
  scripted: ScriptedUpstream;
  events: UpstreamEvent[];
  /** How often each event was imported by a task that completed. */
  imported: Map<string, number>;
  /** The number of ids of each start that was taken. */
  startSizes: number[];
  searches: number;
  /** What the next starts come to, by their order; `COMPLETED` where it says nothing. */
  nextStart: () => StartOutcome;
  /** What the next search answers: a status, or the events. */
  nextSearch: () => number | null;
  /** Ends the tasks that run. */
  endTasks: (status: 'COMPLETED' | 'FAILED') => void;
}

interface KeptTask {
  id: string;
  datasetId: string;
  status: string;
  ids: string[];
  createdAt: string;
}

type Condition = { field: string; op: string; value: unknown };
type Tree = { AND: Tree[] } | { OR: Tree[] } | Condition;

export async function startEventsUpstream(): Promise<EventsUpstream> {
  const scripted = await startUpstream();
  const tasks = new Map<string, KeptTask>();
  const upstream: EventsUpstream = {
    scripted,
    events: [],
    imported: new Map(),
    startSizes: [],
    searches: 0,
    nextStart: () => 'COMPLETED',
    nextSearch: () => null,
    endTasks: (status) => {
      for (const task of tasks.values()) if (task.status === 'RUNNING') end(task, status);
    },
  };
  const end = (task: KeptTask, status: string) => {
    task.status = status;
    if (status !== 'COMPLETED') return;
    for (const id of task.ids) upstream.imported.set(id, (upstream.imported.get(id) ?? 0) + 1);
  };
  const bodyOf = (task: KeptTask) =>
    taskBody(task.id, task.datasetId, { status: task.status, created_at: task.createdAt });
  const start = (request: SeenRequest, datasetId: string) => {
    const outcome = upstream.nextStart();
    if (typeof outcome === 'number') return outcome;
    const { completion_event_ids: ids = [] } = JSON.parse(request.body.toString()) as {
      completion_event_ids?: string[];
    };
    upstream.startSizes.push(ids.length);
    const createdAt = new Date().toISOString();
    const task = { id: randomUUID(), datasetId, status: 'RUNNING', ids, createdAt };
    tasks.set(task.id, task);
    if (outcome !== 'RUNNING') end(task, outcome);
    return task;
  };
  scripted.script((request, response) => {
    const refuse = (status: number) =>
      json(response, status, { detail: { message: `scripted ${status}`, error_code: null } });
    if (request.path.endsWith('/search-ids')) {
      upstream.searches++;
      const status = upstream.nextSearch();
      if (status !== null) return refuse(status);
      const { search_params } = JSON.parse(request.body.toString()) as {
        search_params: { filters: Tree | null };
      };
      const found = upstream.events.filter((event) => matches(event, search_params.filters));
      const ids = found.toSorted((left, right) => right.at - left.at).map(({ id }) => id);
      return json(response, 200, { completion_event_ids: ids });
    }
    const [, datasetId = '', rest = ''] = /\/datasets\/([^/]+)\/(.*)$/.exec(request.path) ?? [];
    if (request.method === 'POST') {
      const started = start(request, datasetId);
      return typeof started === 'number' ? refuse(started) : json(response, 202, bodyOf(started));
    }
    const [, taskId] = /^tasks\/(.+)$/.exec(rest) ?? [];
    if (taskId !== undefined) {
      const task = tasks.get(taskId);
      return task === undefined ? refuse(404) : json(response, 200, bodyOf(task));
    }
    const results = [...tasks.values()].filter((task) => task.datasetId === datasetId).map(bodyOf);
    return json(response, 200, { tasks: { results, count: results.length } });
  });
  return upstream;
}

function matches(event: UpstreamEvent, tree: Tree | null): boolean {
  if (tree === null) return true;
  if ('AND' in tree) return tree.AND.every((part) => matches(event, part));
  if ('OR' in tree) return tree.OR.some((part) => matches(event, part));
  const { field, op, value } = tree;
  if (field === 'model_name' && op === 'eq') return event.model === value;
  if (field === 'timestamp' && op === 'gte') return event.at >= Date.parse(String(value));
  if (field === 'timestamp' && op === 'lt') return event.at < Date.parse(String(value));
  throw new Error(`The scripted upstream does not know ${field} ${op}.`);
}
