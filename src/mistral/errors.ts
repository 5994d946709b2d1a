// The error bodies of the Mistral API, in the shapes that both official SDKs parse. Shapes and codes are those of
// the public OpenAPI document; the mapping of a code to a status is not documented there and is our choice.

/** The part of `ObservabilityErrorCode` that Windsock answers with. */
export type ObservabilityErrorCode =
  | 'VALIDATION_ERROR'
  | 'AUTH_FORBIDDEN'
  | 'FEATURE_NOT_SUPPORTED'
  | 'UNKNOWN_ERROR'
  | 'CAMPAIGN_NOT_FOUND'
  | 'CAMPAIGN_NO_MATCHING_EVENTS'
  | 'SEARCH_NOT_FOUND'
  | 'SEARCH_BAD_REQUEST'
  | 'FIELDS_BAD_REQUEST'
  | 'JUDGE_CONVERSATION_FORMAT_ERROR'
  | 'JUDGE_MISTRAL_API_ERROR'
  | 'JUDGE_MISTRAL_API_TIMEOUT'
  | 'JUDGE_NAME_ALREADY_EXISTS'
  | 'JUDGE_NOT_FOUND'
  | 'JUDGE_USED_IN_CAMPAIGN_CANNOT_BE_UPDATED'
  | 'JUDGE_DID_NOT_CHANGE'
  | 'TEMPLATE_ERROR'
  | 'TEMPLATE_SYNTAX_ERROR'
  | 'FIELDS_NOT_FOUND'
  | 'DATASET_NOT_FOUND'
  | 'DATASET_TASK_NOT_FOUND'
  | 'DATASET_RECORD_NOT_FOUND'
  | 'DATASET_RECORD_FORMAT_ERROR';

/** `ObservabilityError`: every 4xx under `/v1/observability/`. Both keys must be there, or the SDKs hide the message. */
export interface ObservabilityErrorBody {
  detail: { message: string; error_code: ObservabilityErrorCode | null };
}

/** The body of a refusal under `/v1/observability/`. */
export function observabilityError(
  message: string,
  code: ObservabilityErrorCode | null,
): ObservabilityErrorBody {
  return { detail: { message, error_code: code } };
}

/** One mistake of a body, as `HTTPValidationError` lists it. */
export interface ValidationDetail {
  type: string;
  loc: (string | number)[];
  msg: string;
  input?: unknown;
}

/** The error body of every path but the observability ones. `message` is an object on a 422. */
export interface MistralErrorBody {
  object: 'error';
  message: string | { detail: ValidationDetail[] };
  type: string;
  param: null;
  code: string | null;
}

/** The body of a refusal on every other path of the API. */
export function mistralError(
  message: MistralErrorBody['message'],
  type: string,
  code: string | null = null,
): MistralErrorBody {
  return { object: 'error', message, type, param: null, code };
}

/** What the gateway answers to a missing or unknown key, on every path. */
export const UNAUTHORIZED_BODY = { detail: 'Unauthorized' } as const;

export const OBSERVABILITY_PREFIX = '/v1/observability/';
