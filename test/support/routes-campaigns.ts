/** What test/worker/bad-input.test.ts needs to know of the imports from events, campaigns and datasets. */

const UUID = '00000000-0000-4000-8000-000000000000';
const IMPORTS = '/v1/observability/datasets/:dataset_id/imports';

const CAMPAIGNS = '/v1/observability/campaigns';

interface CampaignRoute {
  call: string;
  needs: 'observability:read' | 'observability:write';
  body: 'none' | 'json';
  good?: object;
}

const read = (call: string): CampaignRoute => ({ call, needs: 'observability:read', body: 'none' });

const write = (call: string, good: object): CampaignRoute => ({
  call,
  needs: 'observability:write',
  body: 'json',
  good,
});

export const CAMPAIGN_ROUTES: CampaignRoute[] = [
  write(`POST ${IMPORTS}/from-explorer`, { completion_event_ids: [UUID] }),
  write(`POST ${IMPORTS}/from-playground`, { conversation_ids: [UUID] }),
  write(`POST ${IMPORTS}/from-campaign`, { campaign_id: UUID }),
  write(`POST ${IMPORTS}/from-dataset`, { dataset_record_ids: [UUID] }),
  read(`GET ${CAMPAIGNS}`),
  read(`GET ${CAMPAIGNS}/:campaign_id`),
  read(`GET ${CAMPAIGNS}/:campaign_id/status`),
  read(`GET ${CAMPAIGNS}/:campaign_id/selected-events`),
  { call: `DELETE ${CAMPAIGNS}/:campaign_id`, needs: 'observability:write', body: 'none' },
  write(`POST ${CAMPAIGNS}`, {
    search_params: { filters: null },
    judge_id: UUID,
    name: 'a campaign',
    description: '',
    max_nb_events: 10,
  }),
];

/** A body with several mistakes, and a JSON Pointer to every one. */
export const CAMPAIGN_MISTAKES: Record<string, [object, string]> = {
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
  [`POST ${CAMPAIGNS}`]: [
    { search_params: {}, judge_id: 'x', name: 'four', max_nb_events: 10_001 },
    '/description /judge_id /max_nb_events /name /search_params/filters',
  ],
};
