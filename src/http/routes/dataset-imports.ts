import { Hono } from 'hono/tiny';
import * as z from 'zod';
import { DEFAULT_EVENTS, IMPORT_EVENTS } from '../../domain/import.ts';
import type { AppEnv } from '../context.ts';
import { answerStart } from '../import-answer.ts';
import {
  datasetIdOf,
  idempotencyKeyOf,
  importIdFor,
  refuseBadTarget,
  requestHash,
} from '../import-request.ts';
import { clientWith } from '../middleware/auth.ts';
import { jsonBody, valid } from '../middleware/json-body.ts';

const MAX_METADATA_BYTES = 16_000;

const metadata = z.lazy(() =>
  z
    .record(z.string(), z.unknown())
    .refine(
      (value) => new TextEncoder().encode(JSON.stringify(value)).length <= MAX_METADATA_BYTES,
      {
        error: `must have at most ${MAX_METADATA_BYTES} bytes as JSON`,
      },
    ),
);

const importBody = z.lazy(() =>
  z.strictObject({
    source: z.literal('file'),
    file_id: z.string().min(1).max(200),
    callback: z
      .strictObject({
        url: z.string().max(2000),
        events: z.array(z.enum(IMPORT_EVENTS)).min(1).nullish(),
      })
      .nullish(),
    metadata: metadata.nullish(),
  }),
);

/** `POST /datasets/:dataset_id/imports`: starts an import and has an `ImportJob` watch over it. */
export const datasetImportRoutes = new Hono<AppEnv>().post(
  '/:dataset_id/imports',
  clientWith('observability:write'),
  jsonBody,
  valid('json', importBody),
  async (c) => {
    const body = c.req.valid('json');
    const datasetId = datasetIdOf(c);
    const { origin } = new URL(c.req.url);
    if (body.callback) refuseBadTarget(c, body.callback.url, '/callback/url');
    const { clientId } = c.get('grant');
    const id = await importIdFor(clientId, idempotencyKeyOf(c));
    const result = await c.env.IMPORT_JOB.getByName(id).start({
      id,
      clientId,
      datasetId,
      source: body.source,
      startBody: { file_id: body.file_id },
      requestHash: await requestHash(datasetId, body),
      metadata: body.metadata ?? {},
      callback: body.callback
        ? { url: body.callback.url, events: [...new Set(body.callback.events ?? DEFAULT_EVENTS)] }
        : null,
      origin,
    });
    return answerStart(c, id, result);
  },
);
