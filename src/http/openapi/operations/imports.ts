import * as z from 'zod/mini';
import { importBody } from '../../../domain/import-body.ts';
import { importListQuery } from '../../routes/imports.ts';
import { jsonlImportQuery } from '../../routes/jsonl-imports.ts';
import { webhookTestBody } from '../../routes/webhooks.ts';
import { ATTEMPT_EXAMPLE, CALLBACK, DATASET_ID, EVENT_ID, IMPORT_EXAMPLE } from '../examples.ts';
import { json, jsonBody, type Answer, type Operation } from '../operation.ts';

const anImport = (status: Answer['status'], description: string): Answer => ({
  status,
  description,
  content: [json('Import', IMPORT_EXAMPLE)],
});

/** A line of a JSONL body, as `domain/jsonl` reads it. */
const importLine = () => {
  const object = z.looseObject({});
  const properties = z.nullish(object);
  return z.union([
    z.looseObject({ payload: object, properties }),
    z.looseObject({ messages: z.array(object), properties }),
  ]);
};

export const importOperations = (): Operation[] => [
  {
    call: 'POST /datasets/{dataset_id}/imports',
    id: 'startImport',
    tag: 'imports',
    summary: 'Start an import',
    description:
      'Imports events, a file, conversations, a campaign or records of other datasets, and tells the `callback` by signed webhook. The rows can be the body themselves, as JSONL of up to 512 MB; then the callback is in the query.',
    key: 'observability:write',
    query: {
      schema: jsonlImportQuery,
      notes: {
        callback_url: {
          description: 'Of a JSONL body: where its webhooks go.',
          example: 'https://example.com/hook',
        },
        callback_events: {
          description: 'Of a JSONL body: the events that are told, separated by commas.',
          example: ['import.completed'],
        },
      },
    },
    headers: ['idempotency-key'],
    bodies: [
      jsonBody('ImportRequest', importBody, {
        search: {
          source: 'explorer',
          where: 'timestamp > "now-7d"',
          callback: CALLBACK,
          metadata: { run: 7 },
        },
        events: { source: 'explorer', event_ids: [EVENT_ID] },
        file: { source: 'file', file_id: '3f1d2c4b-5a69-4788-8c7d-6e5f4a3b2c1d' },
        playground: { source: 'playground', conversation_ids: [EVENT_ID] },
        campaign: { source: 'campaign', campaign_id: DATASET_ID },
        dataset: { source: 'dataset', record_ids: [EVENT_ID] },
      }),
      ...(['application/x-ndjson', 'application/jsonl'] as const).map((type) => ({
        type,
        name: 'ImportLine',
        schema: importLine(),
        examples: {
          rows: '{"messages":[{"role":"user","content":"Hello"}]}\n{"payload":{"messages":[]},"properties":{"n":2}}',
        },
      })),
    ],
    answers: [
      {
        ...anImport(202, 'The import, which goes on by itself.'),
        headers: ['location', 'idempotency-replayed'],
      },
    ],
    refusals: ['invalid_filter', 'invalid_jsonl', 'idempotency_conflict', 'callback_refused'],
    asksUpstream: true,
  },
  {
    call: 'GET /imports',
    id: 'listImports',
    tag: 'imports',
    summary: 'List imports',
    description: 'The imports of this client, the newest first.',
    key: 'observability:read',
    query: {
      schema: importListQuery,
      notes: {
        dataset_id: { description: 'Into this dataset only.', example: DATASET_ID },
        status: { description: 'Of this status only.', example: 'completed' },
        limit: { description: 'How many are answered.', example: 10 },
        cursor: { description: '`next_cursor` of the page before.', example: 'W251bGwsMTBd' },
      },
    },
    answers: [
      {
        status: 200,
        description: 'The imports; `next_cursor` is null after the last.',
        headers: ['link'],
        content: [json('ImportPage', { imports: [IMPORT_EXAMPLE], next_cursor: null })],
      },
    ],
  },
  {
    call: 'GET /imports/{id}',
    id: 'getImport',
    tag: 'imports',
    summary: 'An import',
    description: 'How it stands.',
    key: 'observability:read',
    answers: [anImport(200, 'The import.')],
  },
  {
    call: 'GET /imports/{id}/events',
    id: 'watchImport',
    tag: 'imports',
    summary: 'Watch an import',
    description:
      'Server-sent events: `id` is the sequence, `data` the import at each change. The stream ends after the terminal one.',
    key: 'observability:read',
    headers: ['last-event-id'],
    answers: [
      {
        status: 200,
        description: 'The changes as they come.',
        content: [
          {
            type: 'text/event-stream',
            items: 'Import',
            example: `id: 3\nevent: import\ndata: ${JSON.stringify(IMPORT_EXAMPLE)}\n\n`,
          },
        ],
      },
      { status: 204, description: 'Nothing comes after `Last-Event-ID`.' },
    ],
  },
  {
    call: 'GET /imports/{id}/deliveries',
    id: 'listDeliveries',
    tag: 'webhooks',
    summary: 'Deliveries of an import',
    description: 'Every attempt to deliver its webhooks, the first first.',
    key: 'observability:read',
    answers: [
      {
        status: 200,
        description: 'The attempts.',
        content: [json('Deliveries', { deliveries: [ATTEMPT_EXAMPLE] })],
      },
    ],
  },
  {
    call: 'POST /imports/{id}/redeliver',
    id: 'redeliver',
    tag: 'webhooks',
    summary: 'Deliver again',
    description: 'Sends the newest webhook of the import again, under the same id and as it was.',
    key: 'observability:write',
    answers: [anImport(202, 'It will be sent.')],
    refusals: ['invalid_request'],
  },
  {
    call: 'POST /webhooks/test',
    id: 'testWebhook',
    tag: 'webhooks',
    summary: 'Try a webhook',
    description: 'Sends a signed `webhook.test` to a URL, once, and answers the attempt.',
    key: 'observability:write',
    bodies: [jsonBody('WebhookTest', webhookTestBody, { url: { url: CALLBACK.url } })],
    answers: [
      {
        status: 200,
        description: 'The attempt, whatever came of it.',
        content: [json('Attempt', { ...ATTEMPT_EXAMPLE, event: 'webhook.test' })],
      },
    ],
    refusals: ['callback_refused', 'not_found'],
  },
];
