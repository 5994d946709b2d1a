import { Refusal } from '../domain/failures.ts';
import { retryAfterOf } from '../domain/retry-after.ts';
import type { UpstreamFailure, UpstreamResult } from './datasets.ts';
import { upstreamMessage } from './upstream-message.ts';
import type { Upstream } from './upstream.ts';

const MAX_EXCERPT = 4096;

/** A call without a body; its answer's text. Failures are values, a call without an answer included. */
export async function callUpstream(
  upstream: Upstream,
  method: 'GET' | 'DELETE',
  path: string,
  timeoutMs: number,
): Promise<UpstreamResult<string>> {
  const headers = new Headers({ accept: 'application/json' });
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await readAnswer(
      await upstream({ method, path, headers, body: null, signal, headersTimeoutMs: timeoutMs }),
    );
  } catch (error) {
    const message =
      error instanceof Refusal ? error.message : 'The Mistral API did not answer in time.';
    return { ok: false, failure: { status: null, message, body: '', retryAfterMs: null } };
  }
}

/** The text of a success, or why it is none. */
export async function readAnswer(response: Response): Promise<UpstreamResult<string>> {
  const text = await response.text();
  if (response.ok) return { ok: true, value: text };
  const failure: UpstreamFailure = {
    status: response.status,
    message: upstreamMessage(text),
    body: text.slice(0, MAX_EXCERPT),
    retryAfterMs: retryAfterOf(response.headers.get('retry-after'), Date.now()),
  };
  return { ok: false, failure };
}
