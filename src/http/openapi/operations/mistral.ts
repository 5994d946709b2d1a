import * as z from 'zod/mini';
import { DATASET_ID, EVENT_ID } from '../examples.ts';
import { json, jsonBody, type Operation } from '../operation.ts';

export const mistralOperations = (): Operation[] => [
  {
    call: 'POST /v1/observability/datasets/{dataset_id}/imports/from-{source}',
    id: 'startMistralImport',
    tag: 'mistral',
    summary: 'Start an import as the Mistral API does, with a callback',
    description:
      'Body and answer are Mistral’s, untouched. With `Windsock-Callback` the import is watched over as one of `/datasets/{dataset_id}/imports` is.',
    key: 'observability:write',
    headers: [
      'windsock-callback',
      'windsock-callback-events',
      'windsock-metadata',
      'idempotency-key',
    ],
    bodies: [
      jsonBody('MistralImport', z.looseObject({}), {
        events: { completion_event_ids: [EVENT_ID] },
      }),
    ],
    answers: [
      {
        status: 202,
        description: 'Mistral’s task.',
        headers: ['windsock-import-id', 'idempotency-replayed'],
        content: [json('ImportTask', { id: DATASET_ID, status: 'RUNNING' })],
      },
    ],
    refusals: ['idempotency_conflict', 'callback_refused', 'invalid_request'],
    asksUpstream: true,
    isMistral: true,
  },
];
