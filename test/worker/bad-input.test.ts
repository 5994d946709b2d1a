import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { callsIn } from '../support/registered-calls.ts';
import {
  ADMIN_KEY,
  send,
  startWorker,
  type TestClient,
  type TestWorker,
} from '../support/worker.ts';
import {
  AS_UPLOAD,
  DATASETS,
  IN_FRONT,
  MISTAKES,
  ROUTES,
  UPLOAD,
  UUID,
} from '../support/routes.ts';

const SCOPES = ['chat', 'observability:read', 'observability:write', 'files', 'proxy'];
let worker: TestWorker;
let client: TestClient;

before(async () => {
  worker = await startWorker({ POLL_MIN_MS: '20' });
  client = await worker.createClient();
});
after(() => worker.dispose());

test('the table of routes holds every route of the facade and of the built-in backend', () => {
  const registered = [...callsIn('http/app.ts'), ...callsIn('builtin/app.ts')].toSorted();
  for (const call of IN_FRONT) assert.ok(registered.includes(call), call);
  assert.deepEqual(
    ROUTES.map(({ call }) => call).toSorted(),
    registered.filter((call) => !IN_FRONT.includes(call)),
  );
});

/** An id of the right form that nothing has. */
function withUnknownIds(path: string): string {
  return path
    .replace('/clients/:id', `/clients/cl_${'A'.repeat(22)}`)
    .replace('/hooks/:id', `/hooks/hook_${'A'.repeat(22)}`)
    .replace('/imports/:id', `/imports/imp_${'A'.repeat(22)}`)
    .replace('/schedules/:id', `/schedules/sch_${'A'.repeat(22)}`)
    .replace(':model_id', 'no-such-model')
    .replace(':field_name', 'no-such-field')
    .replaceAll(/:\w+_id/g, UUID);
}

interface Refusal {
  error?: { code: string; message: string; request_id: string; details?: { path: string }[] };
  detail?: { message: string; error_code: string | null };
  object?: string;
  message?: string | { detail: { loc: (string | number)[] }[] };
}

/** Checks a refusal's status, and that its body has the shape of its path; returns the body. */
async function refusal(answer: Response, status: number, code: string): Promise<Refusal> {
  const text = await answer.text();
  const { pathname } = new URL(answer.url);
  assert.equal(answer.status, status, `${pathname}: ${text}`);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
  const body = JSON.parse(text) as Refusal;
  if (!pathname.startsWith('/v1/')) {
    assert.deepEqual(Object.keys(body), ['error']);
    assert.equal(body.error?.code, code);
    assert.equal(body.error?.request_id, answer.headers.get('x-request-id'));
    assert.ok(body.error?.message);
  } else if (status === 401) {
    assert.deepEqual(body, { detail: 'Unauthorized' });
  } else if (pathname.startsWith('/v1/observability/')) {
    assert.deepEqual(Object.keys(body), ['detail']);
    assert.deepEqual(Object.keys(body.detail ?? {}).toSorted(), ['error_code', 'message']);
    assert.equal(typeof body.detail?.message, 'string');
  } else {
    assert.deepEqual(Object.keys(body).toSorted(), ['code', 'message', 'object', 'param', 'type']);
    assert.equal(body.object, 'error');
  }
  return body;
}

/** The paths of all mistakes that a refusal tells, `/messages/0/role`, sorted. */
function mistakesIn({ error, detail, message }: Refusal): string[] {
  if (error !== undefined) return (error.details ?? []).map(({ path }) => path).toSorted();
  const locations =
    detail !== undefined
      ? detail.message.split('; ').map((part) => part.split(':')[0] ?? '')
      : typeof message === 'object'
        ? message.detail.map(({ loc }) => loc.join('.'))
        : [];
  return locations.map((loc) => loc.replace(/^body/, '').replaceAll('.', '/')).toSorted();
}

