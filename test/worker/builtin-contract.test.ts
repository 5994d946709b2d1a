import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as z from 'zod';
import * as shape from '../support/builtin.ts';
import { answered, BuiltinApi, DATASETS, NOWHERE } from '../support/builtin.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

const CHAT = '/v1/chat/completions';
/** The three error shapes. */
const OBSERVABILITY = shape.observabilityError;
const REFUSED = shape.mistralError(z.string());
const INVALID = shape.mistralError(shape.mistakes);
const HELLO = { model: 'any-model', messages: [{ role: 'user', content: 'Hello, windsock' }] };

let worker: TestWorker;
let api: BuiltinApi;
/** What the paths below name: each test file has a workspace of its own. */
let ids: Record<'dataset' | 'file' | 'task', string>;

before(async () => {
  worker = await startWorker();
  api = new BuiltinApi(worker, await worker.createClient());
  const datasetId = await api.createDataset();
  const { id: fileId } = await api.uploaded('{"payload":{"n":1}}\n'.repeat(3));
  const tasks = [];
  for (let n = 0; n < 2; n++) tasks.push((await api.startImport(datasetId, fileId)).id);
  for (const id of tasks) assert.equal((await api.ended(datasetId, id)).status, 'COMPLETED');
  const [taskId = ''] = tasks;
  ids = { dataset: datasetId, file: fileId, task: taskId };
});
after(() => worker.dispose());

const DATASET = `${DATASETS}/{dataset}`;

/** Puts ids in where a path names them. */
function filled(path: string, more: Record<string, string> = {}): string {
  return Object.entries({ ...ids, ...more }).reduce(
    (text, [name, id]) => text.replace(`{${name}}`, id),
    path,
  );
}

const NEW_DATASET = { name: 'five5', description: '' };
const fileList = z.object({ data: z.array(shape.file), object: z.literal('list'), total: z.int() });
const oneFile = shape.file.extend({ deleted: z.literal(false), num_lines: z.literal(3) });

/** Operations with the status and shape of their answers, and what they take. */
const operations: [string, string, number, z.ZodType, object?][] = [
  ['POST', CHAT, 200, shape.completion, HELLO],
  ['GET', '/v1/models', 200, z.object({ object: z.literal('list'), data: z.array(shape.model) })],
  ['GET', '/v1/models/mistral-small-latest', 200, shape.model],
  ['GET', '/v1/files', 200, fileList],
  ['GET', '/v1/files/{file}', 200, oneFile],
  ['GET', '/v1/files/{file}/url', 200, z.object({ url: z.url() })],
  ['GET', DATASETS, 200, shape.datasetList],
  ['POST', DATASETS, 201, shape.dataset, NEW_DATASET],
  ['GET', DATASET, 200, shape.dataset],
  ['PATCH', DATASET, 200, shape.dataset, { description: 'changed' }],
  ['GET', `${DATASET}/records`, 200, shape.recordList],
  ['POST', `${DATASET}/records`, 201, shape.record, { payload: { free: [1] } }],
  ['GET', `${DATASET}/tasks`, 200, shape.taskList],
  ['GET', `${DATASET}/tasks/{task}`, 200, shape.task],
  ['GET', `${DATASET}/exports/to-jsonl`, 200, z.object({ file_url: z.url() })],
];

