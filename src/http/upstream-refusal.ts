import { Refusal, type Failure } from '../domain/failures.ts';
import { pathIn } from '../domain/where.ts';
import { isObject, parseJson, type JsonObject } from '../domain/json.ts';
import type { UpstreamFailure } from '../mistral/answer.ts';
import { messageIn, upstreamMessage } from '../mistral/upstream-message.ts';

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

/** What an upstream of the observability API answered that is no success; `body` without our key. */
export interface ObservabilityNo {
  status: number;
  body: string;
  /** `retry-after` as the upstream sent it. */
  retryAfter: string | null;
  /** Whether nothing but the filter of a search can be what a 400 complains of. */
  filterAlone?: boolean;
}

/**
 * As {@link upstreamRefusal}, for the observability API: Mistral offers it to some accounts only and retires parts of
 * it, and says so with a plain 404, a 410 or a 403. Then the answer names the backend that has them all.
 */
export function observabilityRefusal(no: ObservabilityNo): Refusal {
  const { status, body, retryAfter, filterAlone = false } = no;
  const message = upstreamMessage(body);
  if (status === 410 || (status === 404 && !isOfTheId(body))) {
    const own = messageIn(body);
    const told = own === null ? RETIRED : `${RETIRED} Mistral’s own words: ${own}`;
    return new Refusal({ code: 'not_found', message: told });
  }
  if (status === 400 && isOfTheFilter(body, filterAlone)) {
    return new Refusal({ code: 'invalid_filter', message });
  }
  const hint = status === 403 ? ` ${GATED}` : '';
  return upstreamRefusal({ status, message: message + hint, body, retryAfter });
}

/** A failed call of the observability API or the Files API, as the client is told of it. */
export function failureRefusal(failure: UpstreamFailure): Refusal {
  const { status, code, message, body, retryAfterMs } = failure;
  if (status === null) return new Refusal({ code, message });
  const retryAfter = retryAfterMs === null ? null : String(Math.ceil(retryAfterMs / 1000));
  // An import searches by nothing but a filter, and from no cursor.
  return observabilityRefusal({ status, body, retryAfter, filterAlone: true });
}

/** Whether a 404 speaks of what was asked for (`ObservabilityError`), and not of the path as such. */
function isOfTheId(body: string): boolean {
  const detail = detailOf(body);
  if (detail === null || typeof detail['message'] !== 'string') return false;
  const { error_code: code = null } = detail;
  return code === null || (typeof code === 'string' && code.endsWith('_NOT_FOUND'));
}

/** A bad cursor and an unknown field to be shown have the code of a bad filter. */
function isOfTheFilter(body: string, filterAlone: boolean): boolean {
  const { error_code: code, message } = detailOf(body) ?? {};
  if (code === 'SEARCH_FILTER_TO_SQL_CONVERSION_ERROR') return true;
  if (code !== 'SEARCH_BAD_REQUEST') return false;
  return filterAlone || (typeof message === 'string' && pathIn(message) !== null);
}

function detailOf(body: string): JsonObject | null {
  const error = parseJson(body);
  const detail = isObject(error) ? error['detail'] : null;
  return isObject(detail) ? detail : null;
}

const RETIRED =
  'This Mistral account, or this version of its API, no longer offers this operation. ' +
  'With OBSERVABILITY_BACKEND=builtin Windsock serves it itself.';

const GATED =
  'Mistral opens its observability API to some plans and roles only; with OBSERVABILITY_BACKEND=builtin Windsock ' +
  'serves it itself.';
