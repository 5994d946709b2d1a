import type { Upstream } from '../mistral/upstream.ts';
import { answerHeaders, requestHeaders } from './headers.ts';
import { openWithRetries } from './open.ts';
import { PLAIN_STREAM, relayStream, type StreamTimes } from './stream.ts';

/** What the relay needs besides the request itself. */
export interface RelayContext {
  upstream: Upstream;
  times: StreamTimes & { headersMs: number };
  waitUntil: (promise: Promise<unknown>) => void;
}

/** An answer on its way to the client, and how long the upstream took for its headers. */
export interface Relayed {
  response: Response;
  upstreamMs: number;
}

/** Fires when the client leaves, or when the relay itself gives the upstream up. */
export function abortWith(client: AbortSignal): AbortController {
  const abort = new AbortController();
  if (client.aborted) abort.abort(client.reason);
  else client.addEventListener('abort', () => abort.abort(client.reason), { once: true });
  return abort;
}

/**
 * Hands a request to the upstream and its answer back: status and body bytes as they are, headers by list. Only what
 * reads is asked for again when it fails. An upstream that cannot answer is a `Refusal`.
 * @param path path and query, unchanged
 * @param body the request's body: its stream, or bytes that were read already
 */
export async function relay(
  request: Request,
  path: string,
  body: BodyInit | null,
  { upstream, times, waitUntil }: RelayContext,
): Promise<Relayed> {
  const abort = abortWith(request.signal);
  const { method } = request;
  const asked = {
    method,
    path,
    headers: requestHeaders(request.headers),
    body,
    signal: abort.signal,
  };
  const startedAt = performance.now();
  const isRead = method === 'GET' || method === 'HEAD';
  const answer = isRead
    ? (await openWithRetries(upstream, asked, times.headersMs)).answer
    : await upstream({ ...asked, headersTimeoutMs: times.headersMs });
  const upstreamMs = performance.now() - startedAt;
  const headers = answerHeaders(answer.headers);
  const respond = (relayed: BodyInit | null) => ({
    response: new Response(relayed, { status: answer.status, headers }),
    upstreamMs,
  });
  if (answer.body === null || !isEventStream(headers)) return respond(answer.body);
  headers.set('cache-control', 'no-cache, no-transform');
  const stream = relayStream(answer.body, times, PLAIN_STREAM, request.signal, abort);
  waitUntil(stream.done);
  return respond(stream.body);
}

/** Whether an answer is a stream of server-sent events. */
export function isEventStream(headers: Headers): boolean {
  return /^text\/event-stream\s*(?:;|$)/i.test(headers.get('content-type') ?? '');
}