describe('each answer has its exact status, every key of its schema, and the ids of its request', () => {
  for (const [method, path, status, schema, body] of operations) {
    test(`${method} ${path} answers ${status}`, async () => {
      const response = await api.send(method, filled(path), body);
      const id = response.headers.get('x-request-id');
      assert.ok(id);
      assert.equal(response.headers.get('mistral-correlation-id'), id);
      assert.match(response.headers.get('server-timing') ?? '', /dur=\d/);
      await answered(response, status, schema);
    });
  }

  test('an import is answered 202 with its task', async () => {
    const started = await api.startImport(ids.dataset, ids.file);
    assert.equal(started.dataset_id, ids.dataset);
    assert.equal((await api.ended(ids.dataset, started.id)).status, 'COMPLETED');
  });

  test('a deleted dataset is answered 204 without a body, and 404 from then on', async () => {
    const path = `${DATASETS}/${await api.createDataset()}`;
    const response = await api.send('DELETE', path);
    assert.equal(response.status, 204);
    assert.equal(await response.text(), '');
    assert.equal(response.headers.get('content-type'), null);
    await api.expect([404, OBSERVABILITY], 'DELETE', path);
    await api.expect([404, OBSERVABILITY], 'GET', `${path}/records`);
  });

  test('a deleted file is answered 200 with what was deleted', async () => {
    const { id } = await api.uploaded('x', 'x.txt');
    const deleted = await api.expect([200, z.unknown()], 'DELETE', `/v1/files/${id}`);
    assert.deepEqual(deleted, { id, object: 'file', deleted: true });
    await api.expect([404, REFUSED], 'DELETE', `/v1/files/${id}`);
  });

  test("the caller's own request id is the correlation id too", async () => {
    for (const path of [DATASETS, '/v1/models', '/v1/nothing']) {
      const response = await api.send('GET', path, undefined, { 'x-request-id': 'mine-1.2_3' });
      assert.equal(response.headers.get('x-request-id'), 'mine-1.2_3');
      assert.equal(response.headers.get('mistral-correlation-id'), 'mine-1.2_3');
    }
  });
});

/** Operations that name something by its id. */
const withIds: [string, string, object?][] = [
  ['GET', `${DATASETS}/{id}`],
  ['PATCH', `${DATASETS}/{id}`, {}],
  ['DELETE', `${DATASETS}/{id}`],
  ['GET', `${DATASETS}/{id}/records`],
  ['POST', `${DATASETS}/{id}/records`, { payload: {} }],
  ['POST', `${DATASETS}/{id}/imports/from-file`, { file_id: NOWHERE }],
  ['GET', `${DATASETS}/{id}/tasks`],
  ['GET', `${DATASETS}/{id}/tasks/${NOWHERE}`],
  ['GET', `${DATASET}/tasks/{id}`],
  ['GET', `${DATASETS}/{id}/exports/to-jsonl`],
  ['GET', '/v1/files/{id}'],
  ['DELETE', '/v1/files/{id}'],
  ['GET', '/v1/files/{id}/content'],
  ['GET', '/v1/files/{id}/url'],
];

describe('an unknown id answers 404, one that is no UUID 422, in the shape of its family', () => {
  for (const [method, path, body] of withIds) {
    const isFile = path.startsWith('/v1/files');
    test(`${method} ${path}`, async () => {
      const unknown = await api.send(method, filled(path, { id: NOWHERE }), body);
      if (isFile) {
        await answered(unknown, 404, REFUSED);
      } else {
        const { detail } = await answered(unknown, 404, OBSERVABILITY);
        assert.match(detail.error_code ?? '', /^DATASET_(?:TASK_)?NOT_FOUND$/);
      }
      const invalid = isFile ? INVALID : OBSERVABILITY;
      for (const id of ['not-a-uuid', '1', `${NOWHERE}0`, '%00', 'é', '%E0%A4%A']) {
        await api.expect([422, invalid], method, filled(path, { id }), body);
      }
    });
  }

  test("a task of another dataset is none of this one's", async () => {
    const other = await api.createDataset();
    const { detail } = await api.expect(
      [404, OBSERVABILITY],
      'GET',
      `${DATASETS}/${other}/tasks/${ids.task}`,
    );
    assert.equal(detail.error_code, 'DATASET_TASK_NOT_FOUND');
  });

  test('an unknown model answers 404', async () => {
    await api.expect([404, REFUSED], 'GET', '/v1/models/no-such-model');
  });

  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
    test(`${method} of an unknown path, in both shapes`, async () => {
      const body = method === 'GET' ? undefined : {};
      await api.expect([404, REFUSED], method, '/v1/nothing/here', body);
      await api.expect([404, OBSERVABILITY], method, '/v1/observability/nothing', body);
    });
  }
});

