import { Hono } from 'hono';
import { plainPath, scopeOfPath } from '../../domain/scopes.ts';
import { chatRecorder } from '../../builtin/capture.ts';
import { upstreamFor } from '../../relay/backends.ts';
import { relay } from '../../relay/relay.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { clientWith } from '../middleware/auth.ts';
import { readBytes, streamWithin } from '../request-body.ts';

/** Files stream through; the Files API takes 512 MB. */
const MAX_UPLOAD_BYTES = 512 * 1024 * 1024;

const scopeOfRequest = (c: AppContext) =>
  scopeOfPath(c.req.method, plainPath(new URL(c.req.url).pathname));

/** `/v1/*`: the Mistral API as it is, relayed to the backend that serves the path. */
export const v1Routes = new Hono<AppEnv>().all('/*', clientWith(scopeOfRequest), async (c) => {
  const config = c.get('config');
  const { origin, pathname, search } = new URL(c.req.url);
  const caller = { origin, requestId: c.get('requestId') };
  const body = await bodyOf(c, config.maxBodyBytes);
  const { response, upstreamMs } = await relay(c.req.raw, pathname + search, body, {
    upstream: upstreamFor(plainPath(pathname), config, c.env, caller),
    times: { heartbeatMs: config.streamHeartbeatMs, idleTimeoutMs: config.streamIdleTimeoutMs },
    waitUntil: (promise) => c.executionCtx.waitUntil(promise),
    observe: observerOf(c, body),
  });
  c.set('upstreamMs', upstreamMs);
  return response;
});

/** Chats are recorded where the events are Windsock's own, unless the operator or the request says no. */
function observerOf(c: AppContext, body: BodyInit | null) {
  const { capture, observabilityBackend } = c.get('config');
  const isChat =
    c.req.method === 'POST' && plainPath(new URL(c.req.url).pathname) === '/v1/chat/completions';
  const isOff = c.req.header('windsock-capture')?.toLowerCase() === 'off';
  if (!isChat || !capture || isOff || observabilityBackend !== 'builtin') return () => null;
  if (!(body instanceof Uint8Array)) return () => null;
  const chat = { request: body, requestId: c.get('requestId'), startedAt: Date.now() };
  return (answer: Response) => chatRecorder(chat, answer, c.env);
}

async function bodyOf(c: AppContext, maxBytes: number): Promise<BodyInit | null> {
  const { method, body } = c.req.raw;
  if (method === 'GET' || method === 'HEAD' || body === null) return null;
  const isUpload = /^multipart\//i.test(c.req.header('content-type') ?? '');
  return isUpload ? streamWithin(c.req.raw, MAX_UPLOAD_BYTES) : readBytes(c.req.raw, maxBytes);
}
