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
    : pollOneByOne(upstream, datasetId, step.taskIds);
}

async function pollByList(
  upstream: ImportsClient,
  datasetId: string,
  taskIds: readonly string[],
): Promise<PollOutcome> {
  const listed = await upstream.listTasks(datasetId, (seen) => taskIds.every((id) => seen.has(id)));
  if (!listed.ok) {
    const { status } = listed.failure;
    return status === 404 ? allMissing(taskIds) : failed(listed.failure);
  }
  const { pages, isWhole } = listed.value;
  const seen = new Map(listed.value.tasks.map((task) => [task.id, task]));
  const tasks = new Map<string, ObservedTask | null>();
  for (const id of taskIds) {
    const task = seen.get(id) ?? null;
    // What a part of the list does not have is not missing.
    if (task !== null || isWhole) tasks.set(id, task);
  }
  return { observation: { kind: 'polled', tasks, pages }, retryAfterMs: null };
}

async function pollOneByOne(
  upstream: ImportsClient,
  datasetId: string,
  taskIds: readonly string[],
): Promise<PollOutcome> {
  const tasks = new Map<string, ObservedTask | null>();
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
  return { observation: { kind: 'polled', tasks, pages: taskIds.length + 1 }, retryAfterMs };
}

function allMissing(taskIds: readonly string[]): PollOutcome {
  const tasks = new Map(taskIds.map((id) => [id, null]));
  return { observation: { kind: 'polled', tasks, pages: 1 }, retryAfterMs: null };
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
