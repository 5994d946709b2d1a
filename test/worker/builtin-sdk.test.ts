import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Mistral } from '@mistralai/mistralai';
import {
  HTTPValidationError,
  MistralError,
  ObservabilityError,
  SDKError,
} from '@mistralai/mistralai/models/errors';
import { NOWHERE } from '../support/builtin.ts';
import { until } from '../support/until.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

let worker: TestWorker;
/** The official SDK as anyone has it: only server URL and key are set. */
let mistral: Mistral;

before(async () => {
  worker = await startWorker();
  const { key } = await worker.createClient();
  mistral = new Mistral({ serverURL: worker.url, apiKey: key });
});
after(() => worker.dispose());

const datasets = () => mistral.beta.observability.datasets;
const createDataset = (name: string) => datasets().create({ name, description: 'of the SDK' });
const QUESTION = {
  model: 'mistral-small-latest',
  messages: [{ role: 'user' as const, content: 'What does a windsock show, and to whom?' }],
};

test('chat.complete answers with the requested model, a text and a usage that adds up', async () => {
  const answer = await mistral.chat.complete(QUESTION);
  assert.equal(answer.object, 'chat.completion');
  assert.equal(answer.model, QUESTION.model);
  const [choice] = answer.choices;
  assert.equal(typeof choice?.message?.content, 'string');
  assert.notEqual(choice?.message?.content, '');
  assert.equal(choice?.finishReason, 'stop');
  const { promptTokens = 0, completionTokens = 0, totalTokens } = answer.usage;
  assert.ok(promptTokens > 0 && completionTokens > 0);
  assert.equal(totalTokens, promptTokens + completionTokens);
});

test('chat.stream gives the text of chat.complete in pieces, and the same usage on its last chunk', async () => {
  const whole = await mistral.chat.complete(QUESTION);
  const chunks = [];
  for await (const { data } of await mistral.chat.stream(QUESTION)) chunks.push(data);
  const pieces = chunks.map(({ choices }) => choices[0]?.delta.content as string);
  assert.ok(pieces.length > 3);
  assert.equal(pieces.join(''), whole.choices[0]?.message?.content);
  const last = chunks.at(-1);
  assert.deepEqual(last?.usage, whole.usage);
  assert.equal(last?.choices[0]?.finishReason, 'stop');
  assert.ok(chunks.slice(0, -1).every(({ usage }) => usage === undefined));
});

test('chat.complete and chat.stream obey maxTokens alike', async () => {
  const request = { ...QUESTION, maxTokens: 4 };
  const { choices, usage } = await mistral.chat.complete(request);
  assert.equal(choices[0]?.finishReason, 'length');
  assert.equal(usage.completionTokens, 4);
  let streamed = '';
  for await (const { data } of await mistral.chat.stream(request)) {
    streamed += data.choices[0]?.delta.content as string;
  }
  assert.equal(streamed, choices[0]?.message?.content);
});

test('models.list names models that models.retrieve knows', async () => {
  const { data = [] } = await mistral.models.list();
  const ids = data.map((model) => {
    assert.ok(model.type === 'base');
    return model.id;
  });
  assert.ok(ids.includes('mistral-small-latest'));
  for (const modelId of ids) {
    const model = await mistral.models.retrieve({ modelId });
    assert.ok(model.type === 'base');
    assert.equal(model.id, modelId);
    assert.equal(model.capabilities.completionChat, true);
  }
});

test('files: upload, retrieve, list, download, signed link, delete', async () => {
  const text = '{"messages":[]}\n{"messages":[]}\n';
  const uploaded = await mistral.files.upload({
    file: { fileName: 'sdk.jsonl', content: new TextEncoder().encode(text) },
    purpose: 'batch',
  });
  assert.equal(uploaded.filename, 'sdk.jsonl');
  assert.equal(uploaded.sizeBytes, text.length);
  assert.equal(uploaded.purpose, 'batch');
  assert.equal(uploaded.numLines, 2);
  assert.equal(uploaded.source, 'upload');

  const { deleted, ...retrieved } = await mistral.files.retrieve({ fileId: uploaded.id });
  assert.equal(deleted, false);
  assert.deepEqual(retrieved, uploaded);
  const { data, total } = await mistral.files.list({ search: 'SDK', purpose: 'batch' });
  assert.deepEqual(data, [uploaded]);
  assert.equal(total, 1);

  const content = await mistral.files.download({ fileId: uploaded.id });
  assert.equal(await new Response(content).text(), text);
  const { url } = await mistral.files.getSignedUrl({ fileId: uploaded.id, expiry: 1 });
  assert.equal(await (await fetch(url)).text(), text);

  const gone = await mistral.files.delete({ fileId: uploaded.id });
  assert.deepEqual(gone, { id: uploaded.id, object: 'file', deleted: true });
  await assert.rejects(mistral.files.retrieve({ fileId: uploaded.id }), isSdkError(404));
});