for (const { call, needs, body, good, query = '' } of ROUTES) {
  const [method = '', path = ''] = call.split(' ');
  const isFacade = !path.startsWith('/v1/');
  const type = body === 'jsonl' ? { 'content-type': 'application/jsonl' } : {};
  const ask = (key: string | null, sent?: object | string, headers?: Record<string, string>) =>
    send(worker.url + withUnknownIds(path) + query, key, method, sent, { ...type, ...headers });
  const rightKey = () => (needs === 'admin' ? ADMIN_KEY : client.key);

  if (needs !== 'nothing') {
    test(`${call} without a key, with an unknown or another kind of key: 401`, async () => {
      const others = needs === 'admin' ? client.key : ADMIN_KEY;
      for (const key of [null, `wsk_${'A'.repeat(43)}`, others, 'x']) {
        await refusal(await ask(key, good), 401, 'unauthorized');
      }
    });
  }
  if (SCOPES.includes(needs)) {
    test(`${call} without the scope ${needs}: 403`, async () => {
      const scopes = SCOPES.filter((scope) => scope !== needs);
      const { key } = await worker.createClient({ scopes });
      await refusal(await ask(key, good), 403, 'forbidden');
    });
  }
  if (path.includes(':')) {
    const [status, code] =
      path === '/downloads/:file_id'
        ? ([403, 'forbidden'] as const)
        : ([404, 'not_found'] as const);
    test(`${call} of an id that nothing has: ${status}`, async () => {
      await refusal(await ask(rightKey(), good), status, code);
    });
  }
  // What a JSONL body is refused for: test/worker/jsonl-imports.test.ts.
  if (body === 'json' || body === 'multipart') {
    test(`${call} with a body that is broken or of another type is refused`, async () => {
      const isJson = body === 'json';
      const declared = isJson ? { 'content-type': 'application/json' } : AS_UPLOAD;
      for (const broken of ['', '{', '{"name":"a",}', '{}{}', '\u0000', '--b\r\n']) {
        const status = isFacade ? 400 : 422;
        await refusal(await ask(rightKey(), broken, declared), status, 'invalid_request');
      }
      const other = isJson ? 'multipart/form-data; boundary=b' : 'application/json';
      for (const type of [other, 'text/plain', 'application/x-www-form-urlencoded', 'jsonx']) {
        const answer = await ask(rightKey(), JSON.stringify(good ?? {}), { 'content-type': type });
        await refusal(answer, isFacade ? 415 : 422, 'unsupported_media_type');
      }
    });
  }
  if (body === 'json' && isFacade) {
    test(`${call} with a body declared as compressed is told to send it uncompressed`, async () => {
      const declared = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      const answer = await ask(rightKey(), JSON.stringify(good ?? {}), declared);
      assert.equal(answer.headers.get('accept-encoding'), 'identity');
      await refusal(answer, 415, 'unsupported_media_type');
    });
  }
  if (body === 'json') {
    test(`${call} with several mistakes tells each with its path`, async () => {
      const [bad, at] = MISTAKES[call] ?? assert.fail('MISTAKES has no row for it');
      const answer = await ask(rightKey(), bad);
      const told = await refusal(answer, isFacade ? 400 : 422, 'invalid_request');
      assert.deepEqual(mistakesIn(told), at.split(' '));
      for (const wrong of ['[]', 'null', '"text"', '7']) {
        await refusal(await ask(rightKey(), wrong), isFacade ? 400 : 422, 'invalid_request');
      }
    });
  }
}

test('a mistake that a schema finds by itself says what is expected', async () => {
  const facade = await send(`${worker.url}/admin/clients`, ADMIN_KEY, 'POST', { scopes: [] });
  assert.deepEqual((await refusal(facade, 400, 'invalid_request')).error?.details, [
    { path: '/name', message: 'Invalid input: expected string, received undefined' },
    { path: '/scopes', message: 'Too small: expected array to have >=1 items' },
  ]);
  const dataset = { name: 'abc', description: 1 };
  const observability = await send(worker.url + DATASETS, client.key, 'POST', dataset);
  assert.equal(
    (await refusal(observability, 422, 'invalid_request')).detail?.message,
    'body.name: Too small: expected string to have >=5 characters; ' +
      'body.description: Invalid input: expected string, received number',
  );
});

const startImport = (
  body: object,
  headers: Record<string, string> = {},
  at = worker,
  by = client,
) => send(`${at.url}/datasets/${UUID}/imports`, by.key, 'POST', body, headers);

const FILE = { source: 'file', file_id: UUID };
const CALLBACK = { url: 'https://example.com/hook' };
const withEvents = (...events: string[]) => ({ ...FILE, callback: { ...CALLBACK, events } });

