import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import type { CampaignStart } from '../api/campaigns-api.ts';
import { workspaceOf, type BuiltinEnv } from '../context.ts';
import {
  type BuiltinError,
  notFound,
  observabilityInvalid,
  observabilityRefusal,
  searchRefused,
} from '../errors.ts';
import {
  anyObject,
  filtersText,
  pageOf,
  pageQuery,
  readBody,
  readQuery,
  readUuid,
  uuid,
} from '../validate.ts';
import { campaignView, pageLinks, paginated } from '../views.ts';

/** No bound is documented; a campaign has to fit in one row of SQLite. */
const MAX_DESCRIPTION = 100_000;

const wellFormed = (text: string) => text.toWellFormed();

const createCampaign = z.lazy(() =>
  z.object({
    search_params: z.object({ filters: z.nullable(anyObject) }),
    judge_id: uuid,
    name: z.string().check(z.minLength(5), z.maxLength(50), z.overwrite(wellFormed)),
    description: z.string().check(z.maxLength(MAX_DESCRIPTION), z.overwrite(wellFormed)),
    max_nb_events: z.int().check(z.minimum(1), z.maximum(10_000)),
  }),
);
const onlyPageQuery = z.lazy(pageQuery);
const listQuery = z.lazy(() => z.extend(pageQuery(), { q: z.nullish(z.string()) }));

const campaignNotFound = (id: string) => notFound('Campaign', id, 'CAMPAIGN_NOT_FOUND');

const campaignId = (c: Context<BuiltinEnv>) => readUuid(c, 'campaign_id', observabilityInvalid);

/** `/v1/observability/campaigns`: a judge's verdict on each of many recorded chats. */
export const campaignRoutes = new Hono<BuiltinEnv>()
  .get('/', async (c) => {
    const query = readQuery(c, listQuery, observabilityInvalid);
    const page = pageOf(query);
    const workspace = workspaceOf(c.env);
    const [{ campaigns, count }, identity] = await Promise.all([
      workspace.campaigns.list(page, query.q ?? null),
      workspace.identity(),
    ]);
    const views = campaigns.map(({ campaign, judge }) => campaignView(campaign, judge, identity));
    return c.json({ campaigns: paginated(views, count, page, c.req.url) });
  })
  .post('/', async (c) => {
    const body = await readBody(c, createCampaign, observabilityInvalid);
    const workspace = workspaceOf(c.env);
    const started: CampaignStart = await workspace.campaigns.create({
      name: body.name,
      description: body.description,
      judgeId: body.judge_id,
      maxNbEvents: body.max_nb_events,
      filters: filtersText(body.search_params.filters),
    });
    if (!started.ok) throw refusalOf(started.problem, body.judge_id);
    const { campaign, judge } = started;
    return c.json(campaignView(campaign, judge, await workspace.identity()), 201);
  })
  .get('/:campaign_id', async (c) => {
    const id = campaignId(c);
    const workspace = workspaceOf(c.env);
    const found = await workspace.campaigns.get(id);
    if (found === null) throw campaignNotFound(id);
    return c.json(campaignView(found.campaign, found.judge, await workspace.identity()));
  })
  .delete('/:campaign_id', async (c) => {
    const id = campaignId(c);
    if (!(await workspaceOf(c.env).campaigns.delete(id))) throw campaignNotFound(id);
    return c.body(null, 204);
  })
  .get('/:campaign_id/status', async (c) => {
    const id = campaignId(c);
    const progress = await workspaceOf(c.env).campaigns.progress(id);
    if (progress === null) throw campaignNotFound(id);
    const { status, message } = progress;
    // The message is ours: there where something could not be judged.
    return c.json({ status, ...(message !== null && { message }) });
  })
  .get('/:campaign_id/selected-events', async (c) => {
    const id = campaignId(c);
    const query = readQuery(c, onlyPageQuery, observabilityInvalid);
    const page = pageOf(query);
    const found = await workspaceOf(c.env).campaigns.selectedEvents(id, page);
    if (found === null) throw campaignNotFound(id);
    const links = JSON.stringify(pageLinks(found.count, page, c.req.url));
    const text = `{"completion_events":{"results":${found.events},${links.slice(1)}}`;
    return c.body(text, 200, { 'content-type': 'application/json' });
  });

function refusalOf(
  problem: Extract<CampaignStart, { ok: false }>['problem'],
  judgeId: string,
): BuiltinError {
  if (problem === 'no_judge') return notFound('Judge', judgeId, 'JUDGE_NOT_FOUND');
  if (problem === 'no_events') {
    const message = 'No event matches the search parameters.';
    return observabilityRefusal(400, message, 'CAMPAIGN_NO_MATCHING_EVENTS');
  }
  return searchRefused(problem);
}
