import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  BuiltinApi,
  DATASETS,
  NOWHERE,
  observabilityError,
  recordList,
  taskList,
  type Bytes,
  type Task,
} from '../support/builtin.ts';
import { until } from '../support/until.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

/** Longest line that an import takes, in bytes. */
const MAX_LINE_BYTES = 2_000_000;
/** More than one slice of an import takes at once. */
const SEVERAL_SLICES = 250;

let worker: TestWorker;
let api: BuiltinApi;

before(async () => {
  worker = await startWorker();
  api = new BuiltinApi(worker, await worker.createClient());
});
after(() => worker.dispose());

interface Started {
  datasetId: string;
  fileId: string;
  taskId: string;
}

async function start(content: Bytes, datasetId?: string): Promise<Started> {
  const { id: fileId } = await api.uploaded(content);
  const into = datasetId ?? (await api.createDataset());
  const { id: taskId } = await api.startImport(into, fileId);
  return { datasetId: into, fileId, taskId };
}

async function imported(content: Bytes): Promise<{ task: Task; datasetId: string }> {
  const { datasetId, taskId } = await start(content);
  return { task: await api.ended(datasetId, taskId), datasetId };
}

async function countOf(datasetId: string): Promise<number> {
  const path = `${DATASETS}/${datasetId}/records?page_size=0`;
  return (await api.expect([200, recordList], 'GET', path)).records.count;
}

async function numbersOf(datasetId: string): Promise<unknown[]> {
  return (await api.records(datasetId)).map(({ payload }) => payload['n']);
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, n) => from + n);
const numbered = (from: number, count: number) =>
  numbers(count, from)
    .map((n) => `{"payload":{"n":${n}}}\n`)
    .join('');

/** A row of an exact length, filled up with spaces that JSON allows. */
function rowOf(bytes: number): string {
  const row = '{"payload":{"n":1}';
  return `${row}${' '.repeat(bytes - row.length - 1)}}`;
}

const A = { payload: { n: 1 }, properties: { tag: 'a' } };
const B = { payload: { n: 2 }, properties: {} };
const rowA = JSON.stringify(A);
const rowB = JSON.stringify(B);
const messages = [
  { role: 'user', content: 'Größe 🪁 \u2028 "zitiert"' },
  { role: 'assistant', content: 'ok' },
];
const MESSAGES = { payload: { messages }, properties: {} };

/** Files that are in order, and the records that come of them. */
const good: [string, Bytes, object[]][] = [
  ['rows with a payload', `${rowA}\n${rowB}\n`, [A, B]],
  [
    'rows with messages, as older files have them',
    `{"messages":${JSON.stringify(messages)}}\n`,
    [MESSAGES],
  ],
  [
    'rows with messages and properties',
    `{"messages":[],"properties":{"tag":[1,null]}}\n`,
    [{ payload: { messages: [] }, properties: { tag: [1, null] } }],
  ],
  [
    'both generations in one file',
    `${rowA}\n{"messages":${JSON.stringify(messages)}}\n`,
    [A, MESSAGES],
  ],
  ['a row without properties', '{"payload":{"n":2}}\n', [B]],
  ['a byte order mark', `\ufeff${rowA}\n${rowB}\n`, [A, B]],
  ['CRLF line ends', `${rowA}\r\n${rowB}\r\n`, [A, B]],
  ['a byte order mark and CRLF', `\ufeff${rowA}\r\n${rowB}`, [A, B]],
  ['blank lines', `\n\n${rowA}\n   \n\r\n\t\n${rowB}\n\n`, [A, B]],
  ['no last line end', `${rowA}\n${rowB}`, [A, B]],
  ['space around a row', `  ${rowA}\t\n`, [A]],
  [
    'escapes of JSON',
    '{"payload":{"a":"\\u00e9\\n\\ud83e\\ude81\\u0000"}}\n',
    [{ payload: { a: 'é\n🪁\0' }, properties: {} }],
  ],
  ['no line at all', '', []],
  ['blank lines alone', '\n \r\n\n', []],
  [
    'a row of the longest length',
    `${rowA}\n${rowOf(MAX_LINE_BYTES)}\r\n${rowB}\n`,
    [A, { payload: { n: 1 }, properties: {} }, B],
  ],
  [
    'a row longer than a slice',
    `${rowA}\n{"payload":{"n":"${'é'.repeat(400_000)}"}}\n${rowB}\n`,
    [A, { payload: { n: 'é'.repeat(400_000) }, properties: {} }, B],
  ],
];

