import { isEventStream } from '../domain/sse.ts';
import type { Upstream } from '../mistral/upstream.ts';
import { abortWith } from '../platform/abort.ts';
import { answerHeaders, requestHeaders } from './headers.ts';
import { openUpstream } from './open.ts';
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
  // Fires when the client leaves, or when the relay itself gives the upstream up.
  const abort = abortWith(request.signal);
  const { method } = request;
  const asked = {
    method,
    path,
    headers: requestHeaders(request.headers),
    body,
    signal: abort.signal,
  };
  const isRead = method === 'GET' || method === 'HEAD';
  const { answer, upstreamMs } = await openUpstream(upstream, asked, times.headersMs, isRead);
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
