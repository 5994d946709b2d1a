import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as z from 'zod';
import { BuiltinApi, file, NOWHERE } from '../support/builtin.ts';
import { importJsonl, openImport, type JsonlAnswer } from '../support/jsonl.ts';
import { startReceiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { ended, send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

const ROW = '{"messages":[{"role":"user","content":"Hi"}]}';

let worker: TestWorker;
let client: TestClient;
let api: BuiltinApi;

before(async () => {
  worker = await startWorker({ POLL_MIN_MS: '20', POLL_MAX_MS: '100' });
  client = await worker.createClient();
  api = new BuiltinApi(worker, client);
});
after(() => worker.dispose());

const at = (datasetId: string, query = '') => `${worker.url}/datasets/${datasetId}/imports${query}`;

function importInto(
  datasetId: string,
  body: string | Uint8Array,
  headers: Record<string, string | number> = {},
): Promise<JsonlAnswer> {
  return importJsonl(at(datasetId), client.key, body, headers);
}

const fileList = z.object({ data: z.array(file), total: z.int() });
const files = async () => (await api.expect([200, fileList], 'GET', '/v1/files')).data;

/** The import of an answer, when it has ended. */
async function endedWell({ status, headers, body }: JsonlAnswer) {
  assert.equal(status, 202, JSON.stringify(body));
  assert.equal(headers.location, `/imports/${body.id}`);
  const view = await ended(worker.url, client.key, body.id ?? '');
  assert.equal(view['status'], 'completed', String(view['message']));
  assert.equal(view['source'], 'file');
  return view;
}

const payloads = async (datasetId: string) =>
  (await api.records(datasetId)).map(({ payload, properties }) => ({ payload, properties }));

describe('a JSONL body is imported', () => {
  const HI = { payload: { messages: [{ role: 'user', content: 'Hi' }] }, properties: {} };

  test('row by row, of both generations, with what real files have around them', async () => {
    const datasetId = await api.createDataset();
    const other = { payload: { text: 'é€😀' }, properties: { lang: 'fr' } };
    const body = `\uFEFF${ROW}\r\n\r\n${JSON.stringify(other)}\n   \n${ROW}`;
    await endedWell(await importInto(datasetId, body));
    assert.deepEqual(
      (await payloads(datasetId)).toSorted(byLength),
      [HI, HI, other].toSorted(byLength),
    );
    const records = await api.records(datasetId);
    assert.ok(records.every(({ source }) => source === 'UPLOADED_FILE'));
  });

  for (const type of [
    'application/x-ndjson',
    'application/jsonl',
    'Application/JSONL; charset=utf-8',
    'APPLICATION/X-NDJSON;profile="x"',
  ]) {
    test(`as ${type}, chunked and cut within a letter`, async () => {
      const datasetId = await api.createDataset();
      const bytes = Buffer.from(`{"payload":{"a":"é"}}\n${ROW}\n`);
      const cut = bytes.indexOf(0xc3) + 1;
      const open = openImport(at(datasetId), client.key, { 'content-type': type });
      await open.write(bytes.subarray(0, cut));
      await open.write(bytes.subarray(cut));
      open.end();
      await endedWell(await open.answer);
      assert.equal((await payloads(datasetId)).length, 2);
    });
  }

  test('of 5 MB, each row once and in order, from a file of that very content', async () => {
    const datasetId = await api.createDataset();
    const rows = Array.from({ length: 50 }, (_, n) =>
      JSON.stringify({ payload: { n, text: 'x'.repeat(100_000) } }),
    );
    const body = `${rows.join('\n')}\n`;
    const view = await endedWell(await importInto(datasetId, body));
    const records = await payloads(datasetId);
    const numbers = records.map(({ payload }) => Number(payload['n']));
    assert.deepEqual(
      numbers.toSorted((left, right) => left - right),
      rows.map((_, n) => n),
    );
    const stored = (await files()).find(
      ({ filename }) => filename === `${String(view['id'])}.jsonl`,
    );
    assert.equal(stored?.bytes, body.length);
    const content = await api.send('GET', `/v1/files/${stored.id}/content`);
    assert.equal(await content.text(), body);
  });

  test('and its callback gets the events that were asked for', async () => {
    const receiver = await startReceiver();
    try {
      const datasetId = await api.createDataset();
      const query = new URLSearchParams({
        callback_url: receiver.url,
        callback_events: 'import.started, import.completed,import.started',
      }).toString();
      const answer = await importJsonl(at(datasetId, `?${query}`), client.key, `${ROW}\n`);
      assert.deepEqual(answer.body.callback, {
        url: receiver.url,
        events: ['import.started', 'import.completed'],
      });
      await until('both webhooks', () => receiver.received.length === 2);
      const types = receiver.received.map(
        ({ body }) => (JSON.parse(body) as { type: string }).type,
      );
      assert.deepEqual(types.toSorted(), ['import.completed', 'import.started']);
    } finally {
      receiver.close();
    }
  });

  test('and a callback that names no events gets the end', async () => {
    const query = new URLSearchParams({ callback_url: 'https://example.com/hook' }).toString();
    const datasetId = await api.createDataset();
    const answer = await importJsonl(at(datasetId, `?${query}`), client.key, ROW);
    const events = (answer.body.callback as { events: string[] }).events;
    assert.ok(events.includes('import.completed') && !events.includes('import.started'));
  });
});

const byLength = (left: object, right: object) =>
  JSON.stringify(left).length - JSON.stringify(right).length;

describe('a JSONL body with mistakes', () => {
  /** Sends it, and sees to it that nothing has come of it. */
  async function refused(body: string | Uint8Array, chunked = false): Promise<[number, string][]> {
    const datasetId = await api.createDataset();
    const before = await files();
    let answer: JsonlAnswer;
    if (chunked) {
      const open = openImport(at(datasetId), client.key);
      await open.write(body);
      open.end();
      answer = await open.answer;
    } else {
      answer = await importInto(datasetId, body);
    }
    assert.equal(answer.status, 422, JSON.stringify(answer.body));
    assert.equal(answer.body.error?.code, 'invalid_jsonl');
    assert.deepEqual(await files(), before, 'no file is left');
    assert.deepEqual(await payloads(datasetId), []);
    const list = await api.send('GET', `/imports?dataset_id=${datasetId}`);
    assert.deepEqual(((await list.json()) as { imports: unknown[] }).imports, []);
    const details = answer.body.error.details ?? [];
    assert.match(answer.body.error.message, new RegExp(`^Line ${details[0]?.line} `));
    return details.map(({ path, message, line }) => {
      assert.equal(path, '');
      return [line ?? 0, message];
    });
  }

  const noText = Buffer.concat([Buffer.from(`${ROW}\n{"payload":{"a":"`), Buffer.of(0xff)]);
  const cases: [string, string | Uint8Array, [number, RegExp][]][] = [
    ['that is empty', '', [[1, /no row/]]],
    ['of blank lines', '\n\r\n \n', [[1, /no row/]]],
    ['with a line that is no JSON', `${ROW}\n{nope\n${ROW}\n`, [[2, /not JSON/]]],
    [
      'with lines of a wrong shape',
      `[]\n{}\n${ROW}`,
      [
        [1, /object/],
        [2, /neither/],
      ],
    ],
    ['with bytes that are no UTF-8', noText, [[2, /UTF-8/]]],
    ['whose last line is cut', `${ROW}\n${ROW.slice(0, -1)}`, [[2, /not JSON/]]],
    [
      'with a line of 3 MB',
      `${ROW}\n"${'x'.repeat(3_000_000)}"\n{}\n`,
      [
        [2, /longer/],
        [3, /neither/],
      ],
    ],
  ];
  for (const [what, body, told] of cases) {
    for (const chunked of [false, true]) {
      test(`${what} is refused with its lines${chunked ? ', chunked' : ''}`, async () => {
        const found = await refused(body, chunked);
        assert.deepEqual(
          found.map(([line]) => line),
          told.map(([line]) => line),
        );
        for (const [index, [, reason]] of told.entries())
          assert.match(found[index]?.[1] ?? '', reason);
      });
    }
  }

  test('after a megabyte that was in order leaves no file behind', async () => {
    const good = `${ROW}\n`.repeat(30_000);
    assert.deepEqual(
      (await refused(`${good}{}\n${good}x\n`)).map(([line]) => line),
      [30_001, 60_002],
    );
  });

  test('in more than twenty lines tells the first twenty', async () => {
    const found = await refused(`${ROW}\n${'x\n'.repeat(1000)}`);
    assert.deepEqual(
      found.map(([line]) => line),
      Array.from({ length: 20 }, (_, n) => n + 2),
    );
  });
});

describe('before its body is read, a JSONL import is refused', () => {
  /** Sends headers alone: the answer comes without the body. */
  async function refusedAtOnce(
    url: string,
    key: string,
    headers: Record<string, string | number> = {},
  ): Promise<JsonlAnswer> {
    const open = openImport(url, key, headers);
    const answer = await open.answer;
    open.leave();
    return answer;
  }

  test('for a dataset that does not exist', async () => {
    for (const id of [NOWHERE, 'typo']) {
      const { status, body } = await refusedAtOnce(at(id), client.key);
      assert.equal(status, 404);
      assert.equal(body.error?.code, 'not_found');
    }
  });

  test('above 512 MB by its declared length', async () => {
    const datasetId = await api.createDataset();
    const headers = { 'content-length': 512 * 1024 * 1024 + 1 };
    const { status, body } = await refusedAtOnce(at(datasetId), client.key, headers);
    assert.equal(status, 413);
    assert.equal(body.error?.code, 'payload_too_large');
    assert.match(body.error.message, /536870912/);
  });

  test('without a key, and with one that may not write', async () => {
    const { key } = await worker.createClient({ scopes: ['observability:read', 'files'] });
    for (const [sent, status] of [
      ['wsk_nobody', 401],
      [key, 403],
    ] as const) {
      assert.equal((await refusedAtOnce(at(NOWHERE), sent)).status, status);
    }
  });

  test('for a query with mistakes, each with its path', async () => {
    const datasetId = await api.createDataset();
    const url = 'callback_url=https%3A%2F%2Fexample.com%2Fhook';
    for (const [query, path] of [
      ['callback_events=import.completed', '/callback_events'],
      [`${url}&callback_events=import.completed,import.done`, '/callback_events/1'],
      [`${url}&callback_events=`, '/callback_events/0'],
      [`${url}&${url}`, '/callback_url'],
      [`${url}&callback_event=import.completed`, '/callback_event'],
      ['metadata=%7B%7D', '/metadata'],
    ] as const) {
      const { status, body } = await refusedAtOnce(at(datasetId, `?${query}`), client.key);
      assert.equal(status, 400, query);
      assert.equal(body.error?.code, 'invalid_request');
      assert.deepEqual(
        body.error.details?.map((detail) => detail.path),
        [path],
        query,
      );
    }
  });

  test('for a callback that may not be called', async () => {
    const datasetId = await api.createDataset();
    for (const url of ['nonsense', 'ftp://example.com', `${worker.url}/health`]) {
      const query = `?${new URLSearchParams({ callback_url: url }).toString()}`;
      const { status, body } = await refusedAtOnce(at(datasetId, query), client.key);
      assert.equal(status, 422, url);
      assert.equal(body.error?.code, 'callback_refused');
      assert.deepEqual(
        body.error.details?.map(({ path }) => path),
        ['/callback_url'],
      );
    }
  });

  test('for an Idempotency-Key that is too long', async () => {
    const datasetId = await api.createDataset();
    const headers = { 'idempotency-key': 'k'.repeat(256) };
    assert.equal((await refusedAtOnce(at(datasetId), client.key, headers)).status, 400);
  });
});

test('another type is no JSONL: JSON still starts an import, anything else is refused', async () => {
  const datasetId = await api.createDataset();
  const { id } = await api.uploaded(`${ROW}\n`);
  const body = { source: 'file', file_id: id };
  assert.equal((await send(at(datasetId), client.key, 'POST', body)).status, 202);
  for (const type of ['text/plain', 'application/jsonlines', 'application/x-ndjsonx', '']) {
    const answer = await send(at(datasetId), client.key, 'POST', ROW, { 'content-type': type });
    assert.equal(answer.status, 415, type);
    assert.match(await answer.text(), /application\/json`, .*`application\/jsonl`/);
  }
});

test('rows declared as compressed are told to come uncompressed', async () => {
  const datasetId = await api.createDataset();
  const headers = { 'content-type': 'application/jsonl', 'content-encoding': 'gzip' };
  const answer = await send(at(datasetId), client.key, 'POST', ROW, headers);
  assert.equal(answer.status, 415);
  assert.match(await answer.text(), /uncompressed, without `content-encoding`/);
});

test('a JSON import counts once against the rate limit, as a JSONL import does', async () => {
  const { key } = await worker.createClient({ rate_limit: 2 });
  const datasetId = await api.createDataset();
  const statuses = [];
  for (let n = 0; n < 2; n++) statuses.push((await send(at(datasetId), key, 'POST', {})).status);
  statuses.push((await importJsonl(at(datasetId), key, ROW)).status);
  assert.deepEqual(statuses, [400, 400, 429]);
});
