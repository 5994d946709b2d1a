import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ObservabilityError } from '@mistralai/mistralai/models/errors';
import * as z from 'zod';
import { NOWHERE, observabilityError as REFUSED, paginated } from '../support/builtin.ts';
import {
  answers,
  CAMPAIGNS,
  completed,
  createCampaign,
  createJudge,
  events,
  ofModel,
  selected,
  startSide,
  type Side,
} from '../support/campaigns.ts';
import { judge } from '../support/judges.ts';
import { newEvent, recordEvents } from '../support/events.ts';
import { ADMIN_KEY } from '../support/worker.ts';

const time = z.iso.datetime({ precision: 3 });
/** `Campaign`, every key of it. */
const campaign = z.strictObject({
  id: z.uuidv4(),
  created_at: time,
  updated_at: time,
  deleted_at: z.null(),
  name: z.string(),
  owner_id: z.uuidv4(),
  workspace_id: z.uuidv4(),
  description: z.string(),
  max_nb_events: z.int(),
  search_params: z.strictObject({ filters: z.unknown() }),
  judge,
});

let offline: Side;

before(async () => {
  offline = await startSide();
});
after(() => offline.worker.dispose());

test('a campaign judges every event that its filter matches; all of it through the SDK', async () => {
  const { campaigns, chatCompletionEvents, datasets } = offline.mistral.beta.observability;
  const { modelName, newestFirst } = await events(offline, 9);
  const { id, judgeId, campaign } = await createCampaign(offline, modelName);
  assert.deepEqual(
    [campaign.name, campaign.description, campaign.maxNbEvents, campaign.deletedAt],
    ['a campaign', 'of a test', 10_000, null],
  );
  assert.deepEqual(campaign.searchParams, ofModel(modelName));
  assert.equal(campaign.judge.id, judgeId);
  assert.deepEqual(await completed(offline, id), { status: 'COMPLETED' });
  assert.equal((await campaigns.fetchStatus({ campaignId: id })).status, 'COMPLETED');

  const fetched = await campaigns.fetch({ campaignId: id });
  assert.deepEqual(fetched.judge, campaign.judge);
  const listed = (await campaigns.list({ q: 'CAMPAIGN' })).campaigns;
  assert.ok(listed.results?.some((one) => one.id === id));
  assert.equal((await campaigns.list({ q: 'no such name' })).campaigns.count, 0);

  assert.deepEqual(await selected(offline, id), newestFirst);
  assert.deepEqual(await selected(offline, id, 4), newestFirst);
  const expected = newestFirst.map((_, n) => (n % 2 === 0 ? 'even' : 'odd'));
  assert.deepEqual(await answers(offline, judgeId, newestFirst), expected);
  const found = await chatCompletionEvents.searchIds({
    searchParams: { filters: { field: `__judge_${judgeId}`, op: 'eq', value: 'odd' } },
  });
  assert.equal(found.completionEventIds.length, 4);

  const { id: datasetId } = await datasets.create({ name: 'of a campaign', description: '' });
  const { id: taskId } = await datasets.importFromCampaign({
    datasetId,
    importDatasetFromCampaignRequest: { campaignId: id },
  });
  const end = await offline.api.ended(datasetId, taskId);
  assert.deepEqual([end.status, end.progress, end.message], ['COMPLETED', 100, null]);
  const records = await offline.api.records(datasetId);
  assert.deepEqual(
    records.map(({ properties, source }) => [properties['event_id'], properties['answer'], source]),
    newestFirst.map((eventId, n) => [eventId, expected[n], 'EXPLORER']),
  );
  const [first] = records;
  assert.deepEqual(first?.payload, {
    messages: [
      { role: 'user', content: 'question number 8' },
      { role: 'assistant', content: 'even number' },
    ],
  });
  assert.match(String(first.properties['analysis']), /offline judge/);
  assert.equal(first.properties['judge_id'], judgeId);
  assert.equal(first.properties['judge_name'], campaign.judge.name);

  await campaigns.delete({ campaignId: id });
  for (const path of ['', '/status', '/selected-events']) {
    const gone = await offline.api.expect([404, REFUSED], 'GET', `${CAMPAIGNS}/${id}${path}`);
    assert.equal(gone.detail.error_code, 'CAMPAIGN_NOT_FOUND');
  }
  assert.deepEqual(await answers(offline, judgeId, newestFirst), expected, 'they stay');
});

test('campaigns are told with every key of the contract, page by page', async () => {
  const { modelName } = await events(offline, 1);
  const judge_id = await createJudge(offline);
  const names = ['Ärmel one', 'Ärmel two', 'Ärmel three'];
  for (const name of names) {
    const search_params = { filters: { OR: [ofModel(modelName).filters], AND: null } };
    const created = await offline.api.expect([201, campaign], 'POST', CAMPAIGNS, {
      ...{ judge_id, name, search_params, description: '', max_nb_events: 10_000 },
    });
    assert.deepEqual(created.search_params, search_params);
    const path = `${CAMPAIGNS}/${created.id}`;
    assert.equal((await offline.api.expect([200, campaign], 'GET', path)).name, name);
  }
  const list = z.strictObject({ campaigns: paginated(campaign) });
  const page = (query: string) =>
    offline.api.expect([200, list], 'GET', `${CAMPAIGNS}?q=rmel&page_size=2${query}`);
  const first = (await page('')).campaigns;
  assert.equal(first.count, 3);
  assert.equal(first.previous, null);
  const second = (await offline.api.expect([200, list], 'GET', first.next ?? '')).campaigns;
  assert.equal(second.next, null);
  assert.deepEqual(
    [...first.results, ...second.results].map(({ name }) => name),
    names.toReversed(),
  );
});

