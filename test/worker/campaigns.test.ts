import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Mistral } from '@mistralai/mistralai';
import { ObservabilityError } from '@mistralai/mistralai/models/errors';
import * as z from 'zod';
import { BuiltinApi, NOWHERE, observabilityError } from '../support/builtin.ts';
import { newEvent, record } from '../support/recorded.ts';
import { until } from '../support/until.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

const CAMPAIGNS = '/v1/observability/campaigns';
const REFUSED = observabilityError;

/** The built-in backend behind one client, and the official SDK over it. */
interface Side {
  worker: TestWorker;
  api: BuiltinApi;
  mistral: Mistral;
}

async function startSide(vars: Record<string, string> = {}): Promise<Side> {
  const worker = await startWorker(vars);
  const client = await worker.createClient();
  const mistral = new Mistral({ serverURL: worker.url, apiKey: client.key });
  return { worker, api: new BuiltinApi(worker, client), mistral };
}

/** Judges offline. */
let offline: Side;
/** Judges by a model, whose answers are scripted. */
let online: Side;
let upstream: ScriptedUpstream;

before(async () => {
  upstream = await startUpstream();
  offline = await startSide();
  online = await startSide({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    CHAT_BACKEND: 'mistral',
    OBSERVABILITY_BACKEND: 'builtin',
  });
});
after(async () => {
  await offline.worker.dispose();
  await online.worker.dispose();
  upstream.close();
});

/** So many events of a model of their own, the oldest first, each with its number as question. */
async function events({ worker }: Side, count: number) {
  const modelName = `model-${randomUUID()}`;
  const made = Array.from({ length: count }, (_, n) =>
    newEvent({
      modelName,
      createdAt: 1_700_000_000_000 + n,
      requestMessages: JSON.stringify([{ role: 'user', content: `question number ${n}` }]),
      responseMessages: JSON.stringify([
        { role: 'assistant', content: n % 2 === 0 ? 'even number' : 'odd number' },
      ]),
    }),
  );
  await record(worker, made);
  return { modelName, made, newestFirst: made.map(({ eventId }) => eventId).toReversed() };
}

const ofModel = (value: string) => ({ filters: { field: 'model_name', op: 'eq' as const, value } });

async function createJudge({ mistral }: Side): Promise<string> {
  const { id } = await mistral.beta.observability.judges.create({
    name: `judge ${randomUUID()}`,
    description: '',
    modelName: 'mistral-small-latest',
    instructions: 'Is the number even or odd?',
    tools: [],
    output: {
      type: 'CLASSIFICATION',
      options: [
        { value: 'even', description: '' },
        { value: 'odd', description: '' },
      ],
    },
  });
  return id;
}

async function createCampaign(side: Side, modelName: string, maxNbEvents = 10_000) {
  const judgeId = await createJudge(side);
  const campaign = await side.mistral.beta.observability.campaigns.create({
    name: 'a campaign',
    description: 'of a test',
    judgeId,
    maxNbEvents,
    searchParams: ofModel(modelName),
  });
  return { judgeId, id: campaign.id, campaign };
}

const progress = z.object({ status: z.string(), message: z.string().optional() });

async function completed({ api }: Side, id: string) {
  return until(`campaign ${id} to end`, async () => {
    const seen = await api.expect([200, progress], 'GET', `${CAMPAIGNS}/${id}/status`);
    return seen.status === 'RUNNING' ? null : seen;
  });
}

/** Ids of all selected events, page by page. */
async function selected({ mistral }: Side, campaignId: string, pageSize = 100) {
  const ids: string[] = [];
  for (let page = 1; ; page++) {
    const { completionEvents } = await mistral.beta.observability.campaigns.listEvents({
      campaignId,
      pageSize,
      page,
    });
    for (const { eventId } of completionEvents.results ?? []) ids.push(eventId);
    if (completionEvents.next === null) {
      assert.equal(ids.length, completionEvents.count);
      return ids;
    }
  }
}

/** What a judge answered about each of some events. */
function answers({ mistral }: Side, judgeId: string, eventIds: string[]) {
  return Promise.all(
    eventIds.map(async (eventId) => {
      const event = await mistral.beta.observability.chatCompletionEvents.fetch({ eventId });
      return event.extraFields[`__judge_${judgeId}`];
    }),
  );
}

