import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { Refusal } from '../../domain/failures.ts';
import { partsOfIds, startPath, type ImportPart } from '../../domain/import-parts.ts';
import { DEFAULT_EVENTS, IMPORT_EVENTS } from '../../domain/import.ts';
import { readWhere } from '../../domain/where.ts';
import type { AppEnv } from '../context.ts';
import { answerStart } from '../import-answer.ts';
import {
  datasetIdOf,
  idempotencyKeyOf,
  importIdFor,
  importMetadata,
  refuseBadTarget,
  requestHash,
} from '../import-request.ts';
import { clientWith } from '../middleware/auth.ts';
import { jsonBody, valid } from '../middleware/json-body.ts';

/** Where the results of an import go. */
export const callbackSchema = z.lazy(() =>
  z.strictObject({
    url: z.string().check(z.maxLength(2000)),
    events: z.nullish(z.array(z.enum(IMPORT_EVENTS)).check(z.minLength(1))),
  }),
);

const id = z.lazy(() => z.string().check(z.minLength(1), z.maxLength(200)));
const ids = z.lazy(() => z.array(id).check(z.minLength(1)));

const common = { callback: z.nullish(callbackSchema), metadata: z.nullish(importMetadata) };

/** What `POST /datasets/:dataset_id/imports` takes as JSON. */
export const importBody = z.lazy(() =>
  z.discriminatedUnion('source', [
    z.strictObject({ source: z.literal('campaign'), campaign_id: id, ...common }),
    z
      .strictObject({
        source: z.literal('explorer'),
        event_ids: z.optional(ids),
        where: z.optional(z.unknown()),
        ...common,
      })
      .check(
        z.refine((body) => (body.event_ids === undefined) !== (body.where === undefined), {
          error: 'give either event_ids or where; a where of null is every event',
        }),
      ),
    z.strictObject({ source: z.literal('file'), file_id: id, ...common }),
    z.strictObject({ source: z.literal('playground'), conversation_ids: ids, ...common }),
    z.strictObject({ source: z.literal('dataset'), record_ids: ids, ...common }),
  ]),
);

type ImportBody = z.infer<typeof importBody>;

/** `POST /datasets/:dataset_id/imports`: starts an import and has an `ImportJob` watch over it. */
export const datasetImportRoutes = new Hono<AppEnv>().post(
  '/:dataset_id/imports',
  clientWith('observability:write'),
  jsonBody,
  valid('json', importBody),
  async (c) => {
    const body = c.req.valid('json');
    const datasetId = datasetIdOf(c);
    if (body.callback) refuseBadTarget(c, body.callback.url, '/callback/url');
    const { clientId } = c.get('grant');
    const importId = await importIdFor(clientId, idempotencyKeyOf(c));
    const result = await c.env.IMPORT_JOB.getByName(importId).start({
      id: importId,
      clientId,
      datasetId,
      source: body.source,
      isRelayed: false,
      startPath: startPath(datasetId, body.source),
      ...plan(body, Date.now()),
      requestHash: await requestHash(datasetId, body),
      metadata: body.metadata ?? {},
      callback: body.callback
        ? { url: body.callback.url, events: [...new Set(body.callback.events ?? DEFAULT_EVENTS)] }
        : null,
      origin: new URL(c.req.url).origin,
      headers: {},
    });
    return answerStart(c, importId, result);
  },
);

/** The start calls of an import, or the search that tells them. */
function plan(
  body: ImportBody,
  now: number,
): { parts: ImportPart[]; search: { filters: unknown } | null } {
  switch (body.source) {
    case 'campaign':
      return single({ campaign_id: body.campaign_id });
    case 'file':
      return single({ file_id: body.file_id });
    case 'playground':
      return { parts: partsOfIds('playground', body.conversation_ids), search: null };
    case 'dataset':
      return { parts: partsOfIds('dataset', body.record_ids), search: null };
    case 'explorer':
      return body.event_ids === undefined
        ? { parts: [], search: { filters: filtersOf(body.where, now) } }
        : { parts: partsOfIds('explorer', body.event_ids), search: null };
  }
}

function single(startBody: object) {
  return { parts: [{ body: JSON.stringify(startBody), weight: 1 }], search: null };
}

function filtersOf(where: unknown, now: number): unknown {
  const read = readWhere(where, now);
  if (read.ok) return read.filters;
  const { message, position, path } = read;
  throw new Refusal({
    code: 'invalid_filter',
    message,
    ...(position !== undefined && { position }),
    ...(path !== undefined && { details: [{ path: `/where${path}`, message }] }),
  });
}