test('the newest events are selected, and what comes later is not', async () => {
  const { modelName, newestFirst } = await events(offline, 7);
  const { id, judgeId } = await createCampaign(offline, modelName, 3);
  const later = newEvent({ modelName });
  await recordEvents(offline.worker, [later]);
  await completed(offline, id);
  assert.deepEqual(await selected(offline, id), newestFirst.slice(0, 3));
  assert.equal((await answers(offline, judgeId, newestFirst)).filter(Boolean).length, 3);
  assert.deepEqual(await answers(offline, judgeId, [later.eventId]), [undefined]);
});

test('several campaigns run side by side, and imports between them', async () => {
  const { modelName, newestFirst } = await events(offline, 60);
  const both = [await createCampaign(offline, modelName), await createCampaign(offline, modelName)];
  const datasetId = await offline.api.createDataset();
  const { id: taskId } = await offline.mistral.beta.observability.datasets.importFromExplorer({
    datasetId,
    importDatasetFromExplorerRequest: { completionEventIds: newestFirst },
  });
  assert.equal((await offline.api.ended(datasetId, taskId)).status, 'COMPLETED');
  for (const { id, judgeId } of both) {
    assert.deepEqual(await completed(offline, id), { status: 'COMPLETED' });
    assert.ok((await answers(offline, judgeId, newestFirst)).every(Boolean));
  }
});

describe('a campaign is refused', () => {
  const good = () => ({
    search_params: { filters: null as unknown },
    judge_id: NOWHERE,
    name: 'a campaign',
    description: '',
    max_nb_events: 5,
  });
  const refused = async (status: number, body: object) =>
    (await offline.api.expect([status, REFUSED], 'POST', CAMPAIGNS, body)).detail;
  const count = async () =>
    (await offline.mistral.beta.observability.campaigns.list()).campaigns.count;

  test('when its judge does not exist, its filter is wrong, or nothing matches; nothing is kept', async () => {
    const before = await count();
    assert.equal((await refused(404, good())).error_code, 'JUDGE_NOT_FOUND');
    const body = { ...good(), judge_id: await createJudge(offline) };
    for (const filters of [
      { field: 'colour', op: 'eq', value: 'red' },
      { field: 'model_name', op: 'is', value: 'x' },
    ]) {
      const { error_code } = await refused(400, { ...body, search_params: { filters } });
      assert.equal(error_code, 'SEARCH_BAD_REQUEST');
    }
    const nothing = { ...body, search_params: ofModel('no such model') };
    assert.equal((await refused(400, nothing)).error_code, 'CAMPAIGN_NO_MATCHING_EVENTS');
    assert.equal(await count(), before);
  });

  const wrong: [string, object, RegExp][] = [
    ['a name of four characters', { name: 'four' }, /^body\.name: /],
    ['a name of 51 characters', { name: 'x'.repeat(51) }, /^body\.name: /],
    ['no events at all', { max_nb_events: 0 }, /^body\.max_nb_events: /],
    ['more than 10,000 events', { max_nb_events: 10_001 }, /^body\.max_nb_events: /],
    ['half an event', { max_nb_events: 0.5 }, /^body\.max_nb_events: /],
    ['a judge that is no UUID', { judge_id: 'x' }, /^body\.judge_id: /],
    ['no filters', { search_params: {} }, /^body\.search_params\.filters: /],
    ['a filter that is a text', { search_params: { filters: 'x' } }, /\.filters: /],
  ];
  for (const [what, change, message] of wrong) {
    test(`with ${what}`, async () => {
      const detail = await refused(422, { ...good(), ...change });
      assert.equal(detail.error_code, 'VALIDATION_ERROR');
      assert.match(detail.message, message);
    });
  }

  test('by the SDK with its code', async () => {
    const creating = offline.mistral.beta.observability.campaigns.create({
      name: 'a campaign',
      description: '',
      judgeId: await createJudge(offline),
      maxNbEvents: 1,
      searchParams: ofModel('no such model'),
    });
    await assert.rejects(creating, (error) => {
      assert.ok(error instanceof ObservabilityError);
      assert.equal(error.detail.errorCode, 'CAMPAIGN_NO_MATCHING_EVENTS');
      return true;
    });
  });
});

test('events that are deleted leave a campaign; the rest of it goes on', async () => {
  const side = await startSide();
  try {
    const judgeId = await createJudge(side);
    const { id } = await side.mistral.beta.observability.campaigns.create({
      name: 'samples too',
      description: '',
      judgeId,
      maxNbEvents: 10_000,
      searchParams: { filters: null },
    });
    const own = newEvent({ createdAt: 1 });
    await recordEvents(side.worker, [own]);
    const mixed = await createCampaign(side, own.modelName);
    const samples = await fetch(`${side.worker.url}/admin/samples`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    assert.equal(samples.status, 204);
    assert.equal((await completed(side, id)).status, 'COMPLETED');
    assert.deepEqual(await selected(side, id), []);
    assert.equal((await completed(side, mixed.id)).status, 'COMPLETED');
    assert.deepEqual(await selected(side, mixed.id), [own.eventId]);
    assert.equal((await answers(side, mixed.judgeId, [own.eventId])).filter(Boolean).length, 1);
  } finally {
    await side.worker.dispose();
  }
});
