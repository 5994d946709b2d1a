import { Hono } from 'hono/tiny';
import { Refusal, type Failure, failureStatus } from '../../domain/failures.ts';
import { fillImport } from '../../domain/hook-map.ts';
import { NOT_SIGNED, readSignature } from '../../domain/hook-signature.ts';
import type { HookCall, HookDefinition, HookOutcome } from '../../domain/hook.ts';
import { planImport } from '../../domain/import-body.ts';
import { startPath } from '../../domain/import-parts.ts';
import { isJsonType, parseJson } from '../../domain/json.ts';
import { redact } from '../../domain/redact.ts';
import type { StartOrder, StartResult } from '../../objects/import-calls.ts';
import { logError } from '../../platform/log.ts';
import { Clients, type ClientRecord } from '../../store/clients.ts';
import { isProved } from '../../webhook/verify.ts';
import { keptCallback } from '../callback.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { hookOf, noSuchHook } from '../hooks.ts';
import { answerStart } from '../import-answer.ts';
import { importIdFor, refuseBadTarget } from '../import-request.ts';
import { notJson, refuseEncoded } from '../middleware/json-body.ts';
import { withinRateLimit } from '../middleware/rate-limit.ts';
import { invalidFilter } from '../refusals.ts';
import { readBytes } from '../request-body.ts';

const MAX_BODY_BYTES = 1_048_576;
const MAX_LOGGED = 1000;
const MAX_LOGGED_ID = 255;

/** A refusal with the word that the log of the hook has for it. */
class CallRefusal extends Refusal {
  readonly outcome: HookOutcome;

  constructor(outcome: HookOutcome, failure: Failure) {
    super(failure);
    this.outcome = outcome;
  }
}

/** What came of a call, as far as it is known. */
type Noted = Pick<HookCall, 'importId' | 'webhookId'> & { outcome: HookOutcome };

/** `POST /hooks/:id`: any system that proves itself to the hook starts its import. */
export const hookCallRoutes = new Hono<AppEnv>().post('/:id', async (c) => {
  const stub = hookOf(c);
  const opened = await stub.open();
  if (opened === null) throw noSuchHook();
  const hook = JSON.parse(opened.hook) as HookDefinition;
  const client = await new Clients(c.env.KV).get(hook.clientId);
  if (client === null) throw noSuchHook();
  const log = ({ webhookId, ...call }: HookCall) =>
    stub
      .note({ ...call, webhookId: webhookId?.slice(0, MAX_LOGGED_ID) ?? null })
      .catch((error: unknown) => logError('hook_log_failed', error, { id: hook.id }));
  const work = answerAndLog(c, { hook, client, secrets: opened.secrets }, log);
  // Senders do not wait for long: what they have sent is done all the same.
  c.executionCtx.waitUntil(work.catch(() => undefined));
  return work;
});

interface Called {
  hook: HookDefinition;
  client: ClientRecord;
  secrets: readonly string[];
}

async function answerAndLog(
  c: AppContext,
  called: Called,
  log: (call: HookCall) => Promise<void>,
): Promise<Response> {
  const at = Date.now();
  const noted: Noted = { outcome: 'failed', importId: null, webhookId: null };
  try {
    const response = await answerCall(c, called, noted);
    await log({ at, status: response.status, message: null, ...noted });
    return response;
  } catch (error) {
    const failure = error instanceof Refusal ? error.failure : null;
    await log({
      at,
      status: failure === null ? 500 : failureStatus(failure),
      message: failure === null ? null : redact(wordsOf(failure), called.secrets),
      ...noted,
      outcome: error instanceof Refusal ? outcomeOf(error) : 'failed',
    });
    throw error;
  }
}

async function answerCall(
  c: AppContext,
  { hook, client, secrets }: Called,
  noted: Noted,
): Promise<Response> {
  const { id: clientId, scopes, rateLimit } = client;
  const body = await readBytes(c.req.raw, Math.min(MAX_BODY_BYTES, c.get('config').maxBodyBytes));
  noted.webhookId = await provedId(c, hook, body, secrets);
  c.set('grant', { clientId, scopes, rateLimit, expiresAt: null });
  if (!scopes.includes('observability:write')) {
    const message = 'The client of this hook lacks the scope observability:write.';
    throw new CallRefusal('forbidden', { code: 'forbidden', message });
  }
  await withinRateLimit(c.env.RATE_LIMITER, { clientId, rateLimit });
  // What GitHub sends when the webhook is made there.
  if (hook.verify === 'github' && c.req.header('x-github-event') === 'ping') {
    noted.outcome = 'ping';
    return c.body(null, 204);
  }
  const id = await importIdFor(hook.id, noted.webhookId ?? undefined);
  const result = await start(c, hook, body, id, noted.webhookId !== null);
  const answer = answerStart(c, id, result);
  noted.importId = id;
  noted.outcome = result.kind === 'accepted' && result.isReplayed ? 'replayed' : 'accepted';
  return answer;
}

