import type { ImportTask, TerminalStatus } from './import.ts';

/** The upstream's words that end a task; any other one, known or not, means that it goes on. */
const END_BY_STATUS: ReadonlyMap<string, TerminalStatus> = new Map([
  ['COMPLETED', 'completed'],
  ['FAILED', 'failed'],
  ['CANCELED', 'canceled'],
  ['TERMINATED', 'terminated'],
  ['TIMED_OUT', 'timed_out'],
]);

/** The worst first: the first of these that a task ended with names how the import ended. */
const WORST_FIRST: readonly TerminalStatus[] = [
  'lost',
  'failed',
  'timed_out',
  'terminated',
  'canceled',
  'completed',
];

/** How a task with this upstream status ended; null when it goes on. */
export function endOf(status: string): TerminalStatus | null {
  return END_BY_STATUS.get(status) ?? null;
}

/** The tasks of an import taken together. */
export interface Aggregate {
  /** Null until all tasks have ended; then `completed` when all are, else the worst. */
  end: TerminalStatus | null;
  /** Whole percent, the mean weighted by the number of ids in each task. */
  progress: number;
  /** What the tasks say: those that ended as the import did, or all while it goes on. */
  message: string | null;
}

/** @param reached the progress that was reported before; it never goes back */
export function aggregate(tasks: readonly ImportTask[], reached: number): Aggregate {
  const end = tasks.every((task) => task.end !== null)
    ? (WORST_FIRST.find((status) => tasks.some((task) => task.end === status)) ?? null)
    : null;
  let weights = 0;
  let done = 0;
  for (const task of tasks) {
    weights += task.weight;
    done += task.weight * progressOf(task);
  }
  const mean = weights === 0 ? 0 : Math.trunc(done / weights);
  const speaking = end === null ? tasks : tasks.filter((task) => task.end === end);
  const messages = new Set(speaking.flatMap((task) => task.message ?? []));
  return {
    end,
    progress: Math.max(reached, mean),
    message: messages.size === 0 ? null : [...messages].join(' '),
  };
}

function progressOf(task: ImportTask): number {
  if (task.end === 'completed') return 100;
  return Math.min(100, Math.max(0, task.progress ?? 0));
}
