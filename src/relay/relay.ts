import type { Upstream } from '../mistral/upstream.ts';
import { answerHeaders, requestHeaders } from './headers.ts';
import { relayBody, relayStream, type AnswerObserver, type StreamTimes } from './stream.ts';

/** What the relay needs besides the request itself. */
export interface RelayContext {
  upstream: Upstream;
  times: StreamTimes;
  waitUntil: (promise: Promise<unknown>) => void;
  /** Asked once the upstream's headers are there; null when nobody wants to see the answer. */
  observe?: (answer: Response) => AnswerObserver | null;
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
  { upstream, times, waitUntil, observe }: RelayContext,
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
  const respond = (relayed: BodyInit | null) => ({
    response: new Response(relayed, { status: answer.status, headers }),
    upstreamMs,
  });
  const observer = observe?.(answer) ?? null;
  const isStream = isEventStream(headers);
  if (answer.body === null || (!isStream && observer === null)) return respond(answer.body);
  if (isStream) headers.set('cache-control', 'no-cache, no-transform');
  const relayed =
    isStream || observer === null
      ? relayStream(answer.body, times, observer, abort)
      : relayBody(answer.body, lengthOf(answer.headers), observer, abort);
  waitUntil(relayed.done);
  return respond(relayed.body);
}

function lengthOf(headers: Headers): number | null {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? null : Number(length);
}

function isEventStream(headers: Headers): boolean {
  return /^text\/event-stream\s*(?:;|$)/i.test(headers.get('content-type') ?? '');
}
