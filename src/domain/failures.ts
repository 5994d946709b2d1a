/** The status of each failure code of the facade (interface: "one error shape everywhere outside /v1"). */
export const FAILURE_STATUS = {
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  invalid_request: 400,
  invalid_filter: 400,
  invalid_jsonl: 422,
  idempotency_conflict: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  callback_refused: 422,
  rate_limited: 429,
  upstream_error: 502,
  upstream_unavailable: 503,
  upstream_timeout: 504,
  internal: 500,
} as const;

export type FailureCode = keyof typeof FAILURE_STATUS;

/** One mistake in a body or query; `path` is a JSON Pointer (RFC 6901), `""` for the whole. */
export interface FailureDetail {
  path: string;
  message: string;
  /** Of a JSONL body: the line, counted from 1. */
  line?: number;
}

/** Why a request is not served. `message` says what to change and never holds a key or a stack. */
export interface Failure {
  code: FailureCode;
  message: string;
  /** Only where an upstream status is kept; otherwise the status of the code holds. */
  status?: number;
  details?: FailureDetail[];
  /** Of `invalid_filter`: where the offending token starts, in UTF-16 units counted from 0. */
  position?: number;
  upstream?: { status: number; body: string };
  /** Further headers of the answer, such as `allow` or `retry-after`. */
  headers?: Record<string, string>;
}

/** Carries a {@link Failure} from where it is found to the edge, which answers it. */
export class Refusal extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.name = 'Refusal';
    this.failure = failure;
  }
}

/** The HTTP status a failure is answered with. */
export function failureStatus(failure: Failure): number {
  return failure.status ?? FAILURE_STATUS[failure.code];
}
