import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import type { ImportRequest } from '../api/tasks-api.ts';
import { workspaceOf, type BuiltinEnv } from '../context.ts';
import { datasetNotFound, notFound, observabilityInvalid } from '../errors.ts';
import { readBody, readUuid, uuid } from '../validate.ts';
import { taskView } from '../views.ts';

/** An id of any form; the bounds are ours, as is that of `conversation_ids`. */
const anyId = z.string().check(
  z.maxLength(500),
  z.overwrite((id) => id.toWellFormed()),
);
const MAX_CONVERSATIONS = 100_000;

const fromFile = z.lazy(() => z.object({ file_id: z.string().check(z.toLowerCase()) }));
const fromExplorer = z.lazy(() =>
  z.object({ completion_event_ids: z.array(anyId.check(z.toLowerCase())).check(z.maxLength(500)) }),
);
const fromPlayground = z.lazy(() =>
  z.object({ conversation_ids: z.array(anyId).check(z.maxLength(MAX_CONVERSATIONS)) }),
);
const fromCampaign = z.lazy(() => z.object({ campaign_id: uuid }));
const fromDataset = z.lazy(() =>
  z.object({ dataset_record_ids: z.array(uuid).check(z.minLength(1), z.maxLength(10_000)) }),
);

/** `/v1/observability/datasets/{id}/imports`: each starts a task. */
export const datasetImportRoutes = new Hono<BuiltinEnv>()
  .post('/:dataset_id/imports/from-file', async (c) => {
    const id = datasetId(c);
    const { file_id } = await readBody(c, fromFile, observabilityInvalid);
    const workspace = workspaceOf(c.env);
    if ((await workspace.datasets.get(id)) === null) throw datasetNotFound(id);
    if ((await workspace.files.get(file_id)) === null) throw notFound('File', file_id, null);
    return start(c, id, { kind: 'file', fileId: file_id });
  })
  .post('/:dataset_id/imports/from-explorer', async (c) => {
    const id = datasetId(c);
    const { completion_event_ids } = await readBody(c, fromExplorer, observabilityInvalid);
    return start(c, id, { kind: 'explorer', ids: completion_event_ids });
  })
  .post('/:dataset_id/imports/from-playground', async (c) => {
    const id = datasetId(c);
    const { conversation_ids } = await readBody(c, fromPlayground, observabilityInvalid);
    return start(c, id, { kind: 'playground', ids: conversation_ids });
  })
  .post('/:dataset_id/imports/from-campaign', async (c) => {
    const id = datasetId(c);
    const { campaign_id } = await readBody(c, fromCampaign, observabilityInvalid);
    return start(c, id, { kind: 'campaign', campaignId: campaign_id });
  })
  .post('/:dataset_id/imports/from-dataset', async (c) => {
    const id = datasetId(c);
    const { dataset_record_ids } = await readBody(c, fromDataset, observabilityInvalid);
    return start(c, id, { kind: 'dataset', ids: dataset_record_ids });
  });

function datasetId(c: Context<BuiltinEnv>): string {
  return readUuid(c, 'dataset_id', observabilityInvalid);
}

async function start(c: Context<BuiltinEnv>, id: string, request: ImportRequest) {
  const workspace = workspaceOf(c.env);
  const started = await workspace.tasks.start(id, request);
  if ('task' in started) return c.json(taskView(started.task, await workspace.identity()), 202);
  if (started.missing === 'campaign' && request.kind === 'campaign') {
    throw notFound('Campaign', request.campaignId, 'CAMPAIGN_NOT_FOUND');
  }
  throw datasetNotFound(id);
}
