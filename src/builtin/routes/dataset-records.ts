import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { workspaceOf, type BuiltinEnv } from '../context.ts';
import { recordContent, type RecordContent } from '../datasets.sql.ts';
import { notFound, observabilityInvalid } from '../errors.ts';
import { answerJudgement, readJudgingBody } from '../judging/answer.ts';
import { anyObject, readBody, readUuid, uuid } from '../validate.ts';
import { recordView } from '../views.ts';

const bulkDelete = z.lazy(() =>
  z.object({ dataset_record_ids: z.array(uuid).check(z.minLength(1), z.maxLength(500)) }),
);
const payloadBody = z.lazy(() => z.object({ payload: anyObject }));
const propertiesBody = z.lazy(() => z.object({ properties: anyObject }));

const recordNotFound = (id: string) => notFound('Record', id, 'DATASET_RECORD_NOT_FOUND');

const recordId = (c: Context<BuiltinEnv>) => readUuid(c, 'dataset_record_id', observabilityInvalid);

/** `/v1/observability/dataset-records`: records by their own id, whatever dataset they are in. */
export const datasetRecordRoutes = new Hono<BuiltinEnv>()
  .post('/bulk-delete', async (c) => {
    const { dataset_record_ids } = await readBody(c, bulkDelete, observabilityInvalid);
    // An id that nothing has is no mistake: what was asked for, that it be gone, holds.
    await workspaceOf(c.env).datasets.deleteRecords(dataset_record_ids);
    return c.body(null, 204);
  })
  .get('/:dataset_record_id', async (c) => {
    const id = recordId(c);
    const record = await workspaceOf(c.env).datasets.getRecord(id);
    if (record === null) throw recordNotFound(id);
    return c.body(recordView(record), 200, { 'content-type': 'application/json' });
  })
  .delete('/:dataset_record_id', async (c) => {
    const id = recordId(c);
    const deleted = await workspaceOf(c.env).datasets.deleteRecords([id]);
    if (deleted === 0) throw recordNotFound(id);
    return c.body(null, 204);
  })
  .put('/:dataset_record_id/payload', async (c) => {
    const id = recordId(c);
    const { payload } = await readBody(c, payloadBody, observabilityInvalid);
    return update(c, id, { payload: contentOf({ payload, properties: {} }).payload });
  })
  .put('/:dataset_record_id/properties', async (c) => {
    const id = recordId(c);
    const { properties } = await readBody(c, propertiesBody, observabilityInvalid);
    return update(c, id, { properties: contentOf({ payload: {}, properties }).properties });
  })
  .post('/:dataset_record_id/live-judging', async (c) => {
    const id = recordId(c);
    const definition = await readJudgingBody(c);
    const record = await workspaceOf(c.env).datasets.getRecord(id);
    if (record === null) throw recordNotFound(id);
    const payload = JSON.parse(record.payload) as Record<string, unknown>;
    return answerJudgement(c, definition, {
      messages: listIn(payload, 'messages'),
      properties: JSON.parse(record.properties) as Record<string, unknown>,
      tools: listIn(payload, 'tools'),
    });
  });

/** A payload is any object; what is no list counts as an empty one. */
function listIn(payload: Record<string, unknown>, name: string): unknown[] {
  const value = payload[name];
  return Array.isArray(value) ? value : [];
}

function contentOf(row: Parameters<typeof recordContent>[0]): RecordContent {
  const content = recordContent(row);
  if ('problem' in content) throw cannotBeStored(content.problem);
  return content;
}

async function update(
  c: Context<BuiltinEnv>,
  id: string,
  change: Partial<RecordContent>,
): Promise<Response> {
  const outcome = await workspaceOf(c.env).datasets.updateRecord(id, change);
  if (outcome === 'not_found') throw recordNotFound(id);
  if (outcome === 'too_large') throw cannotBeStored('makes the record too large');
  return c.body(null, 204);
}

function cannotBeStored(problem: string) {
  return observabilityInvalid([{ type: 'value_error', loc: ['body'], msg: problem }]);
}