const BAD_IMPORTS: [string, object, string][] = [
  ['no source', { file_id: UUID }, '/source'],
  ['an unknown source', { ...FILE, source: 'thin air' }, '/source'],
  ['no file_id', { source: 'file' }, '/file_id'],
  ['an empty file_id', { ...FILE, file_id: '' }, '/file_id'],
  ['a callback that is a text', { ...FILE, callback: CALLBACK.url }, '/callback'],
  ['a callback without a url', { ...FILE, callback: {} }, '/callback/url'],
  ['no events at all', withEvents(), '/callback/events'],
  ['an unknown event', withEvents('import.lost', 'import.done'), '/callback/events/1'],
  ['events of no import', withEvents('webhook.test'), '/callback/events/0'],
  ['metadata that is a list', { ...FILE, metadata: [1] }, '/metadata'],
  ['metadata above 16 kB', { ...FILE, metadata: { a: 'é'.repeat(8500) } }, '/metadata'],
];

for (const [what, body, at] of BAD_IMPORTS) {
  test(`an import with ${what} is refused with the path of the mistake`, async () => {
    const told = await refusal(await startImport(body), 400, 'invalid_request');
    assert.deepEqual(mistakesIn(told), [at]);
  });
}

test('metadata just under the limit is no mistake', async () => {
  const body = { ...FILE, metadata: { a: 'é'.repeat(7900) } };
  await refusal(await startImport(body), 404, 'not_found');
});

test('an unknown field of an import is refused and named, wherever it stands', async () => {
  const bodies = [{ colour: 1 }, { callback: { ...CALLBACK, colour: 1 } }];
  for (const more of bodies) {
    const answer = await startImport({ ...FILE, ...more });
    const told = await refusal(answer, 400, 'invalid_request');
    assert.match(JSON.stringify(told.error?.details), /colour/);
  }
});

const BAD_WHERE = 'model_name startwith "m"';
const BAD_IMPORT = { source: 'explorer', where: BAD_WHERE };

for (const [call, body, at] of [
  ['POST /events/search', { where: BAD_WHERE, limit: 0 }, '/limit /where'],
  ['POST /events/ids', { where: { AND: [7] }, limit: 5 }, '/limit /where/AND/0'],
  [`POST /datasets/${UUID}/imports`, { ...BAD_IMPORT, metadata: 5 }, '/metadata /where'],
  ['POST /schedules', { name: 5, import: BAD_IMPORT }, '/cron /dataset_id /import/where /name'],
  [
    `PATCH /schedules/sch_${'A'.repeat(22)}`,
    { name: 5, import: BAD_IMPORT },
    '/import/where /name',
  ],
] as const) {
  test(`${call} tells a mistake in the where together with the others`, async () => {
    const [method, path] = call.split(' ') as [string, string];
    const answer = await send(worker.url + path, client.key, method, body);
    const told = await refusal(answer, 400, 'invalid_request');
    assert.deepEqual(mistakesIn(told), at.split(' '));
    if (at.includes('/where/')) return;
    assert.match(
      JSON.stringify(told.error?.details),
      /did you mean startswith\? \(at position 11\)/,
    );
  });
}

test('a JSON body that is not UTF-8 is refused, not mended', async () => {
  const post = (name: Uint8Array) =>
    fetch(`${worker.url}/datasets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${client.key}`, 'content-type': 'application/json' },
      body: Buffer.concat([Buffer.from('{"name":"of bytes '), name, Buffer.from('"}')]),
    });
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80]]) {
    const told = await refusal(await post(Uint8Array.from(bytes)), 400, 'invalid_request');
    assert.match(told.error?.message ?? '', /UTF-8/);
  }
  assert.equal((await post(Buffer.from('é\u{1F390}'))).status, 201);
});

test('a callback in the query is for JSONL: beside JSON it is refused', async () => {
  const path = `/datasets/${UUID}/imports?callback_url=https://example.com/hook`;
  const answer = await send(worker.url + path, client.key, 'POST', FILE);
  const told = await refusal(answer, 400, 'invalid_request');
  assert.deepEqual(mistakesIn(told), ['/callback_url']);
});

test('an Idempotency-Key has 1 to 255 characters', async () => {
  for (const key of ['', 'k'.repeat(256)]) {
    const answer = await startImport(FILE, { 'idempotency-key': key });
    const told = await refusal(answer, 400, 'invalid_request');
    assert.match(JSON.stringify(told.error?.details), /idempotency-key/i);
  }
  for (const key of ['k', 'k'.repeat(255)]) {
    await refusal(await startImport(FILE, { 'idempotency-key': key }), 404, 'not_found');
  }
});

