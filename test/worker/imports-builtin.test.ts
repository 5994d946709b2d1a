import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Mistral } from '@mistralai/mistralai';
import { ObservabilityError } from '@mistralai/mistralai/models/errors';
import {
  answered,
  BuiltinApi,
  DATASETS,
  NOWHERE,
  observabilityError,
  record as recordShape,
  task,
} from '../support/builtin.ts';
import { newEvent, recordEvents } from '../support/events.ts';
import { until } from '../support/until.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

let worker: TestWorker;
let api: BuiltinApi;
let mistral: Mistral;

before(async () => {
  worker = await startWorker();
  const client = await worker.createClient();
  api = new BuiltinApi(worker, client);
  mistral = new Mistral({ serverURL: worker.url, apiKey: client.key });
});
after(() => worker.dispose());

const BODY_KEYS = {
  explorer: 'completion_event_ids',
  playground: 'conversation_ids',
  dataset: 'dataset_record_ids',
} as const;
type ListSource = keyof typeof BODY_KEYS;
const SOURCES: ListSource[] = ['explorer', 'playground', 'dataset'];

const post = (datasetId: string, source: ListSource, ids: unknown[]) =>
  api.send('POST', `${DATASETS}/${datasetId}/imports/from-${source}`, { [BODY_KEYS[source]]: ids });

/** Starts an import into a new dataset and waits for its end. */
async function imported(source: ListSource, ids: string[]) {
  const datasetId = await api.createDataset();
  const { id } = await answered(await post(datasetId, source, ids), 202, task);
  const progress: number[] = [];
  const end = await api.ended(datasetId, id, (seen) => progress.push(seen.progress));
  return { end, progress, records: await api.records(datasetId) };
}

/** Events in the store, each with a text of its own. */
async function events(count: number) {
  const made = Array.from({ length: count }, (_, n) =>
    newEvent({
      completionId: randomUUID().replaceAll('-', ''),
      modelName: `model-${n}`,
      createdAt: 1_700_000_000_000 + n,
      requestMessages: JSON.stringify([
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: `${n}?` },
      ]),
      responseMessages: JSON.stringify([{ role: 'assistant', content: `${n}!` }]),
    }),
  );
  await recordEvents(worker, made);
  return made;
}

async function recordsIn(datasetId: string, count: number) {
  const records = [];
  for (let n = 0; n < count; n++) {
    const body = { payload: { n, text: 'é' }, properties: { of: datasetId } };
    records.push(
      await api.expect([201, recordShape], 'POST', `${DATASETS}/${datasetId}/records`, body),
    );
  }
  return records;
}

/** Ids that a source knows, in a new state of the store. */
async function knownIds(source: ListSource, count: number): Promise<string[]> {
  if (source === 'dataset') {
    return (await recordsIn(await api.createDataset(), count)).map(({ id }) => id);
  }
  const made = await events(count);
  return made.map(({ eventId, completionId }) =>
    source === 'explorer' ? eventId : (completionId ?? eventId),
  );
}

test('an event becomes a record: what was asked and answered, and which event it was', async () => {
  const [event] = await events(1);
  assert.ok(event);
  const { end, records } = await imported('explorer', [event.eventId]);
  assert.deepEqual([end.status, end.progress, end.message], ['COMPLETED', 100, null]);
  assert.equal(records.length, 1);
  assert.deepEqual(records[0]?.payload, {
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: '0?' },
      { role: 'assistant', content: '0!' },
    ],
  });
  assert.deepEqual(records[0]?.properties, {
    event_id: event.eventId,
    correlation_id: event.correlationId,
    model_name: 'model-0',
    created_at: '2023-11-14T22:13:20.000Z',
  });
  assert.equal(records[0]?.source, 'EXPLORER');
});

test('an event without an answer becomes a record of what was asked', async () => {
  const event = newEvent({ responseMessages: '[]' });
  await recordEvents(worker, [event]);
  const { records } = await imported('explorer', [event.eventId]);
  assert.deepEqual(records[0]?.payload, { messages: JSON.parse(event.requestMessages) as unknown });
});

test('a chat is found by the id of its completion or of its event, and imported once', async () => {
  const [first, second] = await events(2);
  assert.ok(first?.completionId && second?.completionId);
  const ids = [second.completionId, first.eventId, second.eventId.toUpperCase()];
  const { end, records } = await imported('playground', ids);
  assert.equal(end.message, null);
  assert.deepEqual(
    records.map(({ properties, source }) => [properties['event_id'], source]),
    [
      [second.eventId, 'PLAYGROUND'],
      [first.eventId, 'PLAYGROUND'],
    ],
  );
});