describe('a file in order becomes its records, in order', () => {
  for (const [what, content, expected] of good) {
    test(what, async () => {
      const { task, datasetId } = await imported(content);
      assert.deepEqual([task.status, task.progress, task.message], ['COMPLETED', 100, null]);
      const records = await api.records(datasetId);
      assert.deepEqual(
        records.map(({ payload, properties }) => ({ payload, properties })),
        expected,
      );
      assert.ok(records.every(({ source }) => source === 'UPLOADED_FILE'));
      assert.ok(records.every((record) => record.dataset_id === datasetId));
    });
  }

  test('an export can be imported again and gives the same records', async () => {
    const { datasetId } = await imported(
      good
        .map(([, content]) => content)
        .slice(0, 5)
        .join(''),
    );
    const exported = await api.send('GET', `${DATASETS}/${datasetId}/exports/to-jsonl`);
    const { file_url } = (await exported.json()) as { file_url: string };
    const again = await imported(new Uint8Array(await (await fetch(file_url)).arrayBuffer()));
    assert.equal(again.task.status, 'COMPLETED');
    const rowsOf = async (id: string) =>
      (await api.records(id)).map(({ payload, properties }) => ({ payload, properties }));
    const rows = await rowsOf(datasetId);
    assert.equal(rows.length, 7);
    assert.deepEqual(await rowsOf(again.datasetId), rows);
  });
});

/** Bytes of a text in which ÿ stands for a byte that is no UTF-8. */
const withBadByte = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

/** Files with one bad line, its number, and what the message says of it. */
const bad: [string, Bytes, number, RegExp][] = [
  ['bad UTF-8', withBadByte(`${rowA}\n${rowB}\n{"payload":{"a":"ÿ"}}\n`), 3, /UTF-8/],
  ['UTF-8 that is cut off', withBadByte(`${rowA}\n{"payload":{"a":"Ã`), 2, /UTF-8/],
  ['bad JSON', `${rowA}\n{"payload":{}\n${rowB}\n`, 2, /JSON/],
  ['two rows on a line', `${rowA}${rowB}\n`, 1, /JSON/],
  ['a byte order mark in the middle', `${rowA}\n\ufeff${rowB}\n`, 2, /JSON/],
  ['a list', `${rowA}\n[]\n`, 2, /object/],
  ['null', `null\n${rowA}\n`, 1, /object/],
  ['a string', `${rowA}\n${rowB}\n"payload"`, 3, /object/],
  [
    'a row with neither messages nor payload',
    `${rowA}\n{"properties":{}}\n`,
    2,
    /messages|payload/,
  ],
  ['a payload that is a list', '{"payload":[]}\n', 1, /payload/],
  ['a payload that is null', '{"payload":null}\n', 1, /payload/],
  ['messages that are an object', '{"messages":{}}\n', 1, /messages/],
  ['messages with a string among them', `{"messages":[{},"x"]}\n`, 1, /messages/],
  ['properties that are a list', `${rowA}\n{"payload":{},"properties":[]}\n`, 2, /properties/],
  ['a bad line after blank ones, which count', `${rowA}\n\n \r\n{\n`, 4, /JSON/],
  ['a bad line under CRLF', `${rowA}\r\n${rowB}\r\n{\r\n`, 3, /JSON/],
  ['a bad last line many slices on', `${numbered(0, SEVERAL_SLICES)}{`, SEVERAL_SLICES + 1, /JSON/],
  [
    'a first line one byte too long',
    `${rowOf(MAX_LINE_BYTES + 1)}\n${rowA}\n`,
    1,
    /2000000|2,000,000/,
  ],
  [
    'a last line one byte too long',
    `${rowA}\n${rowOf(MAX_LINE_BYTES + 1)}`,
    2,
    /2000000|2,000,000/,
  ],
  [
    'a line far too long',
    `${rowA}\n${rowB}\n${rowOf(2 * MAX_LINE_BYTES)}\n`,
    3,
    /2000000|2,000,000/,
  ],
];

describe('a bad line fails the task, which names it and leaves no record', () => {
  for (const [what, content, line, reason] of bad) {
    test(`${what}: line ${line}`, async () => {
      const { task, datasetId } = await imported(content);
      assert.equal(task.status, 'FAILED');
      assert.match(task.message ?? '', new RegExp(`\\bline ${line}\\b`, 'i'));
      assert.match(task.message ?? '', reason);
      assert.equal(await countOf(datasetId), 0);
    });
  }

  test('records that were there before stay', async () => {
    const { datasetId } = await imported(numbered(0, 3));
    const { taskId } = await start(`${rowA}\n{`, datasetId);
    assert.equal((await api.ended(datasetId, taskId)).status, 'FAILED');
    assert.deepEqual(await numbersOf(datasetId), [0, 1, 2]);
  });
});

describe('an import that cannot start is refused at once and leaves no task', () => {
  let datasetId: string;
  before(async () => {
    datasetId = await api.createDataset();
  });
  const path = () => `${DATASETS}/${datasetId}/imports/from-file`;

  const refused: [string, number, object | string][] = [
    ['an unknown file', 404, { file_id: NOWHERE }],
    ['a file id that is no UUID', 404, { file_id: 'file-1' }],
    ['no file id', 422, {}],
    ['a file id that is a number', 422, { file_id: 1 }],
    ['no JSON', 422, '{'],
  ];
  for (const [what, status, body] of refused) {
    test(`${what}: ${status}`, async () => {
      const { detail } = await api.expect([status, observabilityError], 'POST', path(), body);
      assert.match(detail.message, /file|JSON/i);
      assert.equal((await listTasks(datasetId)).count, 0);
    });
  }

  test('a file that was deleted: 404', async () => {
    const { id } = await api.uploaded(rowA);
    await api.send('DELETE', `/v1/files/${id}`);
    await api.expect([404, observabilityError], 'POST', path(), { file_id: id });
    assert.equal((await listTasks(datasetId)).count, 0);
  });
});