test('a callback that may not be called is refused before anything starts', async () => {
  const strict = await startWorker({ CALLBACK_ALLOW_PRIVATE: 'false' });
  try {
    const by = await strict.createClient();
    const urls = [
      'not a url',
      'http://example.com/hook',
      'https://user:password@example.com/hook',
      'https://example.com:22/hook',
      'https://127.0.0.1/hook',
      'https://[::1]/hook',
      'https://169.254.169.254/latest/meta-data',
      'https://localhost/hook',
    ];
    for (const url of urls) {
      const answer = await startImport({ ...FILE, callback: { url } }, {}, strict, by);
      const told = await refusal(answer, 422, 'callback_refused');
      assert.deepEqual(mistakesIn(told), ['/callback/url'], url);
    }
    const list = await send(`${strict.url}/imports`, by.key, 'GET');
    assert.deepEqual(await list.json(), { imports: [], next_cursor: null });
  } finally {
    await strict.dispose();
  }
});

test('a callback to Windsock itself is refused even where private targets are allowed', async () => {
  const answer = await startImport({ ...FILE, callback: { url: `${worker.url}/health` } });
  await refusal(answer, 422, 'callback_refused');
});

const encoded = (value: unknown) => encodeURIComponent(btoa(JSON.stringify(value)));
const LIMITS = ['0', '101', '-5', '2.5', '', 'ten', '0x10', '1e1', '1&limit=2'];
const CURSORS = ['nonsense', encoded({ page: null }), encoded([null, -1]), encoded([7, 0])];

const BAD_LISTS = [
  ...LIMITS.map((limit) => [`limit=${limit}`, '/limit'] as const),
  ...CURSORS.map((cursor) => [`cursor=${cursor}`, '/cursor'] as const),
  ['status=done', '/status'],
  ['status=RUNNING', '/status'],
  ['limit=0&status=done', '/limit /status'],
  ['limt=5&state=failed', '/limt /state'],
] as const;

for (const [query, at] of BAD_LISTS) {
  test(`GET /imports?${query} is refused and tells what is wrong`, async () => {
    const answer = await send(`${worker.url}/imports?${query}`, client.key, 'GET');
    const told = await refusal(answer, 400, 'invalid_request');
    assert.deepEqual(mistakesIn(told), at.split(' '));
  });
}

test('another client’s import does not exist: 404 on every path of it, and in no list', async () => {
  const post = async (path: string, body: object | string, headers = {}) => {
    const answer = await send(worker.url + path, client.key, 'POST', body, headers);
    assert.ok(answer.ok, `${path} ${answer.status}`);
    return (await answer.json()) as { id: string };
  };
  const file = await post('/v1/files', UPLOAD, AS_UPLOAD);
  const dataset = await post(DATASETS, { name: 'a dataset', description: '' });
  const { id } = await post(`/datasets/${dataset.id}/imports`, {
    source: 'file',
    file_id: file.id,
  });
  const stranger = await worker.createClient();
  for (const { call, good } of ROUTES.filter((route) => route.call.includes(' /imports/:id'))) {
    const [method = '', path = ''] = call.split(' ');
    const ask = (importId: string) =>
      send(worker.url + path.replace(':id', importId), stranger.key, method, good);
    const theirs = await refusal(await ask(id), 404, 'not_found');
    const unknown = await refusal(await ask(`imp_${'A'.repeat(22)}`), 404, 'not_found');
    assert.equal(theirs.error?.message, unknown.error?.message, `${call} must not tell them apart`);
  }
  const listed = async (key: string, query = '') => {
    const list = await send(`${worker.url}/imports${query}`, key, 'GET');
    return ((await list.json()) as { imports: { id: string }[] }).imports.map((one) => one.id);
  };
  assert.deepEqual(await listed(client.key), [id]);
  assert.deepEqual(await listed(stranger.key), []);
  assert.deepEqual(await listed(stranger.key, `?dataset_id=${dataset.id}`), []);
});

test('a content-encoding of many spaces is refused in a time that does not grow with their square', async () => {
  // A no-break space as UTF-8, which HTTP does not trim.
  const coding = `${'\u00c2\u00a0'.repeat(60_000)}x`;
  const startedAt = performance.now();
  const headers = { 'content-encoding': coding };
  const answer = await send(`${worker.url}/chat`, client.key, 'POST', '{}', headers);
  assert.equal(answer.status, 415);
  assert.ok(performance.now() - startedAt < 1000);
});
