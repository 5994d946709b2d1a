import {
  mistralError,
  observabilityError,
  type MistralErrorBody,
  type ObservabilityErrorBody,
  type ObservabilityErrorCode,
  type ValidationDetail,
} from '../mistral/errors.ts';
import type { SearchProblem } from './event-search.ts';

/** An answer of the built-in backend that is no success, thrown from where it is found. */
export class BuiltinError extends Error {
  readonly status: 400 | 404 | 408 | 409 | 422;
  readonly body: ObservabilityErrorBody | MistralErrorBody;

  constructor(status: BuiltinError['status'], body: BuiltinError['body']) {
    super(`${status}`);
    this.name = 'BuiltinError';
    this.status = status;
    this.body = body;
  }
}

/** 404 of an observability path; `what` such as `Dataset`. */
export function notFound(
  what: string,
  id: string,
  code: ObservabilityErrorCode | null,
): BuiltinError {
  return new BuiltinError(404, observabilityError(`${what} ${id} not found.`, code));
}

export const datasetNotFound = (id: string) => notFound('Dataset', id, 'DATASET_NOT_FOUND');

/** A refusal of an observability path that is neither a 404 nor a 422. */
export function observabilityRefusal(
  status: 400 | 408 | 409,
  message: string,
  code: ObservabilityErrorCode,
): BuiltinError {
  return new BuiltinError(status, observabilityError(message, code));
}

/** 404 of a files path. */
export function fileNotFound(id: string): BuiltinError {
  return new BuiltinError(404, mistralError(`File ${id} not found.`, 'not_found'));
}

/** 422 of an observability path. */
export function observabilityInvalid(details: readonly ValidationDetail[]): BuiltinError {
  const message = details.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; ');
  return new BuiltinError(422, observabilityError(message, 'VALIDATION_ERROR'));
}

/** 422 of every other path: the list of mistakes is wrapped, as the API does it. */
export function requestInvalid(details: readonly ValidationDetail[]): BuiltinError {
  return new BuiltinError(422, mistralError({ detail: [...details] }, 'invalid_request_error'));
}

/** A search that was refused, as the workspace told it. */
export function searchRefused({ status, code, message }: SearchProblem): BuiltinError {
  return new BuiltinError(status, observabilityError(message, code));
}