async function listTasks(datasetId: string) {
  return (await api.expect([200, taskList], 'GET', `${DATASETS}/${datasetId}/tasks`)).tasks;
}

test('5,000 lines arrive in order, each once, with a progress of whole numbers that never goes back', async () => {
  const { datasetId, taskId } = await start(numbered(0, 5000));
  const seen: Task[] = [];
  const ended = await api.ended(datasetId, taskId, (task) => seen.push(task));
  assert.equal(ended.status, 'COMPLETED');
  const progress = seen.map((task) => task.progress);
  assert.deepEqual(
    progress,
    progress.toSorted((a, b) => a - b),
  );
  assert.equal(progress.at(-1), 100);
  assert.ok(
    progress.some((percent) => percent > 0 && percent < 100),
    'progress is told on the way',
  );
  assert.ok(seen.every(({ status, progress }) => status === 'COMPLETED' || progress < 100));
  const times = seen.map(({ updated_at }) => updated_at);
  assert.deepEqual(times, times.toSorted());
  assert.deepEqual(await numbersOf(datasetId), numbers(5000));
});

test('two imports into one dataset at once both complete, each with its lines in order', async () => {
  const datasetId = await api.createDataset();
  const [one, two] = await Promise.all([
    start(numbered(0, SEVERAL_SLICES), datasetId),
    start(numbered(1000, SEVERAL_SLICES), datasetId),
  ]);
  for (const { taskId } of [one, two]) {
    assert.equal((await api.ended(datasetId, taskId)).status, 'COMPLETED');
  }
  const found = (await numbersOf(datasetId)) as number[];
  assert.deepEqual(
    found.filter((n) => n < 1000),
    numbers(SEVERAL_SLICES),
  );
  assert.deepEqual(
    found.filter((n) => n >= 1000),
    numbers(SEVERAL_SLICES, 1000),
  );
  assert.equal((await listTasks(datasetId)).count, 2);
});

test('one file imported twice gives its records twice', async () => {
  const { datasetId, fileId, taskId } = await start(numbered(0, 3));
  const again = await api.startImport(datasetId, fileId);
  assert.notEqual(again.id, taskId);
  await api.ended(datasetId, taskId);
  await api.ended(datasetId, again.id);
  assert.equal(await countOf(datasetId), 6);
});

test('a file deleted during its import fails the task and leaves no record', async () => {
  const { datasetId, fileId, taskId } = await start(numbered(0, 20_000));
  await until('the first records', async () => (await countOf(datasetId)) > 0);
  assert.equal((await api.send('DELETE', `/v1/files/${fileId}`)).status, 200);
  const ended = await api.ended(datasetId, taskId);
  assert.equal(ended.status, 'FAILED');
  assert.match(ended.message ?? '', new RegExp(fileId));
  assert.equal(await countOf(datasetId), 0);
});

test('a file deleted after its import takes no record with it', async () => {
  const { datasetId, fileId, taskId } = await start(numbered(0, 3));
  assert.equal((await api.ended(datasetId, taskId)).status, 'COMPLETED');
  assert.equal((await api.send('DELETE', `/v1/files/${fileId}`)).status, 200);
  assert.deepEqual(await numbersOf(datasetId), [0, 1, 2]);
  assert.equal((await api.task(datasetId, taskId)).status, 'COMPLETED');
});

test('a dataset deleted during an import takes its tasks along, and other imports go on', async () => {
  const { datasetId, fileId, taskId } = await start(numbered(0, 20_000));
  const ended = await start(numbered(0, 3), datasetId);
  const other = await start(numbered(0, SEVERAL_SLICES));
  assert.equal((await api.ended(datasetId, ended.taskId)).status, 'COMPLETED');
  assert.equal((await api.send('DELETE', `${DATASETS}/${datasetId}`)).status, 204);
  const gone: [string, string, object?][] = [
    ['GET', `/tasks/${taskId}`],
    ['GET', `/tasks/${ended.taskId}`],
    ['GET', '/tasks'],
    ['GET', '/records'],
    ['GET', '/exports/to-jsonl'],
    ['POST', '/imports/from-file', { file_id: fileId }],
  ];
  for (const [method, path, body] of gone) {
    await api.expect([404, observabilityError], method, `${DATASETS}/${datasetId}${path}`, body);
  }
  assert.equal((await api.ended(other.datasetId, other.taskId)).status, 'COMPLETED');
  assert.deepEqual(await numbersOf(other.datasetId), numbers(SEVERAL_SLICES));
  await api.expect([404, observabilityError], 'GET', `${DATASETS}/${datasetId}/tasks/${taskId}`);
});