test('records are copied from any dataset, source kept, and stay where they were', async () => {
  const [one, two] = [await api.createDataset(), await api.createDataset()];
  const [a] = await recordsIn(one, 1);
  const [b] = await recordsIn(two, 1);
  const [event] = await events(1);
  assert.ok(a && b && event);
  const explored = (await imported('explorer', [event.eventId])).records[0];
  assert.ok(explored);
  const { records } = await imported('dataset', [b.id, explored.id.toUpperCase(), a.id]);
  const contents = ({ payload, properties, source }: typeof a) => ({ payload, properties, source });
  assert.deepEqual(records.map(contents), [b, explored, a].map(contents));
  assert.equal(new Set([...records, a, b, explored].map(({ id }) => id)).size, 6);
  assert.equal((await api.records(one)).length, 1);
});

test('a dataset can be copied into itself: its records are there twice', async () => {
  const datasetId = await api.createDataset();
  const ids = (await recordsIn(datasetId, 3)).map(({ id }) => id);
  const started = await answered(await post(datasetId, 'dataset', ids), 202, task);
  await api.ended(datasetId, started.id);
  assert.equal((await api.records(datasetId)).length, 6);
});

for (const source of SOURCES) {
  describe(`from-${source}`, () => {
    test('takes ids in the order given, one that is given twice once', async () => {
      const [a = '', b = '', c = ''] = await knownIds(source, 3);
      const { end, records } = await imported(source, [c, a, c, b, a]);
      assert.deepEqual([end.status, end.message], ['COMPLETED', null]);
      assert.equal(records.length, 3);
      const names = records.map(({ payload, properties }) =>
        source === 'dataset' ? payload['n'] : properties['model_name'],
      );
      const expected = source === 'dataset' ? [2, 0, 1] : ['model-2', 'model-0', 'model-1'];
      assert.deepEqual(names, expected);
    });

    test('skips unknown ids and tells how many and which', async () => {
      const [known = ''] = await knownIds(source, 1);
      const unknown = Array.from({ length: 7 }, () => randomUUID());
      const { end, records } = await imported(source, [...unknown, known]);
      assert.equal(end.status, 'COMPLETED');
      const named = unknown.slice(0, 5).join(', ');
      assert.equal(end.message, `Skipped 7 unknown: ${named}, ….`);
      assert.equal(records.length, 1);
      const none = await imported(source, [NOWHERE]);
      assert.deepEqual(
        [none.end.status, none.end.message],
        ['COMPLETED', `Skipped 1 unknown: ${NOWHERE}.`],
      );
    });

    test('into a dataset that is not there is refused', async () => {
      const refused = await answered(
        await post(NOWHERE, source, [NOWHERE]),
        404,
        observabilityError,
      );
      assert.equal(refused.detail.error_code, 'DATASET_NOT_FOUND');
    });

    test('refuses more ids than the contract allows, and takes just as many', async () => {
      const datasetId = await api.createDataset();
      const most = { explorer: 500, playground: 100_000, dataset: 10_000 }[source];
      const ids = Array.from({ length: most }, () => randomUUID());
      const more = await post(datasetId, source, [...ids, randomUUID()]);
      const refused = await answered(more, 422, observabilityError);
      assert.equal(refused.detail.error_code, 'VALIDATION_ERROR');
      assert.match(refused.detail.message, new RegExp(`body\\.${BODY_KEYS[source]}`));
      const { id } = await answered(await post(datasetId, source, ids), 202, task);
      const end = await api.ended(datasetId, id);
      assert.match(end.message ?? '', new RegExp(`^Skipped ${most} unknown: `));
    });
  });
}

test('an empty list of events or chats completes at once; of records it is refused', async () => {
  for (const source of ['explorer', 'playground'] as const) {
    const { end, records } = await imported(source, []);
    assert.deepEqual([end.status, end.progress, end.message], ['COMPLETED', 100, null]);
    assert.deepEqual(records, []);
  }
  const refused = await post(await api.createDataset(), 'dataset', []);
  assert.equal(
    (await answered(refused, 422, observabilityError)).detail.error_code,
    'VALIDATION_ERROR',
  );
});

test('an id may be any text of up to 500 characters', async () => {
  const odd = ['', 'x'.repeat(500), 'a\0b', '\ud800', 'é"\\', "'; DROP TABLE records; --"];
  const { end } = await imported('playground', odd);
  assert.match(end.message ?? '', /^Skipped 6 unknown: /);
  const datasetId = await api.createDataset();
  const refused = await post(datasetId, 'playground', ['x'.repeat(501)]);
  const { detail } = await answered(refused, 422, observabilityError);
  assert.match(detail.message, /^body\.conversation_ids\.0: /);
});

