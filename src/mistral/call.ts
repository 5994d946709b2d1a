import { Refusal } from '../domain/failures.ts';
import { redact } from '../domain/redact.ts';
import { retryAfterOf } from '../domain/retry-after.ts';
import type { RawAnswer, UpstreamFailure, UpstreamResult } from './answer.ts';
import { readText } from './read-text.ts';
import { upstreamMessage } from './upstream-message.ts';
import type { Upstream } from './upstream.ts';

/** A call that is made of texts. */
export interface UpstreamCall {
  method: 'GET' | 'POST' | 'DELETE';
  /** Path and query. */
  path: string;
  body?: string;
  /** Further headers; JSON is declared where nothing else is. */
  headers?: Readonly<Record<string, string>>;
  /** For the whole answer. */
  timeoutMs: number;
  /** A larger answer is a failure for good; left out for one of any size. */
  maxBytes?: number;
}

const MAX_EXCERPT = 4096;

/**
 * Makes a call and reads its answer. Failures are values, a call without an answer included.
 * @param secrets what must not come to rest in a message, should the upstream echo it
 */
export async function callUpstream(
  upstream: Upstream,
  { method, path, body, headers: further, timeoutMs, maxBytes }: UpstreamCall,
  secrets: readonly string[],
): Promise<UpstreamResult<RawAnswer>> {
  const headers = new Headers({ ...further });
  if (!headers.has('accept')) headers.set('accept', 'application/json');
  if (body !== undefined && !headers.has('content-type')) {
    headers.set('content-type', 'application/json');
  }
  let answer: RawAnswer;
  try {
    const response = await upstream({
      method,
      path,
      headers,
      body: body ?? null,
      signal: AbortSignal.timeout(timeoutMs),
      headersTimeoutMs: timeoutMs,
    });
    answer =
      maxBytes === undefined
        ? await readAnswer(response)
        : await readBounded(response, maxBytes, timeoutMs);
  } catch (error) {
    const late = `The Mistral API sent no whole answer within ${timeoutMs} ms.`;
    const { code, message } =
      error instanceof Refusal
        ? error.failure
        : { code: 'upstream_timeout' as const, message: late };
    return failed({ status: null, code, message, answer: null }, secrets);
  }
  return judged(answer, secrets);
}

/** An answer with its whole body. */
export async function readAnswer(response: Response): Promise<RawAnswer> {
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  };
}

async function readBounded(
  response: Response,
  maxBytes: number,
  timeoutMs: number,
): Promise<RawAnswer> {
  const { text, end } = await readText(response, maxBytes, timeoutMs);
  if (end === 'too_large') {
    const message = `The answer is larger than ${maxBytes} bytes. Ask for less, with a narrower search.`;
    throw new Refusal({ code: 'invalid_request', message });
  }
  if (end !== 'whole') throw new Error(`The answer ended ${end}.`);
  return { status: response.status, headers: Object.fromEntries(response.headers), body: text };
}

/** A 2xx is a success, anything else a failure with the upstream's own message. */
export function judged(answer: RawAnswer, secrets: readonly string[]): UpstreamResult<RawAnswer> {
  const { status, body } = answer;
  if (status >= 200 && status < 300) return { ok: true, value: answer };
  const message = upstreamMessage(body);
  return failed({ status, code: 'upstream_error', message, answer }, secrets);
}

/** A success whose body is not what it should be. @param what it should have been, such as `a task` */
export function unreadable(
  answer: RawAnswer,
  what: string,
  secrets: readonly string[],
): UpstreamResult<never> {
  const message = `The Mistral API answered without ${what} that can be read.`;
  return failed({ status: null, code: 'upstream_error', message, answer }, secrets);
}

function failed(
  failure: Pick<UpstreamFailure, 'status' | 'code' | 'message' | 'answer'>,
  secrets: readonly string[],
): UpstreamResult<never> {
  const { answer, message } = failure;
  return {
    ok: false,
    failure: {
      ...failure,
      message: redact(message, secrets),
      body: redact(answer?.body ?? '', secrets).slice(0, MAX_EXCERPT),
      retryAfterMs: retryAfterOf(answer?.headers['retry-after'] ?? null, Date.now()),
    },
  };
}
