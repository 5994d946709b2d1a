import { iso, isoOrNull } from './time.ts';
import type { Callback, ImportState, MatchReport } from './import.ts';
import { importedOf } from './import-outcome.ts';

/** How the deliveries of an import stand, as its outbox tells; times in milliseconds since the epoch. */
export interface DeliverySummary {
  status: 'none' | 'pending' | 'delivered' | 'failed';
  attempts: number;
  nextAttemptAt: number | null;
  lastStatus: number | null;
}

/** An import as the API shows it; times ISO 8601 in UTC. */
export interface ImportView {
  id: string;
  object: 'import';
  dataset_id: string;
  source: string;
  status: string;
  progress: number;
  message: string | null;
  tasks: { id: string; status: string; progress: number | null }[];
  metadata: Record<string, unknown>;
  sequence: number;
  created_at: string;
  updated_at: string;
  finished_at: string | null;
  polls: number;
  detected_after_ms: number | null;
  callback: Callback | null;
  delivery: {
    status: DeliverySummary['status'];
    attempts: number;
    next_attempt_at: string | null;
    last_status: number | null;
  };
  /** Only of an import that a schedule made of what is new. */
  report?: MatchReport & { imported: number };
}

/** The import as `GET /imports/:id` answers it. */
export function importView(state: ImportState, delivery: DeliverySummary): ImportView {
  return {
    id: state.id,
    object: 'import',
    dataset_id: state.datasetId,
    source: state.source,
    status: state.status,
    progress: state.progress,
    message: state.message,
    tasks: state.tasks.flatMap(({ id, status, progress }) =>
      id === null ? [] : [{ id, status, progress }],
    ),
    metadata: state.metadata,
    sequence: state.sequence,
    created_at: iso(state.createdAt),
    updated_at: iso(state.updatedAt),
    finished_at: isoOrNull(state.finishedAt),
    polls: state.polls,
    detected_after_ms: state.detectedAfterMs,
    callback: state.callback,
    delivery: {
      status: delivery.status,
      attempts: delivery.attempts,
      next_attempt_at: isoOrNull(delivery.nextAttemptAt),
      last_status: delivery.lastStatus,
    },
    ...(state.report && { report: { ...state.report, imported: importedOf(state.tasks) } }),
  };
}
