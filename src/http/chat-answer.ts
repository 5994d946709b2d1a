import { chatRecorder } from '../builtin/capture.ts';
import { Refusal } from '../domain/failures.ts';
import { NO_USAGE } from '../domain/completion.ts';
import { isObject } from '../domain/json.ts';
import { plainPath } from '../domain/scopes.ts';
import { isEventStream } from '../domain/sse.ts';
import type { UsageRow } from '../domain/usage.ts';
import { noteUsage } from '../objects/usage-batch.ts';
import { abortWith } from '../platform/abort.ts';
import { upstreamFor } from '../relay/backends.ts';
import { ChatWatcher, type ChatReport, type ChatRequest } from '../relay/chat.ts';
import { answerHeaders, requestHeaders } from '../relay/headers.ts';
import { openWithRetries, type Opened } from '../relay/open.ts';
import { relayStream } from '../relay/stream.ts';
import { callerOf, type AppContext } from './context.ts';

/** Where the Mistral API takes chats. */
export const CHAT_PATH = '/v1/chat/completions';

/**
 * Has a chat answered by the chat backend, as `/v1/chat/completions` answers it: bytes unchanged, and asked for again
 * where a first attempt found nobody. A stream that breaks ends with a chunk that says so. When the answer has ended
 * the chat is recorded, where events are Windsock's own.
 * @param body the request's JSON, sent as it is
 * @param request what that JSON says, undefined where it is none
 * @throws {Refusal} when no upstream answers
 */
export async function answerChat(
  c: AppContext,
  body: Uint8Array<ArrayBuffer>,
  request: unknown,
): Promise<Response> {
  const chat = { ...headOf(request), requestId: c.get('requestId'), startedAt: Date.now() };
  const abort = abortWith(c.req.raw.signal);
  try {
    const { answer, attempts, upstreamMs } = await open(c, body, abort.signal);
    c.set('upstreamMs', upstreamMs);
    const headers = answerHeaders(answer.headers);
    headers.set('windsock-attempts', String(attempts));
    return await respond(c, { ...chat, request }, answer, headers, abort);
  } catch (error) {
    note(c, chat, UNANSWERED);
    throw error;
  }
}

/** What the ledger says of a chat that no upstream answered. */
const UNANSWERED: ChatReport = {
  outcome: 'upstream_error',
  usage: NO_USAGE,
  firstByteAt: null,
  bytes: 0,
};

/** A chat as it is known before its answer; `startedAt` in milliseconds since the epoch. */
interface Chat extends ChatRequest {
  stream: boolean;
  startedAt: number;
}

function open(c: AppContext, body: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<Opened> {
  const config = c.get('config');
  const { pathname, search } = new URL(c.req.url);
  const headers = requestHeaders(c.req.raw.headers);
  const isDropIn = plainPath(pathname) === CHAT_PATH;
  const path = isDropIn ? pathname + search : CHAT_PATH;
  if (!isDropIn) {
    // What a client of the facade accepts is for the facade to give; the upstream is asked for what is read of it.
    headers.set('accept', 'application/json, text/event-stream');
    headers.set('content-type', 'application/json');
  }
  return openWithRetries(
    upstreamFor(CHAT_PATH, config, c.env, callerOf(c)),
    { method: 'POST', path, headers, body, signal },
    config.upstreamHeadersTimeoutMs,
  );
}

async function respond(
  c: AppContext,
  chat: Chat & { request: unknown },
  answer: Response,
  headers: Headers,
  abort: AbortController,
): Promise<Response> {
  const config = c.get('config');
  const recorder = isCaptured(c) ? chatRecorder(chat, answer, c.env) : null;
  const watcher = new ChatWatcher(chat, recorder);
  const settle = (report: ChatReport) => {
    note(c, chat, report);
    return recorder?.end();
  };
  const init = { status: answer.status, headers };
  if (answer.body === null || !isEventStream(headers)) {
    const bytes = await answer.arrayBuffer().catch(() => {
      const message = 'The Mistral API broke off its answer.';
      const upstream = { status: answer.status, body: '' };
      throw new Refusal({ code: 'upstream_error', message, upstream });
    });
    const settled = settle(watcher.bodyReport(new Uint8Array(bytes), !answer.ok));
    if (settled !== undefined) c.executionCtx.waitUntil(settled);
    return new Response(bytes, init);
  }
  headers.set('cache-control', 'no-cache, no-transform');
  const times = {
    heartbeatMs: config.streamHeartbeatMs,
    idleTimeoutMs: config.streamIdleTimeoutMs,
  };
  const stream = relayStream(answer.body, times, watcher, c.req.raw.signal, abort);
  c.executionCtx.waitUntil(
    stream.done.then((end) => settle(watcher.streamReport(end, !answer.ok))),
  );
  return new Response(stream.body, init);
}

/** Hands the chat's row to the ledger, in the background. */
function note(c: AppContext, chat: Chat, { outcome, usage, firstByteAt, bytes }: ChatReport): void {
  const row: UsageRow = {
    requestId: chat.requestId,
    model: chat.model,
    stream: chat.stream,
    outcome,
    ...usage,
    ttfbMs: firstByteAt === null ? null : firstByteAt - chat.startedAt,
    durationMs: Date.now() - chat.startedAt,
    bytes,
    startedAt: chat.startedAt,
  };
  noteUsage(c.env, c.get('grant').clientId, row, (promise) => c.executionCtx.waitUntil(promise));
}

/** Chats are recorded where the events are Windsock's own, unless the operator or the request says no. */
function isCaptured(c: AppContext): boolean {
  const { capture, observabilityBackend } = c.get('config');
  const isOff = c.req.header('windsock-capture')?.toLowerCase() === 'off';
  return capture && !isOff && observabilityBackend === 'builtin';
}

function headOf(request: unknown): { model: string; stream: boolean } {
  if (!isObject(request)) return { model: '', stream: false };
  const { model, stream } = request;
  return { model: typeof model === 'string' ? model : '', stream: stream === true };
}
