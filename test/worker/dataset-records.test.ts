import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Mistral } from '@mistralai/mistralai';
import { ObservabilityError } from '@mistralai/mistralai/models/errors';
import {
  answered,
  BuiltinApi,
  DATASETS,
  NOWHERE,
  observabilityError,
  record,
} from '../support/builtin.ts';
import { definition, judgeOutput, MESSAGES, RECORDS, REGRESSION } from '../support/judges.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

let worker: TestWorker;
let api: BuiltinApi;
let mistral: Mistral;
let datasetId: string;

before(async () => {
  worker = await startWorker();
  const client = await worker.createClient();
  api = new BuiltinApi(worker, client);
  mistral = new Mistral({ serverURL: worker.url, apiKey: client.key });
  datasetId = await api.createDataset();
});
after(() => worker.dispose());

const add = (payload: object = { messages: MESSAGES }, properties: object = {}) =>
  api.expect([201, record], 'POST', `${DATASETS}/${datasetId}/records`, { payload, properties });
const fetched = (id: string) => api.expect([200, record], 'GET', `${RECORDS}/${id}`);
const NOT_FOUND = 'DATASET_RECORD_NOT_FOUND';

async function refused(response: Response, status: number, code: string): Promise<void> {
  const { detail } = await answered(response, status, observabilityError);
  assert.equal(detail.error_code, code, detail.message);
}

/** A 204, which has no body. */
async function done(response: Response): Promise<void> {
  assert.equal(await response.text(), '');
  assert.equal(response.status, 204);
}

describe('one record', () => {
  test('is fetched as it was added', async () => {
    const added = await add({ messages: MESSAGES, more: { a: [1] } }, { label: 'ß風' });
    assert.deepEqual(await fetched(added.id), added);
    assert.deepEqual(await fetched(added.id.toUpperCase()), added);
  });

  test('is deleted, alone', async () => {
    const [one, other] = [await add(), await add()];
    await done(await api.send('DELETE', `${RECORDS}/${one.id}`));
    await refused(await api.send('GET', `${RECORDS}/${one.id}`), 404, NOT_FOUND);
    await refused(await api.send('DELETE', `${RECORDS}/${one.id}`), 404, NOT_FOUND);
    assert.equal((await fetched(other.id)).id, other.id);
  });

  test('gets another payload, its properties stay', async () => {
    const { id, updated_at } = await add({ messages: MESSAGES }, { label: 1 });
    await done(await api.send('PUT', `${RECORDS}/${id}/payload`, { payload: { any: 'thing' } }));
    const changed = await fetched(id);
    assert.deepEqual([changed.payload, changed.properties], [{ any: 'thing' }, { label: 1 }]);
    assert.ok(changed.updated_at >= updated_at);
  });

  test('gets other properties, its payload stays', async () => {
    const { id } = await add({ messages: MESSAGES }, { label: 1, gone: true });
    const properties = { label: 2 };
    await done(await api.send('PUT', `${RECORDS}/${id}/properties`, { properties }));
    const changed = await fetched(id);
    assert.deepEqual([changed.payload, changed.properties], [{ messages: MESSAGES }, properties]);
  });

  test('keeps keys such as __proto__', async () => {
    const { id } = await add();
    const text = '{"properties":{"__proto__":{"a":1},"b":2}}';
    await done(await api.send('PUT', `${RECORDS}/${id}/properties`, text));
    const answer = await api.send('GET', `${RECORDS}/${id}`);
    assert.match(await answer.text(), /"properties":\{"__proto__":\{"a":1\},"b":2\}\}$/);
  });

  test('never grows beyond what can be stored, in one part or in both', async () => {
    const put = (id: string, what: string, size: number) =>
      api.send('PUT', `${RECORDS}/${id}/${what}`, { [what]: { text: 'x'.repeat(size) } });
    const { id } = await add();
    await refused(await put(id, 'payload', 2_000_000), 422, 'VALIDATION_ERROR');
    await done(await put(id, 'payload', 1_000_000));
    await refused(await put(id, 'properties', 1_000_000), 422, 'VALIDATION_ERROR');
    await done(await put(id, 'properties', 800_000));
    assert.equal((await fetched(id)).properties['text'], 'x'.repeat(800_000));
  });

  test('goes with its dataset', async () => {
    const other = await api.createDataset();
    const path = `${DATASETS}/${other}/records`;
    const { id } = await api.expect([201, record], 'POST', path, { payload: {} });
    await done(await api.send('DELETE', `${DATASETS}/${other}`));
    await refused(await api.send('GET', `${RECORDS}/${id}`), 404, NOT_FOUND);
  });

  test('that does not exist is a 404 on every path, an id that is no UUID a 422', async () => {
    const calls: [string, string, object?][] = [
      ['GET', ''],
      ['DELETE', ''],
      ['PUT', '/payload', { payload: {} }],
      ['PUT', '/properties', { properties: {} }],
      ['POST', '/live-judging', { judge_definition: definition() }],
    ];
    for (const [method, path, body] of calls) {
      await refused(await api.send(method, `${RECORDS}/${NOWHERE}${path}`, body), 404, NOT_FOUND);
      await refused(await api.send(method, `${RECORDS}/x${path}`, body), 422, 'VALIDATION_ERROR');
    }
  });
});