test('datasets: create, fetch, update, delete', async () => {
  const created = await createDataset('sdk dataset');
  assert.equal(created.name, 'sdk dataset');
  assert.equal(created.description, 'of the SDK');
  assert.equal(created.deletedAt, null);
  assert.ok(Math.abs(created.createdAt.getTime() - Date.now()) < 60_000);
  const datasetId = created.id;
  assert.deepEqual(await datasets().fetch({ datasetId }), created);

  const renamed = await datasets().update({
    datasetId,
    updateDatasetRequest: { name: 'renamed dataset' },
  });
  assert.equal(renamed.name, 'renamed dataset');
  assert.equal(renamed.description, created.description);
  assert.ok(renamed.updatedAt >= created.updatedAt);
  assert.deepEqual(await datasets().fetch({ datasetId }), renamed);

  assert.equal(await datasets().delete({ datasetId }), undefined);
  await assert.rejects(datasets().fetch({ datasetId }), isNotFound(datasetId));
});

test('datasets.list finds by part of the name in any case, and pages without gap or repeat', async () => {
  const made = [];
  for (const n of [1, 2, 3, 4, 5]) made.push((await createDataset(`Paged dataset ${n}`)).id);
  const seen = [];
  for (let page = 1; ; page++) {
    const list = await datasets().list({ q: 'pAGED', pageSize: 2, page });
    assert.equal(list.datasets.count, 5);
    seen.push(...(list.datasets.results ?? []).map(({ id }) => id));
    assert.equal(list.datasets.previous === null, page === 1);
    if (list.datasets.next === null) break;
  }
  assert.deepEqual(seen.toSorted(), made.toSorted());
  assert.equal((await datasets().list({ q: 'no such name' })).datasets.count, 0);
});

test('records: createRecord gives back what was put in, listRecords pages through it', async () => {
  const { id: datasetId } = await createDataset('sdk records');
  const made = [];
  for (const n of [1, 2, 3]) {
    const payload = { messages: [{ role: 'user', content: `größe ${n}` }], n };
    const properties = { nested: { list: [n, null, true, 'é'] } };
    const createDatasetRecordRequest = { payload, properties };
    const record = await datasets().createRecord({ datasetId, createDatasetRecordRequest });
    assert.deepEqual(record.payload, payload);
    assert.deepEqual(record.properties, properties);
    assert.equal(record.source, 'DIRECT_INPUT');
    assert.equal(record.datasetId, datasetId);
    made.push(record);
  }
  const { records } = await datasets().listRecords({ datasetId, pageSize: 2 });
  assert.equal(records.count, 3);
  assert.notEqual(records.next, null);
  const second = await datasets().listRecords({ datasetId, pageSize: 2, page: 2 });
  assert.equal(second.records.next, null);
  assert.deepEqual([...(records.results ?? []), ...(second.records.results ?? [])], made);
});

test('importFromFile runs to COMPLETED; fetchTask and listTasks tell it alike', async () => {
  const { id: datasetId } = await createDataset('sdk import');
  const rows = [1, 2, 3].map((n) => ({ payload: { n }, properties: { odd: n % 2 === 1 } }));
  const file = new File([rows.map((row) => `${JSON.stringify(row)}\n`).join('')], 'rows.jsonl');
  const { id: fileId } = await mistral.files.upload({ file });
  const started = await datasets().importFromFile({
    datasetId,
    importDatasetFromFileRequest: { fileId },
  });
  assert.equal(started.datasetId, datasetId);
  const taskId = started.id;
  const ended = await until('the task to end', async () => {
    const task = await datasets().fetchTask({ datasetId, taskId });
    return task.status !== 'RUNNING' && task;
  });
  assert.equal(ended.status, 'COMPLETED');
  assert.equal(ended.progress, 100);
  assert.equal(ended.message, null);
  const { tasks } = await datasets().listTasks({ datasetId });
  assert.equal(tasks.count, 1);
  assert.deepEqual(tasks.results, [ended]);
  const { records } = await datasets().listRecords({ datasetId });
  const found = (records.results ?? []).map(({ payload, properties }) => ({ payload, properties }));
  assert.deepEqual(found, rows);
  assert.ok(records.results?.every(({ source }) => source === 'UPLOADED_FILE'));
});

