import type { Observation } from '../domain/import-advance.ts';
import type { PollStep } from '../domain/import-steps.ts';
import type { ObservedTask } from '../domain/import.ts';
import type { UpstreamFailure } from '../mistral/answer.ts';
import type { ImportsClient } from '../mistral/imports.ts';

/** What a poll has learnt. */
export interface PollOutcome {
  observation: Observation;
  retryAfterMs: number | null;
}

/** Asks the upstream how the open tasks of an import stand. */
export async function pollTasks(
  upstream: ImportsClient,
  datasetId: string,
  step: PollStep,
): Promise<PollOutcome> {
  return step.kind === 'list'
    ? pollByList(upstream, datasetId, step.taskIds)
    : pollOneByOne(upstream, datasetId, step.taskIds, NOT_LISTED);
}

/** What a list has told of the tasks, and how many calls that took; null where it was not asked. */
interface Listed {
  tasks: ReadonlyMap<string, ObservedTask>;
  calls: number | null;
}

const NOT_LISTED: Listed = { tasks: new Map(), calls: null };

/** Only its own 404 says that a task is missing: in a list it may have moved to a page that was read before. */
async function pollByList(
  upstream: ImportsClient,
  datasetId: string,
  taskIds: readonly string[],
): Promise<PollOutcome> {
  const listed = await upstream.listTasks(datasetId, (seen) => taskIds.every((id) => seen.has(id)));
  if (!listed.ok && listed.failure.status !== 404) return failed(listed.failure);
  const found = listed.ok ? listed.value : { tasks: [], pages: 1 };
  const asked = new Set(taskIds);
  const tasks = new Map(
    found.tasks.filter(({ id }) => asked.has(id)).map((task) => [task.id, task]),
  );
  const absent = taskIds.filter((id) => !tasks.has(id));
  return pollOneByOne(upstream, datasetId, absent, { tasks, calls: found.pages + absent.length });
}

async function pollOneByOne(
  upstream: ImportsClient,
  datasetId: string,
  taskIds: readonly string[],
  listed: Listed,
): Promise<PollOutcome> {
  const tasks = new Map<string, ObservedTask | null>(listed.tasks);
  let retryAfterMs: number | null = null;
  for (const id of taskIds) {
    const polled = await upstream.fetchTask(datasetId, id);
    if (polled.ok) tasks.set(id, polled.value);
    else if (polled.failure.status === 404) tasks.set(id, null);
    else if (tasks.size === 0 || isDenied(polled.failure.status)) return failed(polled.failure);
    else {
      // What was learnt of the others counts; this one is asked again at the next poll.
      ({ retryAfterMs } = polled.failure);
      break;
    }
  }
  return { observation: { kind: 'polled', tasks, listCalls: listed.calls }, retryAfterMs };
}

function isDenied(status: number | null): status is 401 | 403 {
  return status === 401 || status === 403;
}

function failed({ status, retryAfterMs }: UpstreamFailure): PollOutcome {
  if (isDenied(status)) {
    return { observation: { kind: 'denied', status }, retryAfterMs: null };
  }
  return { observation: { kind: 'unavailable' }, retryAfterMs };
}