describe('a bulk delete', () => {
  const remove = (dataset_record_ids: unknown) =>
    api.send('POST', `${RECORDS}/bulk-delete`, { dataset_record_ids });

  test('deletes the records that are named, whatever dataset they are in', async () => {
    const other = await api.createDataset();
    const path = `${DATASETS}/${other}/records`;
    const far = await api.expect([201, record], 'POST', path, { payload: {} });
    const [one, two, left] = [await add(), await add(), await add()];
    await done(await remove([one.id.toUpperCase(), two.id, far.id]));
    for (const { id } of [one, two, far]) {
      await refused(await api.send('GET', `${RECORDS}/${id}`), 404, NOT_FOUND);
    }
    await fetched(left.id);
  });

  test('passes over ids that nothing has, and ids named twice', async () => {
    const { id } = await add();
    await done(await remove([NOWHERE, id, id]));
    await done(await remove([id]));
    await refused(await api.send('GET', `${RECORDS}/${id}`), 404, NOT_FOUND);
  });

  test('takes 1 to 500 ids', async () => {
    const ids = Array.from({ length: 500 }, () => crypto.randomUUID());
    await done(await remove(ids));
    for (const bad of [[], [...ids, NOWHERE], ['x'], [null], NOWHERE, null, undefined, {}]) {
      await refused(await remove(bad), 422, 'VALIDATION_ERROR');
    }
  });
});

describe('judging a record', () => {
  const judge = (id: string, change: object = {}) =>
    api.send('POST', `${RECORDS}/${id}/live-judging`, { judge_definition: definition(change) });

  test('looks at its messages and properties', async () => {
    const { id } = await add({ messages: MESSAGES }, { expected: 'wind' });
    const instructions = 'Expected: {{ properties.expected }}';
    const chosen = await answered(await judge(id, { instructions }), 200, judgeOutput);
    assert.equal(chosen.answer, 'helpful');
    const scored = await answered(await judge(id, { output: REGRESSION }), 200, judgeOutput);
    assert.equal(typeof scored.answer, 'number');
    const missing = '{{ properties.other }}';
    await refused(await judge(id, { instructions: missing }), 400, 'TEMPLATE_ERROR');
  });

  test('whose payload is no conversation is refused', async () => {
    for (const payload of [{}, { messages: [] }, { messages: 'hello' }, { messages: [1] }]) {
      const { id } = await add(payload);
      await refused(await judge(id), 400, 'JUDGE_CONVERSATION_FORMAT_ERROR');
    }
  });
});

test('the official SDK fetches, updates, judges and deletes records', async () => {
  const { records } = mistral.beta.observability.datasets;
  const { id: datasetRecordId } = await add();
  await records.updatePayload({
    datasetRecordId,
    updateDatasetRecordPayloadRequest: { payload: { messages: MESSAGES, more: 1 } },
  });
  await records.updateProperties({
    datasetRecordId,
    updateDatasetRecordPropertiesRequest: { properties: { label: 'x' } },
  });
  const one = await records.fetch({ datasetRecordId });
  assert.deepEqual(one.properties, { label: 'x' });
  const { model_name: modelName, output, ...rest } = definition();
  const options = { type: 'CLASSIFICATION' as const, options: output.options };
  const judgeDefinition = { ...rest, tools: [], modelName, output: options };
  const judged = await records.judge({
    datasetRecordId,
    judgeDatasetRecordRequest: { judgeDefinition },
  });
  assert.equal(judged.answer, 'helpful');
  await records.bulkDelete({ datasetRecordIds: [(await add()).id] });
  await records.delete({ datasetRecordId });
  await assert.rejects(records.fetch({ datasetRecordId }), (error) => {
    assert.ok(error instanceof ObservabilityError);
    assert.equal(error.detail.errorCode, NOT_FOUND);
    return true;
  });
});
