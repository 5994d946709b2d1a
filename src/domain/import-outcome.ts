import type { ImportState, ImportStatus, ImportTask, TerminalStatus } from './import.ts';

/** How an import came out, for the schedule that started it. */
export interface ImportOutcome {
  status: ImportStatus;
  message: string | null;
  /** The number of ids in the tasks that completed. */
  imported: number;
  /** How each task ended, in the order of the start calls; null for one that is not known to have ended. */
  ends: (TerminalStatus | null)[];
}

/** The outcome of an import; while it goes on, as far as it has come. */
export function outcomeOf({ status, message, tasks }: ImportState): ImportOutcome {
  return { status, message, imported: importedOf(tasks), ends: tasks.map(({ end }) => end) };
}

/** The number of ids in the tasks that completed; a failed import may have some too. */
export function importedOf(tasks: readonly ImportTask[]): number {
  return tasks.reduce((sum, { end, weight }) => (end === 'completed' ? sum + weight : sum), 0);
}
