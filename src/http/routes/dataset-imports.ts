import { Hono } from 'hono/tiny';
import * as z from 'zod';
import { Refusal } from '../../domain/failures.ts';
import { DEFAULT_EVENTS, IMPORT_EVENTS } from '../../domain/import.ts';
import { judgeTarget } from '../../domain/target.ts';
import { sha256Bytes } from '../../platform/crypto.ts';
import { newId, tokenOf } from '../../platform/ids.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { clientWith } from '../middleware/auth.ts';
import { jsonBody, valid } from '../middleware/json-body.ts';
import { upstreamRefusal } from '../upstream-refusal.ts';

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

const MAX_KEY_LENGTH = 255;

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
    if (body.callback) refuseBadTarget(c, body.callback.url, origin);
    const { clientId } = c.get('grant');
    const id = await importId(clientId, idempotencyKeyOf(c));
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

function datasetIdOf(c: AppContext): string {
  const id = z.guid().safeParse(c.req.param('dataset_id'));
  if (id.success) return id.data;
  throw new Refusal({ code: 'not_found', message: 'There is no such dataset.' });
}

function refuseBadTarget(c: AppContext, url: string, origin: string): void {
  const { callbackAllowPrivate } = c.get('config');
  const verdict = judgeTarget(url, { allowPrivate: callbackAllowPrivate, ownOrigin: origin });
  if (verdict.ok) return;
  const details = [{ path: '/callback/url', message: verdict.reason }];
  const message = `The callback URL ${verdict.reason}.`;
  throw new Refusal({ code: 'callback_refused', message, details });
}

/** Read by hand: a schema of headers cannot be lazy, and would be a tenth of the start-up time. */
function idempotencyKeyOf(c: AppContext): string | undefined {
  const key = c.req.header('idempotency-key');
  if (key === undefined || (key.length > 0 && key.length <= MAX_KEY_LENGTH)) return key;
  const message = `must have 1 to ${MAX_KEY_LENGTH} characters`;
  throw new Refusal({
    code: 'invalid_request',
    message: `The header Idempotency-Key ${message}.`,
    details: [{ path: '/idempotency-key', message }],
  });
}

/** With an idempotency key the id follows from it, so that every repetition meets the same Durable Object. */
async function importId(clientId: string, key: string | undefined): Promise<string> {
  if (key === undefined) return newId('imp');
  const digest = await sha256Bytes(`${clientId}\n${key}`);
  return `imp_${tokenOf(digest.subarray(0, 16))}`;
}

async function requestHash(datasetId: string, body: unknown): Promise<string> {
  return tokenOf(await sha256Bytes(JSON.stringify([datasetId, body])));
}