/** Answers as a judging model would. */
const judgement = (answer: string) => ({
  id: randomUUID().replaceAll('-', ''),
  object: 'chat.completion',
  created: 1,
  model: 'mistral-small-latest',
  choices: [
    {
      index: 0,
      finish_reason: 'stop',
      message: { role: 'assistant', content: JSON.stringify({ analysis: 'So it is.', answer }) },
    },
  ],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

/** The number of the question that a judging request is about. */
const numberIn = (body: Buffer) => Number(/question number (\d+)/.exec(body.toString())?.[1]);

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

test('the newest events are selected, and what comes later is not', async () => {
  const { modelName, newestFirst } = await events(offline, 7);
  const { id, judgeId } = await createCampaign(offline, modelName, 3);
  const later = newEvent({ modelName });
  await record(offline.worker, [later]);
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

describe('with a judging model', () => {
  test('each event is judged once, four at a time', async () => {
    const { modelName, newestFirst } = await events(online, 10);
    let open = 0;
    let most = 0;
    const asked: number[] = [];
    upstream.script(async ({ body }, response) => {
      asked.push(numberIn(body));
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 20));
      open--;
      json(response, 200, judgement(numberIn(body) % 2 === 0 ? 'even' : 'odd'));
    });
    const { id, judgeId } = await createCampaign(online, modelName);
    assert.deepEqual(await completed(online, id), { status: 'COMPLETED' });
    assert.deepEqual(
      asked.toSorted((a, b) => a - b),
      Array.from({ length: 10 }, (_, n) => n),
    );
    assert.equal(most, 4);
    const expected = newestFirst.map((_, n) => (n % 2 === 0 ? 'odd' : 'even'));
    assert.deepEqual(await answers(online, judgeId, newestFirst), expected);
  });

  test('events that cannot be judged are told; the campaign is completed with the rest', async () => {
    const { modelName, newestFirst } = await events(online, 6);
    upstream.script(({ body }, response) =>
      numberIn(body) === 4
        ? json(response, 429, { object: 'error', message: 'Rate limit exceeded' })
        : json(response, 200, judgement('even')),
    );
    const { id, judgeId } = await createCampaign(online, modelName);
    const { status, message = '' } = await completed(online, id);
    assert.equal(status, 'COMPLETED');
    assert.match(message, /^1 of 6 events could not be judged\. The first failure: Event /);
    assert.match(message, /JUDGE_MISTRAL_API_ERROR: .*429/);
    const found = await answers(online, judgeId, newestFirst);
    assert.deepEqual(found, ['even', undefined, 'even', 'even', 'even', 'even']);

    const datasetId = await online.api.createDataset();
    const { id: taskId } = await online.mistral.beta.observability.datasets.importFromCampaign({
      datasetId,
      importDatasetFromCampaignRequest: { campaignId: id },
    });
    await online.api.ended(datasetId, taskId);
    const records = await online.api.records(datasetId);
    assert.deepEqual(
      records.map(({ properties }) => [properties['answer'], properties['analysis']]),
      found.map((answer) => [answer ?? null, answer === undefined ? null : 'So it is.']),
    );
  });

  test('a campaign of which no event could be judged has failed', async () => {
    const { modelName } = await events(online, 5);
    upstream.script((_, response) => json(response, 401, { detail: 'Unauthorized' }));
    const { id } = await createCampaign(online, modelName);
    const { status, message = '' } = await completed(online, id);
    assert.equal(status, 'FAILED');
    assert.match(message, /^None of 5 events could be judged\. The first failure: Event .*401/);
    const { campaigns } = online.mistral.beta.observability;
    assert.equal((await campaigns.fetchStatus({ campaignId: id })).status, 'FAILED');
  });

  test('imports start and end while a judge keeps a campaign waiting', async () => {
    const { modelName, newestFirst } = await events(online, 4);
    const released = Promise.withResolvers<void>();
    let waiting = 0;
    upstream.script(async (_, response) => {
      waiting++;
      await released.promise;
      json(response, 200, judgement('odd'));
    });
    const { id, judgeId } = await createCampaign(online, modelName);
    await until('the judge is asked', () => waiting === 4);
    for (let n = 0; n < 3; n++) {
      const datasetId = await online.api.createDataset();
      const { id: taskId } = await online.mistral.beta.observability.datasets.importFromCampaign({
        datasetId,
        importDatasetFromCampaignRequest: { campaignId: id },
      });
      assert.equal((await online.api.ended(datasetId, taskId)).status, 'COMPLETED');
      const records = await online.api.records(datasetId);
      assert.deepEqual(
        records.map(({ properties }) => properties['answer']),
        [null, null, null, null],
      );
    }
    released.resolve();
    assert.deepEqual(await completed(online, id), { status: 'COMPLETED' });
    assert.ok((await answers(online, judgeId, newestFirst)).every((answer) => answer === 'odd'));
  });

  test('deleting a campaign stops it, and what its judge says afterwards is dropped', async () => {
    const { modelName, newestFirst } = await events(online, 12);
    const released = Promise.withResolvers<void>();
    let asked = 0;
    upstream.script(async (_, response) => {
      asked++;
      await released.promise;
      json(response, 200, judgement('odd'));
    });
    const { id, judgeId } = await createCampaign(online, modelName);
    await until('the judge is asked', () => asked === 4);
    const { judges, campaigns } = online.mistral.beta.observability;
    await assert.rejects(judges.delete({ judgeId }), /used in a campaign/);
    await campaigns.delete({ campaignId: id });
    released.resolve();
    const next = await createCampaign(online, modelName, 1);
    await completed(online, next.id);
    assert.equal(asked, 5);
    const left = await answers(online, judgeId, newestFirst);
    assert.ok(left.every((answer) => answer === undefined));
    await judges.delete({ judgeId });
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
    await record(side.worker, [own]);
    const mixed = await createCampaign(side, own.modelName);
    const samples = await fetch(`${side.worker.url}/admin/samples`, {
      method: 'DELETE',
      headers: { authorization: 'Bearer test-admin-key-0123456789' },
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