const badPages = [
  ...['101', '-1', '1.5', 'ten'].map((value) => `page_size=${value}`),
  ...['0', '-1', '1.5', 'one', '1&page=2', '99999999999999999999'].map((value) => `page=${value}`),
];

describe('pages: page_size from 0 to 100, page from 1', () => {
  const someList = z.record(z.string(), shape.paginated(z.unknown()));
  const read = async (link: string) => {
    const [list] = Object.values(await api.expect([200, someList], 'GET', link));
    assert.ok(list);
    return list;
  };

  for (const list of [DATASETS, `${DATASET}/records`, `${DATASET}/tasks`]) {
    test(`${list}: page_size=0 tells the count alone, a page after the last is empty`, async () => {
      const path = filled(list);
      const { count, results } = await read(`${path}?page_size=100`);
      assert.ok(count > 0);
      assert.equal(results.length, count);
      for (const query of ['page_size=0', 'page=1000000']) {
        const none = await read(`${path}?${query}`);
        assert.deepEqual([none.results, none.count, none.next], [[], count, null]);
      }
    });

    test(`${list}: next and previous lead through the list and back`, async () => {
      const first = await read(`${filled(list)}?page_size=1`);
      assert.equal(first.previous, null);
      assert.equal(first.results.length, 1);
      assert.ok(first.next);
      const second = await read(first.next);
      assert.notDeepEqual(second.results, first.results);
      assert.ok(second.previous);
      assert.deepEqual(await read(second.previous), first);
    });

    for (const query of badPages) {
      test(`${list}?${query} answers 422 and names the parameter`, async () => {
        const path = `${filled(list)}?${query}`;
        const { detail } = await api.expect([422, OBSERVABILITY], 'GET', path);
        assert.equal(detail.error_code, 'VALIDATION_ERROR');
        assert.match(detail.message, new RegExp(`\\b${query.split('=')[0]}\\b`));
      });
    }
  }
});

/** Bodies of a new dataset: bounds are those of the OpenAPI document. */
const datasetBodies: [string, number, object | string][] = [
  ['a name of 4 characters', 422, { name: 'four', description: '' }],
  ['a name of 5 characters', 201, { name: 'five5', description: '' }],
  ['a name of 50 characters', 201, { name: 'n'.repeat(50), description: '' }],
  ['a name of 50 characters beyond the BMP', 201, { name: '🪁'.repeat(50), description: '' }],
  ['a name of 51 characters', 422, { name: 'n'.repeat(51), description: '' }],
  ['a description of 200 characters', 201, { name: 'five5', description: 'd'.repeat(200) }],
  ['a description of 201 characters', 422, { name: 'five5', description: 'd'.repeat(201) }],
  ['no description', 422, { name: 'five5' }],
  ['no name', 422, { description: '' }],
  ['a name that is a number', 422, { name: 12345, description: '' }],
  ['a name that is null', 422, { name: null, description: '' }],
  ['null', 422, 'null'],
  ['a list', 422, '[]'],
  ['no JSON', 422, '{"name":"five5",'],
  ['nothing', 422, ''],
];
const recordBodies: [string, number, object | string][] = [
  ['an empty payload', 201, { payload: {} }],
  ['any JSON in payload and properties', 201, { payload: { a: [null] }, properties: { b: {} } }],
  ['a NUL and a lone surrogate', 201, '{"payload":{"a\\u0000":"\\ud800"}}'],
  ['unknown fields, which are ignored', 201, { payload: {}, source: 'EXPLORER', id: NOWHERE }],
  ['no payload', 422, { properties: {} }],
  ['a payload that is a list', 422, { payload: [] }],
  ['a payload that is null', 422, { payload: null }],
  ['properties that are a string', 422, { payload: {}, properties: 'p' }],
  ['no JSON', 422, '{'],
];
const changeBodies: [string, number, object | string][] = [
  ['nothing to change', 200, {}],
  ['null for what stays', 200, { name: null, description: null }],
  ['a name without bounds', 200, { name: 'n'.repeat(500) }],
  ['unknown fields, which are ignored', 200, { owner_id: NOWHERE }],
  ['a name that is a number', 422, { name: 1 }],
  ['a list', 422, '[]'],
];

