import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { ConfigError } from '../config.ts';
import type { ReadWhere } from '../domain/where.ts';
import { failureStatus, Refusal, type Failure, type FailureCode } from '../domain/failures.ts';
import {
  mistralError,
  observabilityError,
  OBSERVABILITY_PREFIX,
  UNAUTHORIZED_BODY,
  type ObservabilityErrorCode,
} from '../mistral/errors.ts';
import { logError } from '../platform/log.ts';
import type { AppContext } from './context.ts';

type FilterMistake = Extract<ReadWhere, { ok: false }>;

/** Answers a failure in the shape of its path: the facade's own, or what the Mistral SDKs parse under `/v1`. */
export function answerFailure(c: AppContext, failure: Failure): Response {
  const status = failureStatus(failure) as ContentfulStatusCode;
  const answer = (body: object) => c.json(body, status, failure.headers);
  const { path } = c.req;
  if (path !== '/v1' && !path.startsWith('/v1/')) {
    const { code, message, details, position, upstream } = failure;
    return answer({
      error: {
        code,
        message,
        request_id: c.get('requestId'),
        ...(position !== undefined && { position }),
        ...(details && { details }),
        ...(upstream && { upstream }),
      },
    });
  }
  if (failure.code === 'unauthorized') return answer(UNAUTHORIZED_BODY);
  if (path.startsWith(OBSERVABILITY_PREFIX)) {
    return answer(observabilityError(failure.message, OBSERVABILITY_CODES[failure.code]));
  }
  return answer(mistralError(failure.message, failure.code));
}

/** Turns whatever was thrown into an answer; what nobody foresaw is logged and told without its details. */
export function answerError(error: unknown, c: AppContext): Response {
  return answerFailure(c, failureOf(error, c));
}

/** What a list answers to a cursor that it never gave. */
export function badCursor(): Refusal {
  return new Refusal({
    code: 'invalid_request',
    message: 'Send back a cursor as `next_cursor` gave it, or none.',
    details: [{ path: '/cursor', message: 'is not a cursor of this list' }],
  });
}

/**
 * A `where` that cannot be read.
 * @param path where it stands in the request, as a JSON Pointer
 */
export function invalidFilter(mistake: FilterMistake, path: string): Refusal {
  const { message, position, path: within } = mistake;
  return new Refusal({
    code: 'invalid_filter',
    message,
    ...(position !== undefined && { position }),
    ...(within !== undefined && { details: [{ path: path + within, message }] }),
  });
}

/** The answer to a path that is not offered. */
export function notFound(c: AppContext): Response {
  const message = `There is no ${c.req.path} here; GET /docs shows every call.`;
  return answerFailure(c, { code: 'not_found', message });
}

/** The answer to a method that a path does not offer. @param allowed those that it does */
export function methodNotAllowed(c: AppContext, allowed: readonly string[]): Response {
  const allow = allowed.join(', ');
  const message = `${c.req.method} is not offered here; use ${allow}.`;
  return answerFailure(c, { code: 'method_not_allowed', message, headers: { allow } });
}

function failureOf(error: unknown, c: AppContext): Failure {
  if (error instanceof Refusal) return error.failure;
  // Hono's validator throws these for a body that is not JSON.
  if (error instanceof HTTPException && error.status === 400) {
    return { code: 'invalid_request', message: 'The body is not JSON.' };
  }
  logError('request_failed', error, { request_id: c.get('requestId') });
  if (error instanceof ConfigError) return { code: 'internal', message: error.message };
  return { code: 'internal', message: 'Windsock failed; its log has more under this request id.' };
}

const OBSERVABILITY_CODES: Record<FailureCode, ObservabilityErrorCode | null> = {
  unauthorized: null,
  forbidden: 'AUTH_FORBIDDEN',
  not_found: null,
  method_not_allowed: 'FEATURE_NOT_SUPPORTED',
  invalid_request: 'VALIDATION_ERROR',
  invalid_filter: 'SEARCH_BAD_REQUEST',
  invalid_jsonl: 'VALIDATION_ERROR',
  idempotency_conflict: 'VALIDATION_ERROR',
  payload_too_large: 'VALIDATION_ERROR',
  unsupported_media_type: 'VALIDATION_ERROR',
  callback_refused: 'VALIDATION_ERROR',
  rate_limited: null,
  upstream_error: 'UNKNOWN_ERROR',
  upstream_unavailable: 'UNKNOWN_ERROR',
  upstream_timeout: 'UNKNOWN_ERROR',
  internal: 'UNKNOWN_ERROR',
};