test('events too large for a record are skipped and told; large ones do not hold up the rest', async () => {
  const text = (length: number) => JSON.stringify([{ role: 'user', content: 'x'.repeat(length) }]);
  const large = Array.from({ length: 5 }, () =>
    newEvent({ requestMessages: text(900_000), responseMessages: text(900_000) }),
  );
  const tooLarge = newEvent({ requestMessages: text(960_000), responseMessages: text(960_000) });
  for (const event of [...large, tooLarge]) await recordEvents(worker, [event]);
  const ids = [tooLarge, ...large].map(({ eventId }) => eventId);
  const datasetId = await api.createDataset();
  const { id } = await answered(await post(datasetId, 'explorer', [NOWHERE, ...ids]), 202, task);
  const end = await api.ended(datasetId, id);
  assert.equal(
    end.message,
    `Skipped 1 unknown: ${NOWHERE}; 1 too large for a record: ${tooLarge.eventId}.`,
  );
  const records = `${DATASETS}/${datasetId}/records?page_size=0`;
  assert.equal(
    ((await (await api.send('GET', records)).json()) as { records: { count: number } }).records
      .count,
    5,
  );
});

test('progress grows from slice to slice and never falls', async () => {
  const ids = Array.from({ length: 10_000 }, () => randomUUID());
  const { progress } = await imported('dataset', ids);
  assert.deepEqual(
    progress,
    progress.toSorted((a, b) => a - b),
  );
  assert.ok(
    progress.some((seen) => seen > 0 && seen < 100),
    progress.join(),
  );
});

test('a long import does not hold up a short one', async () => {
  const [known = ''] = await knownIds('explorer', 1);
  const [long, short] = [await api.createDataset(), await api.createDataset()];
  const ids = Array.from({ length: 100_000 }, () => randomUUID());
  const slow = await answered(await post(long, 'playground', ids), 202, task);
  const quick = await answered(await post(short, 'explorer', [known]), 202, task);
  await api.ended(short, quick.id);
  assert.equal((await api.task(long, slow.id)).status, 'RUNNING');
  const gone = await api.send('DELETE', `${DATASETS}/${long}`);
  assert.equal(gone.status, 204);
});

describe('with the official SDK', () => {
  const datasets = () => mistral.beta.observability.datasets;

  async function completed(datasetId: string, taskId: string) {
    return until('the task to end', async () => {
      const seen = await datasets().fetchTask({ datasetId, taskId });
      return seen.status === 'RUNNING' ? null : seen;
    });
  }

  test('importFromExplorer, importFromPlayground and importFromDatasetRecords', async () => {
    const { id: datasetId } = await datasets().create({ name: 'of the SDK', description: '' });
    const [one, two] = await events(2);
    assert.ok(one && two?.completionId);
    const explorer = await datasets().importFromExplorer({
      datasetId,
      importDatasetFromExplorerRequest: { completionEventIds: [one.eventId] },
    });
    assert.equal((await completed(datasetId, explorer.id)).status, 'COMPLETED');
    const playground = await datasets().importFromPlayground({
      datasetId,
      importDatasetFromPlaygroundRequest: { conversationIds: [two.completionId] },
    });
    assert.equal((await completed(datasetId, playground.id)).status, 'COMPLETED');
    const { records } = await datasets().listRecords({ datasetId });
    const datasetRecordIds = (records.results ?? []).map(({ id }) => id);
    const copies = await datasets().importFromDatasetRecords({
      datasetId,
      importDatasetFromDatasetRequest: { datasetRecordIds },
    });
    assert.equal((await completed(datasetId, copies.id)).progress, 100);
    const all = await datasets().listRecords({ datasetId });
    assert.deepEqual(
      all.records.results?.map(({ source }) => source),
      ['EXPLORER', 'PLAYGROUND', 'EXPLORER', 'PLAYGROUND'],
    );
  });

  test('importFromCampaign of an unknown campaign throws CAMPAIGN_NOT_FOUND', async () => {
    const { id: datasetId } = await datasets().create({ name: 'of the SDK', description: '' });
    const refused = datasets().importFromCampaign({
      datasetId,
      importDatasetFromCampaignRequest: { campaignId: NOWHERE },
    });
    await assert.rejects(refused, (error) => {
      assert.ok(error instanceof ObservabilityError);
      assert.equal(error.statusCode, 404);
      assert.equal(error.detail.errorCode, 'CAMPAIGN_NOT_FOUND');
      return true;
    });
  });
});
