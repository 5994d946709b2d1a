// Stands where Mistral's datasets would be, in a process of its own. The `file_id` of an import tells how long its task
// takes and whether it reports progress (`8000:linear`, `8000:none`). Tells its parent its port, and when asked with any
// message what became of the tasks.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { taskBody } from '../test/support/tasks.ts';

/** A task as this process knows it; times in milliseconds since the epoch. */
export interface UpstreamTask {
  id: string;
  endsAt: number;
  polls: number;
  /** When it was first asked for after its end; null while it was not. */
  seenAt: number | null;
}

interface Task extends UpstreamTask {
  datasetId: string;
  startedAt: number;
  hasProgress: boolean;
}

const IMPORT = /^\/v1\/observability\/datasets\/([^/]+)\/imports\/from-file$/;
const TASK = /^\/v1\/observability\/datasets\/[^/]+\/tasks\/([^/]+)$/;
const tasks = new Map<string, Task>();

/** Progress is linear and cut to whole percent; `updated_at` is when the last of them was full, or the end. */
function bodyOf({ id, datasetId, startedAt, endsAt, hasProgress }: Task, now: number): object {
  const hasEnded = now >= endsAt;
  const percent = hasEnded ? 100 : Math.floor((100 * (now - startedAt)) / (endsAt - startedAt));
  const movedAt = startedAt + ((endsAt - startedAt) * percent) / 100;
  return taskBody(id, datasetId, {
    created_at: new Date(startedAt).toISOString(),
    updated_at: new Date(hasEnded || hasProgress ? movedAt : startedAt).toISOString(),
    status: hasEnded ? 'COMPLETED' : 'RUNNING',
    progress: hasProgress ? percent : null,
  });
}

function start(datasetId: string, fileId: string): object {
  const [duration, progress] = fileId.split(':');
  const startedAt = Date.now();
  const task: Task = {
    id: randomUUID(),
    datasetId,
    startedAt,
    endsAt: startedAt + Number(duration),
    hasProgress: progress === 'linear',
    polls: 0,
    seenAt: null,
  };
  tasks.set(task.id, task);
  return bodyOf(task, startedAt);
}

function poll(task: Task): object {
  const now = Date.now();
  task.polls++;
  if (now >= task.endsAt) task.seenAt ??= now;
  return bodyOf(task, now);
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const text = (await request.setEncoding('utf8').toArray()).join('');
  const path = request.url ?? '';
  const [, datasetId] = IMPORT.exec(path) ?? [];
  if (datasetId !== undefined) {
    const { file_id } = JSON.parse(text) as { file_id: string };
    return answer(response, 202, start(datasetId, file_id));
  }
  const task = tasks.get(TASK.exec(path)?.[1] ?? '');
  if (task === undefined) return answer(response, 404, { detail: 'Not Found' });
  answer(response, 200, poll(task));
}

const http = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  void serve(request, response);
});
http.listen(0, '127.0.0.1', () => process.send?.((http.address() as AddressInfo).port));
process.on('message', () => {
  const known: UpstreamTask[] = [...tasks.values()].map(({ id, endsAt, polls, seenAt }) => ({
    id,
    endsAt,
    polls,
    seenAt,
  }));
  process.send?.(known);
});
process.on('disconnect', () => process.exit());
