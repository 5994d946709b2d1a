import type { Upstream } from '../mistral/upstream.ts';
import { answerHeaders, requestHeaders } from './headers.ts';
import { relayStream, type StreamTimes } from './stream.ts';

/** What the relay needs besides the request itself. */
export interface RelayContext {
  upstream: Upstream;
  times: StreamTimes;
  waitUntil: (promise: Promise<unknown>) => void;
}

/** An answer on its way to the client, and how long the upstream took for its headers. */
export interface Relayed {
  response: Response;
  upstreamMs: number;
}

/**
 * Hands a request to the upstream and its answer back: status and body bytes as they are, headers by list.
 * An upstream that cannot answer is a `Refusal`.
 * @param path path and query, unchanged
 * @param body the request's body: its stream, or bytes that were read already
 */
export async function relay(
  request: Request,
  path: string,
  body: BodyInit | null,
  { upstream, times, waitUntil }: RelayContext,
): Promise<Relayed> {
  const abort = new AbortController();
  request.signal.addEventListener('abort', () => abort.abort(request.signal.reason), {
    once: true,
  });
  const startedAt = performance.now();
  const answer = await upstream({
    method: request.method,
    path,
    headers: requestHeaders(request.headers),
    body,
    signal: abort.signal,
  });
  const upstreamMs = performance.now() - startedAt;
  const headers = answerHeaders(answer.headers);
  if (answer.body === null || !isEventStream(headers)) {
    return { response: new Response(answer.body, { status: answer.status, headers }), upstreamMs };
  }
  headers.set('cache-control', 'no-cache, no-transform');
  const stream = relayStream(answer.body, times, abort);
  waitUntil(stream.done);
  return { response: new Response(stream.body, { status: answer.status, headers }), upstreamMs };
}

function isEventStream(headers: Headers): boolean {
  return /^text\/event-stream\s*(?:;|$)/i.test(headers.get('content-type') ?? '');
}