describe('observability bodies are open objects with checked fields', () => {
  const cases = [
    ['POST', DATASETS, shape.dataset, datasetBodies],
    ['POST', `${DATASET}/records`, shape.record, recordBodies],
    ['PATCH', DATASET, shape.dataset, changeBodies],
  ] as const;
  for (const [method, path, schema, bodies] of cases) {
    for (const [what, status, body] of bodies) {
      test(`${method} ${path} with ${what}: ${status}`, async () => {
        const response = await api.send(method, filled(path), body);
        if (status < 300) return void (await answered(response, status, schema));
        const { detail } = await answered(response, status, OBSERVABILITY);
        assert.equal(detail.error_code, 'VALIDATION_ERROR');
      });
    }
  }

  test('a body that is not declared as JSON is refused', async () => {
    const type = { 'content-type': 'text/plain' };
    const response = await api.send('POST', DATASETS, NEW_DATASET, type);
    await answered(response, 422, OBSERVABILITY);
  });

  test('ignored fields do not come back; owner and workspace are those of every dataset', async () => {
    const odd = { ...NEW_DATASET, id: NOWHERE, owner_id: NOWHERE, color: 'red' };
    const made = await api.expect([201, shape.dataset.loose()], 'POST', DATASETS, odd);
    const other = await api.expect([200, shape.dataset], 'GET', filled(DATASET));
    assert.equal(made.owner_id, other.owner_id);
    assert.equal(made.workspace_id, other.workspace_id);
    assert.notEqual(made.id, NOWHERE);
    assert.ok(!('color' in made));
  });
});

const user = { role: 'user', content: 'x' };
/** Chats with a field that is not known where it stands. */
const closed: [string, object][] = [
  ['the request', { messages: [user], stream_options: { include_usage: true } }],
  ['a message', { messages: [{ ...user, reasoning_content: 'x' }] }],
  ['a user message with a name', { messages: [{ ...user, name: 'Eva' }] }],
  [
    'a content chunk',
    { messages: [{ role: 'user', content: [{ type: 'text', text: 'x', a: 1 }] }] },
  ],
  ['a tool', { messages: [user], tools: [{ function: { name: 'f', parameters: {}, a: 1 } }] }],
  ['a tool choice', { messages: [user], tool_choice: { function: { name: 'f', a: 1 } } }],
  ['the response format', { messages: [user], response_format: { type: 'text', a: 1 } }],
];
/** Chats with a known field out of its bounds. */
const outOfBounds: [string, object | string][] = [
  ['no model', { messages: [user] }],
  ['no messages', { model: 'm' }],
  ['messages that are a string', { model: 'm', messages: 'x' }],
  ['an unknown role', { model: 'm', messages: [{ role: 'developer', content: 'x' }] }],
  ['a user message without content', { model: 'm', messages: [{ role: 'user' }] }],
  ['temperature 1.6', { ...HELLO, temperature: 1.6 }],
  ['top_p 0', { ...HELLO, top_p: 0 }],
  ['max_tokens -1', { ...HELLO, max_tokens: -1 }],
  ['n 0', { ...HELLO, n: 0 }],
  ['stream that is a string', { ...HELLO, stream: 'yes' }],
  ['null', 'null'],
  ['no JSON', '{"model":'],
  ['nothing', ''],
];