test('exportToJsonl links to every record, a line each, for anyone who has the link', async () => {
  const { id: datasetId } = await createDataset('sdk export');
  for (const n of [1, 2, 3]) {
    const payload = { messages: [{ role: 'user', content: `line\n${n} \u2028 é` }] };
    const createDatasetRecordRequest = { payload, properties: { n } };
    await datasets().createRecord({ datasetId, createDatasetRecordRequest });
  }
  const { fileUrl } = await datasets().exportToJsonl({ datasetId });
  const response = await fetch(fileUrl);
  assert.equal(response.status, 200);
  const text = await response.text();
  assert.ok(text.endsWith('\n'));
  const lines = text.slice(0, -1).split('\n');
  const { records } = await datasets().listRecords({ datasetId });
  const expected = (records.results ?? []).map(({ payload, properties }) => ({
    payload,
    properties,
  }));
  assert.equal(expected.length, 3);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    expected,
  );
});

/** What the SDK throws, with the message that a user of it reads. */
const failures: [string, () => Promise<unknown>, (error: unknown) => boolean][] = [
  ['fetch', () => datasets().fetch({ datasetId: NOWHERE }), isNotFound(NOWHERE)],
  ['delete', () => datasets().delete({ datasetId: NOWHERE }), isNotFound(NOWHERE)],
  ['listRecords', () => datasets().listRecords({ datasetId: NOWHERE }), isNotFound(NOWHERE)],
  ['listTasks', () => datasets().listTasks({ datasetId: NOWHERE }), isNotFound(NOWHERE)],
  ['exportToJsonl', () => datasets().exportToJsonl({ datasetId: NOWHERE }), isNotFound(NOWHERE)],
  [
    'importFromFile',
    () =>
      datasets().importFromFile({
        datasetId: NOWHERE,
        importDatasetFromFileRequest: { fileId: NOWHERE },
      }),
    isNotFound(NOWHERE),
  ],
];
for (const [name, call, isExpected] of failures) {
  test(`datasets.${name} of an unknown dataset throws ObservabilityError 404`, () =>
    assert.rejects(call, isExpected));
}

test('a too short name throws ObservabilityError 422 that names the field', () =>
  assert.rejects(datasets().create({ name: 'abcd', description: '' }), (error) => {
    assert.ok(error instanceof ObservabilityError);
    assert.equal(error.statusCode, 422);
    assert.equal(error.detail.errorCode, 'VALIDATION_ERROR');
    assert.match(error.detail.message, /\bname\b/);
    return true;
  }));

test('a bad chat throws HTTPValidationError that names the field, streamed or not', async () => {
  const bad = { ...QUESTION, temperature: 7 };
  for (const call of [() => mistral.chat.complete(bad), () => mistral.chat.stream(bad)]) {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof HTTPValidationError);
      assert.equal(error.statusCode, 422);
      assert.match(error.body, /"temperature"/);
      return true;
    });
  }
});

test('a bad key throws SDKError 401 on every family of paths', async () => {
  const stranger = new Mistral({ serverURL: worker.url, apiKey: `wsk_${'A'.repeat(43)}` });
  const calls = [
    () => stranger.chat.complete(QUESTION),
    () => stranger.chat.stream(QUESTION),
    () => stranger.models.list(),
    () => stranger.files.list(),
    () => stranger.beta.observability.datasets.list({}),
  ];
  for (const call of calls) {
    await assert.rejects(call, (error) => {
      assert.ok(isSdkError(401)(error));
      assert.deepEqual(JSON.parse((error as SDKError).body), { detail: 'Unauthorized' });
      return true;
    });
  }
});

test('an error carries the request id under both of its names', () =>
  assert.rejects(datasets().fetch({ datasetId: NOWHERE }), (error) => {
    assert.ok(error instanceof MistralError);
    const id = error.headers.get('x-request-id');
    assert.ok(id);
    assert.equal(error.headers.get('mistral-correlation-id'), id);
    return true;
  }));

function isNotFound(datasetId: string) {
  return (error: unknown) => {
    assert.ok(error instanceof ObservabilityError);
    assert.equal(error.statusCode, 404);
    assert.equal(error.detail.errorCode, 'DATASET_NOT_FOUND');
    assert.match(error.detail.message, new RegExp(datasetId));
    return true;
  };
}

function isSdkError(status: number) {
  return (error: unknown) => {
    assert.ok(error instanceof SDKError);
    assert.equal(error.statusCode, status);
    return true;
  };
}
