import type * as z from 'zod/mini';
import type { FailureCode } from '../../domain/failures.ts';
import type { Scope } from '../../domain/scopes.ts';
import type { AnswerName } from './answers.ts';
import type { ANSWER_HEADERS, REQUEST_HEADERS } from './headers.ts';

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
  /** The key that it asks for: a client's with a scope, any client's, the operator's, a hook's secret, or none. */
  key: Scope | 'any' | 'admin' | 'hook' | 'none';
  query?: QueryPart;
  headers?: readonly HeaderName[];
  bodies?: readonly BodyPart[];
  /** Whether the body may be left out. */
  isBodyOptional?: boolean;
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
  type: 'application/json' | 'application/x-ndjson' | 'application/jsonl';
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
  schedules: 'Imports that are made again and again.',
  hooks: 'Imports that other systems start by a signed call.',
  webhooks: 'Webhooks follow [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0.',
  admin: 'For the operator: clients and their keys.',
  service: 'About the service itself.',
  mistral: 'Everything under `/v1` is the Mistral API, relayed as it is.',
} as const;