/** The id of a call that is proved to come from who knows a secret. @throws {CallRefusal} 401 */
async function provedId(
  c: AppContext,
  { verify }: HookDefinition,
  body: Uint8Array,
  secrets: readonly string[],
): Promise<string | null> {
  const read = readSignature(verify, (name) => c.req.header(name), Date.now());
  const headers = verify === 'bearer' ? { 'www-authenticate': 'Bearer' } : {};
  if (!read.ok) {
    const { outcome, message } = read;
    throw new CallRefusal(outcome, { code: 'unauthorized', message, headers });
  }
  if (await isProved(read.proof, body, secrets)) return read.webhookId;
  throw new CallRefusal('unauthorized', { code: 'unauthorized', message: NOT_SIGNED, headers });
}

/** Starts the import, or finds the one that a call of the same id has started: then it does not matter what came. */
async function start(
  c: AppContext,
  hook: HookDefinition,
  body: Uint8Array,
  id: string,
  isRepeatable: boolean,
): Promise<StartResult> {
  const job = c.env.IMPORT_JOB.getByName(id);
  let order: StartOrder;
  try {
    order = orderOf(c, hook, body, id);
  } catch (error) {
    const view = isRepeatable ? await job.read(hook.clientId) : null;
    if (view === null) throw error;
    return { kind: 'accepted', view, isReplayed: true, answer: null };
  }
  return job.start(order);
}

function orderOf(c: AppContext, hook: HookDefinition, body: Uint8Array, id: string): StartOrder {
  const { clientId, datasetId } = hook;
  const filled = fillImport(hook.template, hook.map, jsonOf(c, body));
  if (!filled.ok) {
    const { reason, details } = filled;
    const message = MISFITS[reason];
    throw new CallRefusal(reason, { code: 'invalid_request', status: 422, message, details });
  }
  const plan = planImport(filled.body, Date.now());
  if (!plan.ok) throw invalidFilter(plan, '/where');
  const { source, metadata } = filled.body;
  const callback = filled.body.callback ?? hook.callback;
  if (callback) refuseBadTarget(c, callback.url, '/callback/url');
  return {
    id,
    clientId,
    datasetId,
    source,
    isRelayed: false,
    startPath: startPath(datasetId, source),
    parts: plan.parts,
    search: plan.search,
    // A call is told from another one by its id alone.
    requestHash: id,
    metadata: metadata ?? {},
    callback: keptCallback(callback),
    origin: new URL(c.req.url).origin,
    headers: {},
  };
}

const MISFITS = {
  not_found_in_body: 'The body lacks what the map of this hook copies; see details.',
  invalid_import: 'The import that this call comes to is not as it should be; see details.',
};

function jsonOf(c: AppContext, body: Uint8Array): unknown {
  if (!isJsonType(c.req.header('content-type') ?? '')) throw notJson();
  refuseEncoded(c.req.raw);
  const value = parseJson(textOf(body) ?? '');
  if (value !== undefined) return value;
  const message = 'The body is not JSON.';
  throw new CallRefusal('invalid_json', { code: 'invalid_request', message });
}

function textOf(body: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(body);
  } catch {
    return null;
  }
}

function outcomeOf(refusal: Refusal): HookOutcome {
  if (refusal instanceof CallRefusal) return refusal.outcome;
  switch (refusal.failure.code) {
    case 'payload_too_large':
      return 'too_large';
    case 'unsupported_media_type':
      return 'invalid_json';
    case 'rate_limited':
      return 'rate_limited';
    case 'invalid_filter':
    case 'callback_refused':
      return 'invalid_import';
    default:
      return 'upstream_refused';
  }
}

/** A failure in one line. */
function wordsOf({ message, details }: Failure): string {
  const words = details?.map((detail) => `${detail.path} ${detail.message}`).join('; ') ?? message;
  return words.slice(0, MAX_LOGGED);
}
