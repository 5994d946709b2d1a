import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import {
  answers,
  completed,
  createCampaign,
  events,
  startSide,
  type Side,
} from '../support/campaigns.ts';
import { until } from '../support/until.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';

let online: Side;
/** Answers as the judging model. */
let upstream: ScriptedUpstream;

before(async () => {
  upstream = await startUpstream();
  online = await startSide({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    CHAT_BACKEND: 'mistral',
    OBSERVABILITY_BACKEND: 'builtin',
  });
});
after(async () => {
  await online.worker.dispose();
  upstream.close();
});

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

test('each event is judged once, four at a time', async () => {
  const { modelName, newestFirst } = await events(online, 10);
  let open = 0;
  let most = 0;
  const asked: number[] = [];
  upstream.script(async ({ body }, response) => {
    const slice = Math.ceil(asked.push(numberIn(body)) / 4);
    most = Math.max(most, ++open);
    await until('all of its slice', () => asked.length >= Math.min(10, slice * 4));
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
