import { randomUUID } from 'node:crypto';

/** An import task as Mistral answers it. */
export function taskBody(id: string, datasetId: string, fields: object = {}): object {
  const now = new Date().toISOString();
  return {
    id,
    created_at: now,
    updated_at: now,
    deleted_at: null,
    creator_id: randomUUID(),
    dataset_id: datasetId,
    workspace_id: randomUUID(),
    status: 'RUNNING',
    progress: 0,
    message: null,
    ...fields,
  };
}
