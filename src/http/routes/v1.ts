import { Hono } from 'hono/tiny';
import { parseJson } from '../../domain/json.ts';
import { plainPath, scopeOfPath } from '../../domain/scopes.ts';
import { MAX_FILE_BYTES } from '../../mistral/files.ts';
import { upstreamFor } from '../../relay/backends.ts';
import { relay } from '../../relay/relay.ts';
import { answerChat, CHAT_PATH } from '../chat-answer.ts';
import { callerOf, type AppContext, type AppEnv } from '../context.ts';
import { clientWith } from '../middleware/auth.ts';
import { readBytes, streamWithin } from '../request-body.ts';

const scopeOfRequest = (c: AppContext) =>
  scopeOfPath(c.req.method, plainPath(new URL(c.req.url).pathname));

/** `/v1/*`: the Mistral API as it is, relayed to the backend that serves the path. */
export const v1Routes = new Hono<AppEnv>().all('/*', clientWith(scopeOfRequest), async (c) => {
  const config = c.get('config');
  const { pathname, search } = new URL(c.req.url);
  const plain = plainPath(pathname);
  if (c.req.method === 'POST' && plain === CHAT_PATH) {
    const bytes = await readBytes(c.req.raw, config.maxBodyBytes);
    return answerChat(c, bytes, parseJson(new TextDecoder().decode(bytes)));
  }
  const body = await bodyOf(c, config.maxBodyBytes);
  const { response, upstreamMs } = await relay(c.req.raw, pathname + search, body, {
    upstream: upstreamFor(plain, config, c.env, callerOf(c)),
    times: {
      headersMs: config.upstreamHeadersTimeoutMs,
      heartbeatMs: config.streamHeartbeatMs,
      idleTimeoutMs: config.streamIdleTimeoutMs,
    },
    waitUntil: (promise) => c.executionCtx.waitUntil(promise),
  });
  c.set('upstreamMs', upstreamMs);
  return response;
});

/** Files stream through. */
async function bodyOf(c: AppContext, maxBytes: number): Promise<BodyInit | null> {
  const { method, body } = c.req.raw;
  if (method === 'GET' || method === 'HEAD' || body === null) return null;
  const isUpload = /^multipart\//i.test(c.req.header('content-type') ?? '');
  return isUpload ? streamWithin(c.req.raw, MAX_FILE_BYTES) : readBytes(c.req.raw, maxBytes);
}
