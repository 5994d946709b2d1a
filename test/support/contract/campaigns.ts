import { NOWHERE } from '../builtin.ts';
import { filterCases } from './events.ts';
import {
  fails,
  length,
  needs,
  PAGES,
  refuses,
  takes,
  takesQuery,
  type Operation,
} from './operation.ts';
import * as shape from './shapes.ts';
import { CAMPAIGNS, newCampaign } from './world.ts';

const UNKNOWN_CAMPAIGN = { campaign_id: 'CAMPAIGN_NOT_FOUND' };
const NOTHING = { field: 'model_name', op: 'eq', value: 'a model that nobody asked' };

/** A judge's verdicts on many recorded chats. */
export const CAMPAIGN_OPERATIONS: Operation[] = [
  {
    call: `GET ${CAMPAIGNS}`,
    status: 200,
    answer: shape.campaignList,
    sdk: [(m) => m.beta.observability.campaigns.list({ q: 'campaign' })],
    cases: [...PAGES, ...takesQuery('q=campaign', 'q=')],
  },
  {
    call: `POST ${CAMPAIGNS}`,
    status: 201,
    answer: shape.campaign,
    good: (w) => ({ body: newCampaign(w.id('judge_id')) }),
    sdk: [
      (m, w) =>
        m.beta.observability.campaigns.create({
          name: 'of the SDK',
          description: '',
          judgeId: w.id('judge_id'),
          maxNbEvents: 1,
          searchParams: { filters: null },
        }),
    ],
    cases: [
      ...needs('search_params', 'judge_id', 'name', 'description', 'max_nb_events'),
      ...filterCases('search_params'),
      ...length('name', 5, 50),
      ...takes('description', ''),
      ...refuses('description', 5, null),
      ...takes('max_nb_events', 1, 10_000),
      ...refuses('max_nb_events', 0, 10_001, 1.5, '1'),
      ...refuses('judge_id', 'x', 5, null),
      ...fails(404, 'JUDGE_NOT_FOUND', 'judge_id', NOWHERE),
      ...fails(400, 'CAMPAIGN_NO_MATCHING_EVENTS', 'search_params.filters', NOTHING),
    ],
  },
  {
    call: `GET ${CAMPAIGNS}/{campaign_id}`,
    status: 200,
    answer: shape.campaign,
    sdk: [(m, w) => m.beta.observability.campaigns.fetch({ campaignId: w.id('campaign_id') })],
    unknown: UNKNOWN_CAMPAIGN,
  },
  {
    call: `DELETE ${CAMPAIGNS}/{campaign_id}`,
    status: 204,
    good: async (w) => ({ ids: { campaign_id: await w.newCampaign() } }),
    sdk: [
      async (m, w) => m.beta.observability.campaigns.delete({ campaignId: await w.newCampaign() }),
    ],
    unknown: UNKNOWN_CAMPAIGN,
  },
  {
    call: `GET ${CAMPAIGNS}/{campaign_id}/status`,
    status: 200,
    answer: shape.campaignStatus,
    sdk: [
      (m, w) => m.beta.observability.campaigns.fetchStatus({ campaignId: w.id('campaign_id') }),
    ],
    unknown: UNKNOWN_CAMPAIGN,
  },
  {
    call: `GET ${CAMPAIGNS}/{campaign_id}/selected-events`,
    status: 200,
    answer: shape.selectedEvents,
    sdk: [(m, w) => m.beta.observability.campaigns.listEvents({ campaignId: w.id('campaign_id') })],
    unknown: UNKNOWN_CAMPAIGN,
    cases: PAGES,
  },
];
