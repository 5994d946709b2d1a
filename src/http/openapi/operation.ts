import type * as z from 'zod/mini';
import type { FailureCode } from '../../domain/failures.ts';
import type { Scope } from '../../domain/scopes.ts';
import type { AnswerName } from './answers.ts';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** A call of the service as the document describes it; texts are Markdown. */
export interface Operation {
  /** Method and path, parameters in braces: `GET /datasets/{dataset_id}`. */
  call: `${Method} /${string}`;
  /** `operationId`. */
  id: string;
  tag: TagName;
  summary: string;
  description: string;
  /** The key that it asks for: a client's with a scope, any client's, the operator's, or none. */
  key: Scope | 'any' | 'admin' | 'none';
  query?: QueryPart;
  headers?: readonly HeaderName[];
  bodies?: readonly BodyPart[];
  answers: readonly Answer[];
  /** Refusals besides those that follow from key, path, query, body and upstream. */
  refusals?: readonly FailureCode[];
  /** Whether it hands on what the Mistral API, or the built-in backend, says: its refusals and its failures. */
  asksUpstream?: boolean;
  /** Whether its refusals have the shapes that the Mistral SDKs parse, instead of the facade's one. */
  isMistral?: boolean;
}

/** The query: the schema that checks it, and for each parameter what it means and an example. */
export interface QueryPart {
  schema: z.core.$ZodType;
  notes: Record<string, { description: string; example: unknown }>;
}

/** A body that is taken. */
export interface BodyPart {
  type: 'application/json' | 'application/x-ndjson';
  /** The name of its schema in the document. */
  name: string;
  /** What checks it; of JSONL each line. */
  schema: z.core.$ZodType;
  examples: Record<string, unknown>;
}

/** A success. */
export interface Answer {
  status: 200 | 201 | 202 | 204;
  description: string;
  content?: readonly AnswerContent[];
  headers?: readonly AnswerHeaderName[];
}

/** One form of a success: JSON of a name, or text. */
export interface AnswerContent {
  type:
    | 'application/json'
    | 'application/x-ndjson'
    | 'text/event-stream'
    | 'text/plain'
    | 'text/html'
    | '*/*';
  name?: AnswerName;
  /** What each line, or the data of each event, is. */
  items?: AnswerName;
  example?: unknown;
}

/** A JSON form of a success. */
export function json(name: AnswerName, example: unknown): AnswerContent {
  return { type: 'application/json', name, example };
}

/** A JSON body. @param name of its schema in the document */
export function jsonBody(
  name: string,
  schema: z.core.$ZodType,
  examples: Record<string, unknown>,
): BodyPart {
  return { type: 'application/json', name, schema, examples };
}

/** Headers that a call takes, besides `x-request-id`, which all do. */
export type HeaderName = keyof typeof REQUEST_HEADERS;
/** Headers that an answer may have, besides `x-request-id` and `server-timing`, which all have. */
export type AnswerHeaderName = keyof typeof ANSWER_HEADERS;
export type TagName = keyof typeof TAGS;

export const TAGS = {
  chat: 'Chats in few words, and what they used.',
  events: 'The recorded chats: searches, single events, judgements.',
  datasets: 'Datasets, their records and their export.',
  imports: 'Imports into a dataset, watched over and told about by webhook.',
  webhooks: 'Webhooks follow [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0.',
  admin: 'For the operator: clients and their keys.',
  service: 'About the service itself.',
  mistral: 'Everything under `/v1` is the Mistral API, relayed as it is.',
} as const;

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
} as const;
