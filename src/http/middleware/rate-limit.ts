import { Refusal } from '../../domain/failures.ts';
import type { Admission } from '../../domain/rate-limit.ts';
import { logError } from '../../platform/log.ts';

/** Of the namespace of `RateLimiter` what is used here. */
interface RateLimiters {
  getByName: (clientId: string) => { admit: (limit: number) => Promise<Admission> };
}

/** Of a key's grant what is used here. */
interface Limited {
  clientId: string;
  /** Requests a minute; null for any number. */
  rateLimit: number | null;
}

/**
 * Counts a request against its client's `rate_limit`; a client without one costs no call.
 * @throws {Refusal} 429 with `Retry-After`, in whole seconds until a request would be admitted
 */
export async function withinRateLimit(limiters: RateLimiters, grant: Limited): Promise<void> {
  const { clientId, rateLimit } = grant;
  if (rateLimit === null) return;
  const admission = await limiters.getByName(clientId).admit(rateLimit).catch(withoutCount);
  if (admission.ok) return;
  const seconds = Math.max(1, Math.ceil(admission.retryAfterMs / 1000));
  throw new Refusal({
    code: 'rate_limited',
    message: `The rate_limit of this client, ${rateLimit} a minute, is used up. Try again in ${seconds} s.`,
    headers: { 'retry-after': String(seconds) },
  });
}

/**
 * When the object cannot be asked. The platform calls it overloaded when one client sends more than it can count, which
 * is over any limit; anything else, such as its restart by a deploy, is not the client's fault.
 */
function withoutCount(error: unknown): Admission {
  if (error instanceof Error && 'overloaded' in error && error.overloaded === true) {
    return { ok: false, retryAfterMs: 1000 };
  }
  logError('rate_limit_failed', error);
  return { ok: true };
}
