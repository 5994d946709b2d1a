import { chatRecorder } from '../builtin/capture.ts';
import { Refusal } from '../domain/failures.ts';
import { isObject, parseJson } from '../domain/json.ts';
import { upstreamFor } from '../relay/backends.ts';
import { ChatWatcher, type ChatReport } from '../relay/chat.ts';
import { answerHeaders, requestHeaders } from '../relay/headers.ts';
import { openWithRetries } from '../relay/open.ts';
import { abortWith, isEventStream } from '../relay/relay.ts';
import { relayStream } from '../relay/stream.ts';
import type { AppContext } from './context.ts';

export const CHAT_PATH = '/v1/chat/completions';

/**
 * Has a chat answered by the chat backend, as `/v1/chat/completions` answers it: bytes unchanged, and asked for again
 * where a first attempt found nobody. A stream that breaks ends with a chunk that says so. When the answer has ended
 * the chat is recorded, where events are Windsock's own.
 * @param body the request's JSON, sent as it is
 * @param path with its query, as the client sent it
 * @throws {Refusal} when no upstream answers
 */
export async function answerChat(
  c: AppContext,
  body: Uint8Array<ArrayBuffer>,
  path: string = CHAT_PATH,
): Promise<Response> {
  const config = c.get('config');
  const requestId = c.get('requestId');
  const startedAt = Date.now();
  const { origin } = new URL(c.req.url);
  const client = c.req.raw.signal;
  const abort = abortWith(client);
  const { answer, attempts, upstreamMs } = await openWithRetries(
    upstreamFor(CHAT_PATH, config, c.env, { origin, requestId }),
    {
      method: 'POST',
      path,
      headers: requestHeaders(c.req.raw.headers),
      body,
      signal: abort.signal,
    },
    config.upstreamHeadersTimeoutMs,
  );
  c.set('upstreamMs', upstreamMs);
  const headers = answerHeaders(answer.headers);
  headers.set('windsock-attempts', String(attempts));
  const recorder = isCaptured(c)
    ? chatRecorder({ request: body, requestId, startedAt }, answer, c.env)
    : null;
  const watcher = new ChatWatcher({ requestId, model: modelOf(body) }, recorder);
  const settle = async (_report: ChatReport) => {
    await recorder?.end();
  };
  const respond = (relayed: BodyInit | null) =>
    new Response(relayed, { status: answer.status, headers });

  if (answer.body === null || !isEventStream(headers)) {
    const bytes = await answer.arrayBuffer().catch(() => {
      const message = 'The Mistral API broke off its answer.';
      throw new Refusal({ code: 'upstream_error', message });
    });
    const report = watcher.bodyReport(new TextDecoder().decode(bytes), !answer.ok);
    c.executionCtx.waitUntil(settle(report));
    return respond(bytes);
  }
  headers.set('cache-control', 'no-cache, no-transform');
  const times = {
    heartbeatMs: config.streamHeartbeatMs,
    idleTimeoutMs: config.streamIdleTimeoutMs,
  };
  const stream = relayStream(answer.body, times, watcher, client, abort);
  c.executionCtx.waitUntil(
    stream.done.then((end) => settle(watcher.streamReport(end, !answer.ok))),
  );
  return respond(stream.body);
}

/** Chats are recorded where the events are Windsock's own, unless the operator or the request says no. */
function isCaptured(c: AppContext): boolean {
  const { capture, observabilityBackend } = c.get('config');
  const isOff = c.req.header('windsock-capture')?.toLowerCase() === 'off';
  return capture && !isOff && observabilityBackend === 'builtin';
}

function modelOf(body: Uint8Array): string {
  const request = parseJson(new TextDecoder().decode(body));
  return isObject(request) && typeof request['model'] === 'string' ? request['model'] : '';
}
