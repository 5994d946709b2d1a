import { Refusal, type Failure } from '../domain/failures.ts';

/** What the upstream answered instead of doing what was asked. */
interface UpstreamNo {
  /** HTTP status, or null when there was no answer that could be read. */
  status: number | null;
  /** The upstream's own words. */
  message: string;
  body: string;
  /** `retry-after` as the upstream sent it. */
  retryAfter?: string | null;
}

const MAX_EXCERPT = 4096;

/** An upstream 400, 404, 409, 422 or 429 keeps its status and its message; any other is our 502. */
export function upstreamRefusal({ status, message, body, retryAfter }: UpstreamNo): Refusal {
  switch (status) {
    case 404:
      return new Refusal({ code: 'not_found', message });
    case 429: {
      const headers: Failure['headers'] = retryAfter ? { 'retry-after': retryAfter } : {};
      return new Refusal({ code: 'rate_limited', message, headers });
    }
    case 400:
    case 409:
    case 422:
      return new Refusal({ code: 'invalid_request', message, status });
    default:
      return new Refusal({
        code: 'upstream_error',
        message: `The Mistral API refused: ${message}`,
        ...(status !== null && { upstream: { status, body: body.slice(0, MAX_EXCERPT) } }),
      });
  }
}
