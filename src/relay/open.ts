import { Refusal } from '../domain/failures.ts';
import { retryAfterOf } from '../domain/retry-after.ts';
import { retryDelay, type AttemptResult } from '../domain/upstream-retry.ts';
import type { Upstream, UpstreamRequest } from '../mistral/upstream.ts';

/** The upstream's answer, its headers there and its body to come. */
export interface Opened {
  answer: Response;
  /** Attempts that it took, 1 when the first was answered. */
  attempts: number;
  /** Milliseconds until the headers, waits between attempts included. */
  upstreamMs: number;
}

/**
 * Asks the upstream: for what only reads with retries, for anything else once.
 * @throws {Refusal} when there is no answer
 */
export async function openUpstream(
  upstream: Upstream,
  request: Omit<UpstreamRequest, 'headersTimeoutMs'>,
  headersTimeoutMs: number,
  isRead: boolean,
): Promise<Opened> {
  if (isRead) return openWithRetries(upstream, request, headersTimeoutMs);
  const startedAt = performance.now();
  const answer = await upstream({ ...request, headersTimeoutMs });
  return { answer, attempts: 1, upstreamMs: performance.now() - startedAt };
}

/**
 * Asks the upstream, and once or twice more where that does no harm; the body must be one that can be sent again.
 * @param headersTimeoutMs for all attempts together
 * @throws {Refusal} when there is no answer
 */
export async function openWithRetries(
  upstream: Upstream,
  request: Omit<UpstreamRequest, 'headersTimeoutMs'>,
  headersTimeoutMs: number,
): Promise<Opened> {
  const startedAt = performance.now();
  for (let made = 1; ; made++) {
    const left = () => headersTimeoutMs - (performance.now() - startedAt);
    const tried = await attempt(upstream, { ...request, headersTimeoutMs: left() });
    const delay = request.signal.aborted
      ? null
      : retryDelay(tried.result, made, left(), Math.random());
    if (delay === null) {
      if (tried.answer === null) throw tried.refusal;
      return { answer: tried.answer, attempts: made, upstreamMs: performance.now() - startedAt };
    }
    // Nobody will read this answer.
    await tried.answer?.body?.cancel();
    await scheduler.wait(delay);
  }
}

type Tried = { result: AttemptResult } & (
  | { answer: Response; refusal: null }
  | { answer: null; refusal: Refusal }
);

async function attempt(upstream: Upstream, request: UpstreamRequest): Promise<Tried> {
  try {
    const answer = await upstream(request);
    const retryAfterMs = retryAfterOf(answer.headers.get('retry-after'), Date.now());
    return { result: { status: answer.status, retryAfterMs }, answer, refusal: null };
  } catch (error) {
    if (!(error instanceof Refusal) || error.failure.code !== 'upstream_unavailable') throw error;
    return { result: { status: null, retryAfterMs: null }, answer: null, refusal: error };
  }
}
