import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { Refusal } from '../../domain/failures.ts';
import { DEFAULT_EVENTS, IMPORT_EVENTS } from '../../domain/import.ts';
import type { AppEnv } from '../context.ts';
import {
  datasetIdOf,
  idempotencyKeyOf,
  importIdFor,
  refuseBadTarget,
  requestHash,
} from '../import-request.ts';
import { clientWith } from '../middleware/auth.ts';
import { jsonBody, valid } from '../middleware/json-body.ts';
import { upstreamRefusal } from '../upstream-refusal.ts';

const MAX_METADATA_BYTES = 16_000;

const metadata = z.lazy(() =>
  z.record(z.string(), z.unknown()).check(
    z.refine(
      (value) => new TextEncoder().encode(JSON.stringify(value)).length <= MAX_METADATA_BYTES,
      {
        error: `must have at most ${MAX_METADATA_BYTES} bytes as JSON`,
      },
    ),
  ),
);

const importBody = z.lazy(() =>
  z.strictObject({
    source: z.literal('file'),
    file_id: z.string().check(z.minLength(1), z.maxLength(200)),
    callback: z.nullish(
      z.strictObject({
        url: z.string().check(z.maxLength(2000)),
        events: z.nullish(z.array(z.enum(IMPORT_EVENTS)).check(z.minLength(1))),
      }),
    ),
    metadata: z.nullish(metadata),
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
    switch (result.kind) {
      case 'accepted':
        return c.body(result.view, 202, {
          'content-type': 'application/json',
          location: `/imports/${id}`,
          ...(result.replayed && { 'idempotency-replayed': 'true' }),
        });
      case 'refused':
        throw upstreamRefusal(result.failure);
      case 'conflict': {
        const message = 'This Idempotency-Key was used with another request; take a new one.';
        throw new Refusal({ code: 'idempotency_conflict', message });
      }
    }
  },
);
