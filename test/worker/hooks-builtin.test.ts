import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BuiltinApi } from '../support/builtin.ts';
import { answerOf, call, callsOf, createHook, refused } from '../support/hooks.ts';
import { completed, createCampaign, events, startSide, type Side } from '../support/campaigns.ts';
import { ended, type TestClient, type TestWorker } from '../support/worker.ts';

let worker: TestWorker;
let client: TestClient;
let api: BuiltinApi;
let side: Side;

before(async () => {
  side = await startSide({ POLL_MIN_MS: '20', POLL_MAX_MS: '100' });
  worker = side.worker;
  client = await worker.createClient();
  api = new BuiltinApi(worker, client);
});
after(() => worker.dispose());

/** Makes a hook into a new dataset. */
async function hookInto(settings: object) {
  const datasetId = await api.createDataset();
  return {
    datasetId,
    hook: await createHook(worker.url, client, { dataset_id: datasetId, ...settings }),
  };
}

/** What came of an import that a call started. */
async function importOf(asked: Promise<Response>) {
  const { status, body } = await answerOf(asked);
  assert.equal(status, 202, JSON.stringify(body));
  return ended(worker.url, client.key, body.id ?? '');
}

test('a campaign that a call names is imported, once for one id', async () => {
  const { modelName } = await events(side, 3);
  const campaign = await createCampaign(side, modelName);
  await completed(side, campaign.id);
  const { datasetId, hook } = await hookInto({});
  const content = { data: { campaign: { id: campaign.id } } };
  const view = await importOf(call(hook, 'w-1', content));
  assert.equal(view['status'], 'completed');
  assert.equal((await api.records(datasetId)).length, 3);
  const again = await Promise.all(
    Array.from({ length: 50 }, () => answerOf(call(hook, 'w-1', content))),
  );
  assert.deepEqual(new Set(again.map(({ body }) => body.id)), new Set([view['id']]));
  assert.ok(again.every(({ isReplayed }) => isReplayed));
  assert.equal((await api.records(datasetId)).length, 3);
});

test('events that a call finds by a value in the filter of the hook are imported', async () => {
  const { modelName } = await events(side, 4);
  const { datasetId, hook } = await hookInto({
    import: { source: 'explorer', where: { field: 'model_name', op: 'eq' } },
    map: { '/where/value': '/model' },
  });
  assert.equal((await importOf(call(hook, 'w-1', { model: modelName })))['status'], 'completed');
  assert.equal((await api.records(datasetId)).length, 4);
  const none = await importOf(call(hook, 'w-2', { model: 'no such model' }));
  assert.equal(none['status'], 'completed');
  assert.equal((await api.records(datasetId)).length, 4);
  await refused(call(hook, 'w-3', { model: { op: 'everything' } }), 400, 'invalid_filter');
});

test('a dataset or a campaign that there is not is refused as the backend refuses it', async () => {
  const { hook } = await hookInto({});
  const unknown = { data: { campaign: { id: '00000000-0000-4000-8000-000000000000' } } };
  const { status } = await answerOf(call(hook, 'w-1', unknown));
  assert.ok([404, 422].includes(status), String(status));
  const [logged] = await callsOf(worker.url, client, hook);
  assert.deepEqual([logged?.outcome, logged?.status], ['upstream_refused', status]);
});
