import { FAILURE_STATUS, type FailureCode } from '../../domain/failures.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Operation } from './operation.ts';
import { headerRefs } from './headers.ts';
import { schemaRef } from './schemas.ts';

/** What a call may be refused with: the codes of each status. */
export type Refusals = Map<number, FailureCode[]>;

/** The upstream's 400, 404, 409, 422 and 429 keep their status; it may also fail, or not be there. */
const OF_UPSTREAM: readonly FailureCode[] = [
  'invalid_request',
  'not_found',
  'rate_limited',
  'upstream_error',
  'upstream_unavailable',
  'upstream_timeout',
];
const KEPT_STATUSES = [409, 422];

/** Everything that an operation may be refused with, from what it asks for and whom. */
export function refusalsOf(operation: Operation): Refusals {
  const { key, query, bodies, call, asksUpstream, refusals = [] } = operation;
  const takesId = call.includes('{');
  const takesBody = bodies !== undefined;
  const codes: FailureCode[] = [
    ...(key === 'none' ? [] : (['unauthorized'] as const)),
    ...(key === 'none' || key === 'admin' ? [] : (['rate_limited'] as const)),
    ...(['none', 'admin', 'any'].includes(key) ? [] : (['forbidden'] as const)),
    ...(takesId && key !== 'none' ? (['not_found'] as const) : []),
    ...((query && key !== 'none') || takesBody ? (['invalid_request'] as const) : []),
    ...(takesBody ? (['payload_too_large', 'unsupported_media_type'] as const) : []),
    ...(asksUpstream ? OF_UPSTREAM : []),
    ...refusals,
    'internal',
  ];
  const found: Refusals = new Map();
  const add = (status: number, code: FailureCode) => {
    const known = found.get(status) ?? [];
    found.set(status, known.includes(code) ? known : [...known, code].toSorted());
  };
  for (const code of codes) add(FAILURE_STATUS[code], code);
  if (asksUpstream) for (const status of KEPT_STATUSES) add(status, 'invalid_request');
  return new Map([...found].toSorted(([left], [right]) => left - right));
}

/** The name of the response that the document has for a status and its codes. */
export function responseName(status: number, codes: readonly FailureCode[]): string {
  return [status, ...codes].join('.');
}

/** A refusal with a status, as a Response Object: the one error shape with the codes that it can have. */
export function refusalResponse(status: number, codes: readonly FailureCode[]): JsonObject {
  return {
    description: codes.map((code) => `\`${code}\`: ${MEANINGS[code]}`).join(' '),
    headers: headerRefs(
      ...(status === 401 ? ['www-authenticate'] : []),
      ...(status === 429 || status === 503 ? ['retry-after'] : []),
    ),
    content: {
      'application/json': {
        schema: {
          allOf: [
            { $ref: schemaRef('Error') },
            { properties: { error: { properties: { code: { enum: codes } } } } },
          ],
        },
        examples: Object.fromEntries(
          codes.map((code) => [code, { value: { error: exampleOf(code) } }]),
        ),
      },
    },
  };
}

/** A refusal under `/v1`, in whichever of the shapes of the Mistral API. */
export function mistralResponse(status: number, codes: readonly FailureCode[]): JsonObject {
  const { description } = refusalResponse(status, codes);
  return {
    description,
    headers: headerRefs('retry-after', 'windsock-import-id', 'www-authenticate'),
    content: { 'application/json': { schema: { $ref: schemaRef('MistralError') } } },
  };
}

/** What the Mistral API answers otherwise. */
export const RELAYED_RESPONSE = {
  description: 'Any other answer of the Mistral API is relayed as it is.',
  headers: headerRefs('retry-after', 'windsock-import-id', 'location'),
  content: { '*/*': {} },
};

const MEANINGS: Record<FailureCode, string> = {
  unauthorized: 'the key is missing, unknown or has expired.',
  forbidden: 'the key lacks the scope.',
  not_found: 'there is nothing under this id, or not for this client.',
  method_not_allowed: 'the path does not take this method.',
  invalid_request: 'the request is not as it should be; `details` tells each mistake.',
  invalid_filter: 'the `where` cannot be read; `position` tells where.',
  invalid_jsonl: 'lines of the body are wrong; `details` tells which.',
  idempotency_conflict: 'the `Idempotency-Key` was used with another request.',
  payload_too_large: 'the body is too large.',
  unsupported_media_type: 'the body is declared as another type, or as compressed.',
  callback_refused: 'the callback is not a public https URL.',
  rate_limited: 'the limit of the client, or the upstream’s, is used up.',
  upstream_error: 'the Mistral API failed, or refused for a reason of its own.',
  upstream_unavailable: 'the Mistral API cannot be reached, or something has to be asked again.',
  upstream_timeout: 'the Mistral API did not answer in time.',
  internal: 'Windsock failed.',
};

/** What differs from the least that an error holds. */
const EXTRAS: Partial<Record<FailureCode, JsonObject>> = {
  invalid_request: { details: [{ path: '/name', message: 'Unknown field: name' }] },
  invalid_filter: { position: 13 },
  invalid_jsonl: { details: [{ path: '', message: 'is not JSON', line: 2 }] },
  callback_refused: { details: [{ path: '/callback/url', message: 'must be https' }] },
  upstream_error: { upstream: { status: 500, body: '{"message":"Internal error"}' } },
};

function exampleOf(code: FailureCode): JsonObject {
  const meaning = MEANINGS[code].replaceAll('`', '');
  const message = meaning.charAt(0).toUpperCase() + meaning.slice(1);
  return { code, message, request_id: 'rQ1y8Yk0m3nB5xZ7', ...EXTRAS[code] };
}