describe('a chat is a closed object; mistakes answer 422 with the wrapped list', () => {
  for (const [where, chat] of closed) {
    test(`an unknown field in ${where} is extra_forbidden`, async () => {
      const body = { model: 'm', ...chat };
      const { message } = await api.expect([422, INVALID], 'POST', CHAT, body);
      assert.ok(message.detail.every(({ type }) => type === 'extra_forbidden'));
      assert.ok(message.detail.every(({ loc }) => loc[0] === 'body'));
    });
  }
  for (const [what, body] of outOfBounds) {
    test(`${what} is refused`, async () => {
      await api.expect([422, INVALID], 'POST', CHAT, body);
    });
  }
});

describe('a chat stream on the wire', () => {
  const streamed = async (more: object = {}) => {
    const response = await api.send('POST', CHAT, { ...HELLO, ...more, stream: true });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream\b/);
    const text = await response.text();
    assert.ok(text.endsWith('\n\n'), 'the last event is whole');
    const events = text.slice(0, -2).split('\n\n');
    for (const event of events) assert.match(event, /^data: [^\n]+$/);
    const data = events.map((event) => event.slice('data: '.length));
    assert.equal(data.pop(), '[DONE]');
    return data.map((json) => {
      assert.equal(json, JSON.stringify(JSON.parse(json)), 'the JSON is compact');
      return shape.chunk.parse(JSON.parse(json));
    });
  };

  test('is data lines alone, of one id and time, with the role first and the usage last', async () => {
    const chunks = await streamed();
    const heads = new Set(chunks.map(({ id, created, model }) => `${id} ${created} ${model}`));
    assert.equal(heads.size, 1);
    assert.equal(chunks[0]?.model, HELLO.model);
    assert.deepEqual(chunks[0]?.choices[0]?.delta, { role: 'assistant', content: '' });
    const last = chunks.pop();
    assert.equal(last?.choices[0]?.finish_reason, 'stop');
    assert.ok(last.usage);
    assert.ok(chunks.every(({ choices }) => choices[0]?.finish_reason === null));
    assert.ok(chunks.every(({ usage }) => usage === undefined));
  });

  test('holds the text and usage of the same chat unstreamed, for every choice of n', async () => {
    const whole = await api.expect([200, shape.completion], 'POST', CHAT, { ...HELLO, n: 2 });
    const chunks = await streamed({ n: 2 });
    for (const { index, message } of whole.choices) {
      const own = chunks.flatMap(({ choices }) => choices.filter((one) => one.index === index));
      assert.equal(own.map(({ delta }) => delta.content).join(''), message.content);
    }
    assert.deepEqual(chunks.at(-1)?.usage, whole.usage);
  });
});

test('no oddity of a request is answered by a 5xx', async () => {
  const odd: [string, string, (object | string)?][] = [
    ['GET', '/v1'],
    ['GET', '/v1//files'],
    ['GET', '/v1/files?page=-1'],
    ['GET', '/v1/files?page=9007199254740991&page_size=1000'],
    ['GET', '/v1/files?search=%00%25_%5C&purpose=nothing'],
    ['GET', `/v1/files/${NOWHERE}/url?expiry=0`],
    ['GET', '/v1/models/%E0%A4%A'],
    ['GET', `${DATASETS}?q=%E0%A4%A`],
    ['GET', `${DATASETS}?q=%00'%25_&q=2`],
    ['POST', DATASETS, '{"__proto__":{"name":"five5"},"constructor":1}'],
    ['POST', DATASETS, { name: 'a\0 name', description: '\ud800' }],
    ['POST', CHAT, { ...HELLO, messages: [], max_tokens: 0 }],
    ['POST', CHAT, { ...HELLO, stop: ['', 'H'], n: 1_000_000 }],
    ['POST', '/v1/files', { file: 'no form' }],
    ['PUT', '/v1/files', '{'],
    ['DELETE', '/v1/models/mistral-small-latest'],
  ];
  for (const [method, path, body] of odd) {
    const response = await api.send(method, path, body);
    assert.ok(response.status < 500, `${method} ${path} ${response.status}`);
  }
});
