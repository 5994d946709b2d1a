import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ImportView } from '../../src/domain/import-view.ts';
import { NOWHERE } from '../support/builtin.ts';
import { completed, createCampaign, events, startSide, type Side } from '../support/campaigns.ts';
import { startReceiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { ended } from '../support/worker.ts';

// Imports of the facade with the built-in backend behind it: from the request to the records.

let side: Side;

before(async () => {
  side = await startSide({ POLL_MIN_MS: '20', POLL_MAX_MS: '200' });
});
after(() => side.worker.dispose());

/** Imports into a dataset, a new one where none is given, and waits for the end. */
async function imported(body: object, into?: string) {
  const { api } = side;
  const datasetId = into ?? (await api.createDataset());
  const answer = await api.send('POST', `/datasets/${datasetId}/imports`, body);
  const text = await answer.text();
  assert.equal(answer.status, 202, text);
  const { id } = JSON.parse(text) as ImportView;
  const view = (await ended(api.url, api.key, id)) as unknown as ImportView;
  return { view, records: await api.records(datasetId), datasetId };
}

const eventsOf = (records: { properties: Record<string, unknown> }[]) =>
  records.map(({ properties }) => properties['event_id']);

test('what a where finds becomes records, more than 500 of them in several tasks', async () => {
  const { modelName, made } = await events(side, 620);
  const { view, records } = await imported({
    source: 'explorer',
    where: `model_name = "${modelName}" AND (model_name startswith "model-" OR timestamp > "now-1d")`,
  });
  assert.deepEqual([view.status, view.progress, view.message], ['completed', 100, null]);
  assert.equal(view.tasks.length, 2);
  assert.deepEqual(new Set(eventsOf(records)), new Set(made.map(({ eventId }) => eventId)));
  assert.equal(records.length, 620);
});

test('event ids become records, and unknown ones are told of', async () => {
  const { newestFirst } = await events(side, 3);
  const { view, records } = await imported({
    source: 'explorer',
    event_ids: [...newestFirst, NOWHERE],
  });
  assert.equal(view.status, 'completed');
  assert.match(view.message ?? '', /Skipped 1 unknown/);
  assert.deepEqual(eventsOf(records), newestFirst);
});

test('a where that the backend refuses is told as a mistake in the filter, with its place', async () => {
  const { api } = side;
  const datasetId = await api.createDataset();
  const start = async (where: unknown) => {
    const body = { source: 'explorer', where };
    const answer = await api.send('POST', `/datasets/${datasetId}/imports`, body);
    assert.equal(answer.status, 400);
    return ((await answer.json()) as { error: Record<string, unknown> }).error;
  };
  const text = await start('model_name = "x" AND no_such_field = 1');
  assert.deepEqual([text['code'], text['position']], ['invalid_filter', 21]);
  const condition = { field: 'input_tokens', op: 'gt', value: 'many' };
  const { code, message, details } = await start({ OR: [condition] });
  assert.equal(code, 'invalid_filter');
  assert.deepEqual(details, [{ path: '/where/OR/0/value', message }]);
});

test('conversations become records', async () => {
  const { newestFirst } = await events(side, 2);
  const { view, records } = await imported({ source: 'playground', conversation_ids: newestFirst });
  assert.equal(view.status, 'completed');
  assert.deepEqual(eventsOf(records), newestFirst);
});

test('records are copied', async () => {
  const { newestFirst } = await events(side, 2);
  const first = await imported({ source: 'explorer', event_ids: newestFirst });
  const record_ids = first.records.map(({ id }) => id);
  const { view, records } = await imported({ source: 'dataset', record_ids });
  assert.equal(view.status, 'completed');
  assert.deepEqual(eventsOf(records), newestFirst);
});

test('a campaign’s events become records', async () => {
  const { modelName, made } = await events(side, 4);
  const campaign = await createCampaign(side, modelName);
  await completed(side, campaign.id);
  const { view, records } = await imported({ source: 'campaign', campaign_id: campaign.id });
  assert.equal(view.status, 'completed');
  assert.equal(records.length, made.length);
});

test('imports into one dataset at once all arrive', async () => {
  const { newestFirst } = await events(side, 4);
  const datasetId = await side.api.createDataset();
  await Promise.all(
    newestFirst.map((id) => imported({ source: 'explorer', event_ids: [id] }, datasetId)),
  );
  const records = await side.api.records(datasetId);
  assert.deepEqual(new Set(eventsOf(records)), new Set(newestFirst));
  assert.equal(records.length, 4);
});

test('a dataset, file or campaign that does not exist is told at once', async () => {
  const { api } = side;
  const datasetId = await api.createDataset();
  for (const [id, body] of [
    [NOWHERE, { source: 'file', file_id: NOWHERE }],
    [datasetId, { source: 'file', file_id: NOWHERE }],
    [datasetId, { source: 'campaign', campaign_id: NOWHERE }],
  ] as const) {
    const answer = await api.send('POST', `/datasets/${id}/imports`, body);
    assert.equal(answer.status, 404, JSON.stringify(body));
  }
  const list = await api.send('GET', `/imports?dataset_id=${datasetId}`);
  assert.deepEqual(await list.json(), { imports: [], next_cursor: null });
});

test('an import that the SDK starts is watched here too', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const { newestFirst } = await events(side, 2);
  const datasetId = await side.api.createDataset();
  const task = await side.mistral.beta.observability.datasets.importFromExplorer(
    { datasetId, importDatasetFromExplorerRequest: { completionEventIds: newestFirst } },
    { headers: { 'Windsock-Callback': receiver.url } },
  );
  await until('the webhook', () => receiver.received.length === 1);
  const { type, data } = JSON.parse(receiver.received[0]?.body ?? '') as {
    type: string;
    data: ImportView;
  };
  assert.deepEqual([type, data.tasks[0]?.id], ['import.completed', task.id]);
  assert.equal((await side.api.records(datasetId)).length, 2);
});
