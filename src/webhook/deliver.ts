import type { AttemptView } from '../domain/attempt-view.ts';
import { cutToBytes } from '../domain/bytes.ts';
import { redact } from '../domain/redact.ts';
import { retryAfterOf } from '../domain/retry-after.ts';
import { judgeTarget, type TargetPolicy } from '../domain/target.ts';
import { VERSION } from '../platform/version.ts';
import { signatureHeaders } from './sign.ts';

export const WEBHOOK_USER_AGENT = `Windsock-Webhooks/${VERSION}`;

/** At most so much of an answer is read. */
const MAX_EXCERPT_BYTES = 16_384;

/** One webhook to send; `id` and `body` are the same over all attempts. */
export interface Delivery {
  id: string;
  url: string;
  body: string;
  /** Current signing secrets of the client, `whsec_` + base64. */
  secrets: readonly string[];
}

/** Why an attempt failed; null when a 2xx came. */
type AttemptError = AttemptView['error'];

/** What came of one attempt; `at` in milliseconds since the epoch. */
export interface Attempt {
  at: number;
  durationMs: number;
  status: number | null;
  error: AttemptError;
  responseExcerpt: string;
  /** What a 429 or 503 asked for with `Retry-After`, in milliseconds. */
  retryAfterMs: number | null;
}

/**
 * Sends one webhook once. Never throws: whatever happens is an {@link Attempt}. Only a 2xx is a success; a redirect
 * is not followed, because its target was never registered.
 * @param timeoutMs for the whole attempt: connection, headers and body
 * @param hidden what must not come to rest in the excerpt beside the signing secrets, should the receiver echo it
 */
export async function attemptDelivery(
  delivery: Delivery,
  policy: TargetPolicy,
  timeoutMs: number,
  hidden: readonly string[],
): Promise<Attempt> {
  const at = Date.now();
  const result = (
    error: AttemptError,
    status: number | null,
    responseExcerpt: string,
    retryAfterMs: number | null = null,
  ): Attempt => ({
    at,
    durationMs: Date.now() - at,
    status,
    error,
    responseExcerpt,
    retryAfterMs,
  });
  const verdict = judgeTarget(delivery.url, policy);
  if (!verdict.ok) return result('blocked', null, `The callback URL ${verdict.reason}.`);
  if (delivery.secrets.length === 0) {
    return result('blocked', null, 'There is nothing to sign with: the client was deleted.');
  }
  const signal = AbortSignal.timeout(timeoutMs);
  let status: number | null = null;
  try {
    const response = await fetch(delivery.url, {
      method: 'POST',
      redirect: 'manual',
      signal,
      body: delivery.body,
      headers: {
        'content-type': 'application/json',
        'user-agent': WEBHOOK_USER_AGENT,
        ...(await signatureHeaders(delivery.id, delivery.body, delivery.secrets, at)),
      },
    });
    status = response.status;
    const text = redact(await readExcerpt(response), [...delivery.secrets, ...hidden]);
    const excerpt = cutToBytes(text, MAX_EXCERPT_BYTES);
    const retryAfterMs =
      status === 429 || status === 503
        ? retryAfterOf(response.headers.get('retry-after'), Date.now())
        : null;
    return result(response.ok ? null : 'http', status, excerpt, retryAfterMs);
  } catch (error) {
    if (signal.aborted) return result('timeout', status, '');
    return result(isNameFailure(error) ? 'dns' : 'connect', status, '');
  }
}

/** workerd says `Network connection lost` of a connection, and names nothing when a name cannot be resolved. */
function isNameFailure(error: unknown): boolean {
  return error instanceof Error && /^internal error|dns/i.test(error.message);
}

async function readExcerpt(response: Response): Promise<string> {
  if (response.body === null) return '';
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let left = MAX_EXCERPT_BYTES;
  while (left > 0) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value.subarray(0, left), { stream: true });
    left -= value.byteLength;
  }
  await reader.cancel();
  return text;
}
