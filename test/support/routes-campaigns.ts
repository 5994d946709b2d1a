/** What test/worker/bad-input.test.ts needs to know of the imports from events, campaigns and datasets. */

const UUID = '00000000-0000-4000-8000-000000000000';
const IMPORTS = '/v1/observability/datasets/:dataset_id/imports';

interface JsonRoute {
  call: string;
  needs: 'observability:write';
  body: 'json';
  good: object;
}

const write = (call: string, good: object): JsonRoute => ({
  call,
  needs: 'observability:write',
  body: 'json',
  good,
});

export const IMPORT_ROUTES = [
  write(`POST ${IMPORTS}/from-explorer`, { completion_event_ids: [UUID] }),
  write(`POST ${IMPORTS}/from-playground`, { conversation_ids: [UUID] }),
  write(`POST ${IMPORTS}/from-campaign`, { campaign_id: UUID }),
  write(`POST ${IMPORTS}/from-dataset`, { dataset_record_ids: [UUID] }),
];

/** A body with several mistakes, and a JSON Pointer to every one. */
export const IMPORT_MISTAKES: Record<string, [object, string]> = {
  [`POST ${IMPORTS}/from-explorer`]: [
    { completion_event_ids: [1, UUID, null] },
    '/completion_event_ids/0 /completion_event_ids/2',
  ],
  [`POST ${IMPORTS}/from-playground`]: [
    { conversation_ids: [{}, 'x', []] },
    '/conversation_ids/0 /conversation_ids/2',
  ],
  [`POST ${IMPORTS}/from-campaign`]: [{ campaign_id: 'x' }, '/campaign_id'],
  [`POST ${IMPORTS}/from-dataset`]: [
    { dataset_record_ids: ['x', UUID, 7] },
    '/dataset_record_ids/0 /dataset_record_ids/2',
  ],
};
