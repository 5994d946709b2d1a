import type { JsonObject } from '../../domain/json.ts';

/** Headers that calls take. */
export const REQUEST_HEADERS = {
  'idempotency-key': {
    description:
      'Names the request, 1 to 255 characters: the same key and body again answer the same import, another body 409.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
    example: 'nightly-2026-11-26',
  },
  'last-event-id': {
    description: 'The last sequence that was seen; an `EventSource` sends it by itself.',
    schema: { type: 'string' },
    example: '3',
  },
  'webhook-id': {
    description: 'Names the call: the same id answers the same import.',
    schema: { type: 'string' },
    example: 'call-1',
  },
  'webhook-timestamp': {
    description: 'Seconds since 1970; at most 300 off.',
    schema: { type: 'string' },
    example: '1795694400',
  },
  'webhook-signature': {
    description: '`v1,` and the HMAC-SHA256 of `id.timestamp.body` as base64.',
    schema: { type: 'string' },
    example: 'v1,c2lnbmF0dXJl',
  },
  'x-hub-signature-256': {
    description: 'Of GitHub: `sha256=` and the HMAC-SHA256 of the body in hexadecimal digits.',
    schema: { type: 'string' },
    example: 'sha256=00',
  },
  'windsock-capture': {
    description: '`off`: this chat is not recorded as an event.',
    schema: { type: 'string' },
    example: 'off',
  },
  'windsock-callback': {
    description:
      'Where the webhooks of this import go. Without it the call is relayed and nothing watches over it.',
    schema: { type: 'string', maxLength: 2000 },
    example: 'https://example.com/hook',
  },
  'windsock-callback-events': {
    description: 'Event names separated by commas; those of an end by default.',
    schema: { type: 'string' },
    example: 'import.started,import.completed',
  },
  'windsock-metadata': {
    description: 'A JSON object of at most 16 kB, echoed back with the import.',
    schema: { type: 'string', contentMediaType: 'application/json' },
    example: '{"run":7}',
  },
} as const;

/** Headers that answers have. */
export const ANSWER_HEADERS = {
  location: { description: 'Where what was made is found.', schema: { type: 'string' } },
  link: {
    description: 'The next page (RFC 8288), where there is one.',
    schema: { type: 'string' },
  },
  'content-disposition': { description: 'A name for the file.', schema: { type: 'string' } },
  'idempotency-replayed': {
    description: '`true` where an earlier request with this key had started the import.',
    schema: { const: 'true' },
  },
  'windsock-attempts': {
    description: 'How often the upstream was asked.',
    schema: { type: 'string', pattern: '^[0-9]+$' },
  },
  'windsock-import-id': {
    description: 'The import at `/imports/{id}`.',
    schema: { type: 'string' },
  },
  'retry-after': {
    description: 'Seconds until it is worth asking again.',
    schema: { type: 'string' },
  },
  'www-authenticate': { schema: { const: 'Bearer' } },
  'x-request-id': {
    description: 'The request’s id: the caller’s own where it is well formed.',
    required: true,
    schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,128}$' },
  },
  'server-timing': {
    description: 'What Windsock and the upstream took, in milliseconds.',
    required: true,
    schema: { type: 'string' },
  },
} as const;

/** References to headers of an answer; every answer has two of them. */
export function headerRefs(...names: readonly string[]): JsonObject {
  return Object.fromEntries(
    ['x-request-id', 'server-timing', ...names].map((name) => [
      name,
      { $ref: `#/components/headers/${name}` },
    ]),
  );
}
