import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { Refusal } from '../../domain/failures.ts';
import { startPath } from '../../domain/import-parts.ts';
import { IMPORT_EVENTS, type Callback } from '../../domain/import.ts';
import { isForGood } from '../../mistral/answer.ts';
import { callUpstream } from '../../mistral/call.ts';
import { FilesClient, MAX_FILE_BYTES } from '../../mistral/files.ts';
import type { Upstream } from '../../mistral/upstream.ts';
import { observabilityUpstream } from '../../relay/backends.ts';
import { keptCallback } from '../callback.ts';
import { callerOf, type AppContext, type AppEnv } from '../context.ts';
import { answerStart } from '../import-answer.ts';
import {
  datasetIdOf,
  idempotencyKeyOf,
  importIdFor,
  refuseBadTarget,
  requestHash,
} from '../import-request.ts';
import { digestOf, uploadChecked, type UploadedJsonl } from '../jsonl-upload.ts';
import { admitClient } from '../middleware/auth.ts';
import { mistaken, refuseEncoded } from '../middleware/json-body.ts';
import { piecesOf } from '../request-body.ts';
import { failureRefusal } from '../upstream-refusal.ts';

/** The dataset is asked for before the upload, so as not to upload for nothing; it must not hold things up. */
const DATASET_TIMEOUT_MS = 10_000;

const events = z.pipe(
  z.pipe(
    z.string(),
    z.transform((text) => text.split(',').map((name) => name.trim())),
  ),
  z.array(z.enum(IMPORT_EVENTS)),
);

/** Query of an import whose body is the JSONL. Strict: a callback under a wrong name would be missed too late. */
export const jsonlImportQuery = z.lazy(() =>
  z
    .strictObject({
      callback_url: z.optional(z.string().check(z.maxLength(2000))),
      callback_events: z.optional(events),
    })
    .check(
      z.refine((query) => query.callback_url !== undefined || query.callback_events === undefined, {
        error: 'needs a callback_url',
        path: ['callback_events'],
      }),
    ),
);

/** `POST /datasets/:dataset_id/imports` with the JSONL itself as the body: checked, uploaded and then imported. */
export const jsonlImportRoutes = new Hono<AppEnv>().post(
  '/:dataset_id/imports',
  async (c, next) => {
    if (!isJsonl(c.req.header('content-type') ?? '')) return next();
    await admitClient(c, 'observability:write');
    refuseEncoded(c.req.raw);
    const work = importJsonl(c);
    // A client that leaves when its body has come must not leave behind a file that nothing imports.
    c.executionCtx.waitUntil(work.catch(() => undefined));
    return work;
  },
);

async function importJsonl(c: AppContext): Promise<Response> {
  const config = c.get('config');
  const { clientId } = c.get('grant');
  const { origin } = new URL(c.req.url);
  const datasetId = datasetIdOf(c);
  const callback = callbackOf(c);
  const key = idempotencyKeyOf(c);
  const id = await importIdFor(clientId, key);
  const job = c.env.IMPORT_JOB.getByName(id);
  const upstream = observabilityUpstream(config, c.env, callerOf(c));
  const files = new FilesClient(upstream, config.upstreamHeadersTimeoutMs, config.secrets);
  const idleMs = config.streamIdleTimeoutMs;
  const pieces = piecesOf(c.req.raw, MAX_FILE_BYTES, idleMs);

  // A repeated request is told by its bytes alone: the import that it started has its file.
  const isRepeated = key !== undefined && (await job.read(clientId)) !== null;
  let uploaded: UploadedJsonl | null = null;
  if (!isRepeated) {
    await refuseUnknownDataset(upstream, datasetId, config.secrets);
    const declared = c.req.header('content-length');
    const length = declared === undefined ? null : Number(declared);
    uploaded = await uploadChecked(pieces, () => files.upload(`${id}.jsonl`, length), idleMs);
  }
  const sha256 = uploaded?.sha256 ?? (await digestOf(pieces));
  if (isRepeated && (await job.read(clientId)) === null) throw goneMeanwhile();
  const result = await job.start({
    id,
    clientId,
    datasetId,
    source: 'file',
    isRelayed: false,
    startPath: startPath(datasetId, 'file'),
    parts: [{ body: JSON.stringify({ file_id: uploaded?.fileId ?? '' }), weight: 1 }],
    search: null,
    requestHash: await requestHash(datasetId, { jsonl: sha256, callback }),
    metadata: {},
    callback,
    origin,
    headers: {},
  });
  const isOurs = result.kind === 'accepted' && !result.isReplayed;
  if (uploaded !== null && !isOurs) c.executionCtx.waitUntil(files.delete(uploaded.fileId));
  return answerStart(c, id, result);
}

/** This body was not uploaded, because another request had started the import, which the upstream then refused. */
function goneMeanwhile(): Refusal {
  const message = 'The import under this Idempotency-Key was refused meanwhile; send it again.';
  return new Refusal({
    code: 'upstream_unavailable',
    message,
    headers: { 'retry-after': '1' },
  });
}

/** Whether a `content-type` declares one of the two types that JSONL goes by. */
function isJsonl(contentType: string): boolean {
  return /^\s*application\/(?:x-ndjson|jsonl)\s*(?:;|$)/i.test(contentType);
}

function callbackOf(c: AppContext): Callback | null {
  const given = Object.entries(c.req.queries());
  const query = Object.fromEntries(
    given.map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );
  const parsed = jsonlImportQuery.safeParse(query);
  if (!parsed.success) throw mistaken('query', parsed.error.issues);
  const { callback_url, callback_events } = parsed.data;
  if (callback_url === undefined) return null;
  refuseBadTarget(c, callback_url, '/callback_url');
  return keptCallback({ url: callback_url, events: callback_events });
}

/** An upstream that is out of order for the moment is no reason: the upload shows whether it still is. */
async function refuseUnknownDataset(
  upstream: Upstream,
  datasetId: string,
  secrets: readonly string[],
): Promise<void> {
  const path = `/v1/observability/datasets/${datasetId}`;
  const call = { method: 'GET' as const, path, timeoutMs: DATASET_TIMEOUT_MS };
  const asked = await callUpstream(upstream, call, secrets);
  if (asked.ok) return;
  if (isForGood(asked.failure)) throw failureRefusal(asked.failure);
}
