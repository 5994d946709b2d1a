import { chatRecorder } from '../builtin/capture.ts';
import { plainPath } from '../domain/scopes.ts';
import { upstreamFor } from '../relay/backends.ts';
import { relay } from '../relay/relay.ts';
import type { AppContext } from './context.ts';

/** Where the Mistral API takes chats. */
export const CHAT_PATH = '/v1/chat/completions';

/**
 * The one way of all chats: sends a body to the backend that serves them, and answers what `/v1` would: the upstream's
 * status, listed headers and body, JSON or an event stream.
 * @param body JSON text as the Mistral API takes it
 * @throws {Refusal} when there is no upstream
 */
export async function answerChat(c: AppContext, body: Uint8Array<ArrayBuffer>): Promise<Response> {
  const config = c.get('config');
  const { origin, pathname, search } = new URL(c.req.url);
  const isDropIn = plainPath(pathname) === CHAT_PATH;
  const request = isDropIn ? c.req.raw : jsonRequest(c.req.raw);
  const path = isDropIn ? pathname + search : CHAT_PATH;
  const { response, upstreamMs } = await relay(request, path, body, {
    upstream: upstreamFor(CHAT_PATH, config, c.env, { origin, requestId: c.get('requestId') }),
    times: { heartbeatMs: config.streamHeartbeatMs, idleTimeoutMs: config.streamIdleTimeoutMs },
    waitUntil: (promise) => c.executionCtx.waitUntil(promise),
    observe: observerOf(c, body),
  });
  c.set('upstreamMs', upstreamMs);
  return response;
}

/** What a client of the facade accepts is for the facade to give; the upstream is asked for what is read of it. */
function jsonRequest({ url, method, headers, signal }: Request): Request {
  const sent = new Headers(headers);
  sent.set('accept', 'application/json, text/event-stream');
  sent.set('content-type', 'application/json');
  return new Request(url, { method, headers: sent, signal });
}

/** Chats are recorded where the events are Windsock's own, unless the operator or the request says no. */
function observerOf(c: AppContext, body: Uint8Array<ArrayBuffer>) {
  const { capture, observabilityBackend } = c.get('config');
  const isOff = c.req.header('windsock-capture')?.toLowerCase() === 'off';
  if (!capture || isOff || observabilityBackend !== 'builtin') return () => null;
  const chat = { request: body, requestId: c.get('requestId'), startedAt: Date.now() };
  return (answer: Response) => chatRecorder(chat, answer, c.env);
}
