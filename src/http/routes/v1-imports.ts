import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { Refusal } from '../../domain/failures.ts';
import { importMetadata } from '../../domain/import-body.ts';
import { IMPORT_EVENTS, type Callback } from '../../domain/import.ts';
import type { ImportView } from '../../domain/import-view.ts';
import { isObject, parseJson } from '../../domain/json.ts';
import type { RawAnswer } from '../../mistral/answer.ts';
import { readAnswer } from '../../mistral/call.ts';
import type { StartResult } from '../../objects/import-calls.ts';
import { logError } from '../../platform/log.ts';
import { observabilityUpstream } from '../../relay/backends.ts';
import { answerHeaders, requestHeaders } from '../../relay/headers.ts';
import { keptCallback } from '../callback.ts';
import { callerOf, type AppContext, type AppEnv } from '../context.ts';
import { conflictingKey } from '../import-answer.ts';
import {
  datasetIdOf,
  idempotencyKeyOf,
  importIdFor,
  refuseBadTarget,
  requestHash,
} from '../import-request.ts';
import { admitClient } from '../middleware/auth.ts';
import { readBytes } from '../request-body.ts';

/**
 * `POST /v1/observability/datasets/:dataset_id/imports/from-*` with `Windsock-Callback`: the start is the client's own,
 * body and answer untouched, and an `ImportJob` watches over the task. Without that header it is relayed as any call,
 * and its task is noted as no import's.
 */
export const v1ImportRoutes = new Hono<AppEnv>().post(
  '/observability/datasets/:dataset_id/imports/:source',
  async (c, next) => {
    const source = /^from-([a-z-]{1,40})$/.exec(c.req.param('source'))?.[1];
    if (source === undefined) return next();
    if (c.req.header('windsock-callback') === undefined) {
      const datasetId = c.req.param('dataset_id').toLowerCase();
      await next();
      return claimTask(c, datasetId);
    }
    await admitClient(c, 'observability:write');
    const { clientId } = c.get('grant');
    const datasetId = datasetIdOf(c);
    const callback = callbackOf(c);
    const metadata = metadataOf(c);
    const id = await importIdFor(clientId, idempotencyKeyOf(c));
    const { origin, pathname, search } = new URL(c.req.url);
    const body = textOf(await readBytes(c.req.raw, c.get('config').maxBodyBytes));
    const result = await c.env.IMPORT_JOB.getByName(id).start({
      id,
      clientId,
      datasetId,
      source,
      isRelayed: true,
      startPath: pathname + search,
      parts: [{ body, weight: 1 }],
      search: null,
      requestHash: await requestHash(datasetId, [pathname + search, body, callback, metadata]),
      metadata,
      callback,
      origin,
      headers: Object.fromEntries(requestHeaders(c.req.raw.headers)),
    });
    return answerRelayed(c, id, result);
  },
);

/** Has the task of a relayed start noted, so that no import whose own start was lost takes it for its own. */
async function claimTask(c: AppContext, datasetId: string): Promise<void> {
  if (c.res.status !== 202) return;
  const bytes = await c.res.arrayBuffer();
  c.res = new Response(bytes, c.res);
  const task = parseJson(new TextDecoder().decode(bytes));
  const id = isObject(task) ? task['id'] : null;
  if (typeof id !== 'string') return;
  await c.env.DATASET_STARTS.getByName(datasetId)
    .claim(id)
    .catch((error: unknown) => logError('claim_failed', error, { task_id: id }));
}

async function answerRelayed(c: AppContext, id: string, result: StartResult): Promise<Response> {
  if (result.kind === 'conflict') throw conflictingKey();
  if (result.kind === 'refused') {
    const { answer, code, message } = result.failure;
    if (answer !== null) return relayed(answer, result.isKept ? id : null, false);
    const headers = { ...(result.isKept && { 'windsock-import-id': id }) };
    throw new Refusal({ code, message, headers });
  }
  const answer = result.answer ?? (await taskOf(c, JSON.parse(result.view) as ImportView));
  return relayed(answer, id, result.isReplayed);
}

function relayed(answer: RawAnswer, importId: string | null, isReplayed: boolean): Response {
  const headers = answerHeaders(new Headers(answer.headers));
  if (importId !== null) headers.set('windsock-import-id', importId);
  if (isReplayed) headers.set('idempotency-replayed', 'true');
  return new Response(answer.body, { status: answer.status, headers });
}

/** The answer to a repeated request whose own answer was lost: the task as it stands, once it is known. */
async function taskOf(c: AppContext, view: ImportView): Promise<RawAnswer> {
  const task = view.tasks[0];
  if (task === undefined) {
    const headers = { 'windsock-import-id': view.id };
    if (view.finished_at !== null) {
      const message = view.message ?? 'The upstream did not take this import.';
      throw new Refusal({ code: 'upstream_error', message, headers });
    }
    const message = 'Whether the upstream took this import is being looked into; ask again.';
    const again = { ...headers, 'retry-after': '5' };
    throw new Refusal({ code: 'upstream_unavailable', message, headers: again });
  }
  const config = c.get('config');
  const upstream = observabilityUpstream(config, c.env, callerOf(c));
  const response = await upstream({
    method: 'GET',
    path: `/v1/observability/datasets/${view.dataset_id}/tasks/${encodeURIComponent(task.id)}`,
    headers: new Headers({ accept: 'application/json' }),
    body: null,
    signal: c.req.raw.signal,
    headersTimeoutMs: config.upstreamHeadersTimeoutMs,
  });
  const answer = await readAnswer(response);
  return { ...answer, status: response.ok ? 202 : response.status };
}

function callbackOf(c: AppContext): Callback | null {
  const url = c.req.header('windsock-callback') ?? '';
  refuseBadTarget(c, url, '/windsock-callback');
  const names = c.req.header('windsock-callback-events')?.split(',');
  if (names === undefined) return keptCallback({ url });
  const events = z.array(z.enum(IMPORT_EVENTS)).safeParse(names.map((name) => name.trim()));
  if (events.success) return keptCallback({ url, events: events.data });
  throw badHeader(
    'Windsock-Callback-Events',
    `must be event names separated by commas, of: ${IMPORT_EVENTS.join(', ')}`,
  );
}

function metadataOf(c: AppContext): Record<string, unknown> {
  const text = c.req.header('windsock-metadata');
  if (text === undefined) return {};
  const metadata = importMetadata.safeParse(parseJson(text));
  if (metadata.success) return metadata.data;
  throw badHeader('Windsock-Metadata', 'must be a JSON object of at most 16 kB');
}

function badHeader(name: string, what: string): Refusal {
  const details = [{ path: `/${name.toLowerCase()}`, message: what }];
  return new Refusal({ code: 'invalid_request', message: `The header ${name} ${what}.`, details });
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal({ code: 'invalid_request', message: 'The body is not UTF-8.' });
  }
}
