import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import {
  ADMIN_KEY,
  send,
  startWorker,
  type TestClient,
  type TestWorker,
} from '../support/worker.ts';

const MAX_BODY_BYTES = 2000;
const ORIGIN = 'https://app.example';
const CHAT = { model: 'any', messages: [{ role: 'user', content: 'hello' }] };

let worker: TestWorker;
let client: TestClient;

before(async () => {
  worker = await startWorker({
    MAX_BODY_BYTES: `${MAX_BODY_BYTES}`,
    CORS_ORIGINS: `${ORIGIN}, https://other.example`,
  });
  client = await worker.createClient();
});
after(() => worker.dispose());

type Caller = 'nobody' | 'client' | 'admin';

const keyOf = (caller: Caller) =>
  caller === 'nobody' ? null : caller === 'admin' ? ADMIN_KEY : client.key;

type Call = [number, string, string, Caller, (object | string)?, Record<string, string>?];

const TOO_LARGE = { name: 'x'.repeat(MAX_BODY_BYTES) };

/** Every kind of answer that the edge gives. */
const CALLS: Call[] = [
  [200, 'GET', '/health', 'nobody'],
  [200, 'HEAD', '/health', 'nobody'],
  [200, 'GET', '/imports', 'client'],
  [200, 'GET', '/v1/models', 'client'],
  [200, 'POST', '/v1/chat/completions', 'client', CHAT],
  [200, 'POST', '/v1/chat/completions', 'client', { stream: true, ...CHAT }],
  [201, 'POST', '/admin/clients', 'admin', { name: 'one' }],
  [204, 'OPTIONS', '/imports', 'nobody'],
  [400, 'POST', '/admin/clients', 'admin', {}],
  [400, 'POST', '/admin/clients', 'admin', '{"name":'],
  [400, 'GET', '/imports?limit=0', 'client'],
  [401, 'GET', '/imports', 'nobody'],
  [401, 'GET', '/imports', 'admin'],
  [401, 'GET', '/admin/clients', 'client'],
  [401, 'GET', '/v1/models', 'nobody'],
  [401, 'GET', '/v1/observability/datasets', 'nobody'],
  [403, 'GET', '/downloads/nothing', 'nobody'],
  [404, 'GET', '/nowhere', 'nobody'],
  [404, 'GET', '/imports/imp_0', 'client'],
  [404, 'GET', '/v1/nowhere', 'client'],
  [404, 'GET', '/v1/observability/nowhere', 'client'],
  [405, 'POST', '/health', 'nobody', {}],
  [405, 'DELETE', '/imports', 'client'],
  [413, 'POST', '/admin/clients', 'admin', TOO_LARGE],
  [413, 'POST', '/v1/chat/completions', 'client', TOO_LARGE],
  [413, 'POST', '/v1/observability/datasets', 'client', TOO_LARGE],
  [415, 'POST', '/admin/clients', 'admin', '{}', { 'content-type': 'text/plain' }],
  [422, 'POST', '/v1/chat/completions', 'client', {}],
  [422, 'POST', '/v1/observability/datasets', 'client', {}],
];

const CODES: Record<number, string> = {
  400: 'invalid_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  500: 'internal',
};

/** Checks a refusal against the shape of its path, strictly: no field more, no field less. */
function assertRefusal(path: string, status: number, text: string, requestId: string): void {
  const body = JSON.parse(text) as Record<string, unknown>;
  if (!path.startsWith('/v1/')) {
    const { error } = body as { error: { message: string; details?: object } };
    assert.ok(error.message);
    assert.deepEqual(body, {
      error: {
        code: CODES[status],
        message: error.message,
        request_id: requestId,
        ...(error.details !== undefined && { details: error.details }),
      },
    });
  } else if (status === 401) {
    assert.deepEqual(body, { detail: 'Unauthorized' });
  } else if (path.startsWith('/v1/observability/') && status < 500) {
    assert.deepEqual(Object.keys(body), ['detail']);
    const detail = body['detail'] as Record<string, unknown>;
    assert.deepEqual(Object.keys(detail).toSorted(), ['error_code', 'message']);
  } else {
    assert.deepEqual(Object.keys(body).toSorted(), ['code', 'message', 'object', 'param', 'type']);
    assert.deepEqual([body['object'], body['param']], ['error', null]);
  }
}

for (const [status, method, path, as, body, headers] of CALLS) {
  const shown = body === undefined ? '' : ` with ${JSON.stringify(body).slice(0, 30)}`;
  test(`${status} to ${method} ${path} by ${as}${shown}: id, timing, CORS, shape, no secret`, async () => {
    const response = await send(worker.url + path, keyOf(as), method, body, {
      'x-request-id': 'mine-1.A_z',
      origin: ORIGIN,
      ...headers,
    });
    const text = await response.text();
    assert.equal(response.status, status, text);
    assert.equal(response.headers.get('x-request-id'), 'mine-1.A_z');
    const timing = response.headers.get('server-timing') ?? '';
    for (const entry of timing.split(', ')) assert.match(entry, /^\w+;dur=\d+(?:\.\d+)?$/);
    assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN);
    assert.match(response.headers.get('vary') ?? '', /\borigin\b/i);
    assert.equal(response.headers.get('set-cookie'), null);
    const told = text + JSON.stringify([...response.headers]);
    assert.ok(!told.includes(ADMIN_KEY) && !told.includes(client.key));
    if (status >= 400) {
      assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
      assertRefusal(path, status, text, 'mine-1.A_z');
    }
    if (status === 401) assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer/);
  });
}

test('the caller’s own x-request-id is kept only when it is well formed, else a new one is made', async () => {
  const idFor = async (headers: Record<string, string>) => {
    const answer = await fetch(`${worker.url}/health`, { headers });
    await answer.arrayBuffer();
    return answer.headers.get('x-request-id') ?? '';
  };
  for (const given of ['a', 'A-Za.z0_9', 'r'.repeat(128)]) {
    assert.equal(await idFor({ 'x-request-id': given }), given);
  }
  const made = new Set([await idFor({})]);
  const malformed = ['', 'r'.repeat(129), 'two words', 'a,b', 'a=b', 'a/b', 'é'];
  for (const given of malformed) {
    const id = await idFor({ 'x-request-id': given });
    assert.match(id, /^[A-Za-z0-9._-]{1,128}$/, given);
    made.add(id);
  }
  assert.equal(made.size, malformed.length + 1, 'each new one is its own');
});

test('405 names the methods that are offered', async () => {
  const id = '00000000-0000-4000-8000-000000000000';
  const cases: [string, string, Caller, string[]][] = [
    ['POST', '/health', 'nobody', ['GET', 'HEAD']],
    ['DELETE', '/imports', 'client', ['GET', 'HEAD']],
    ['POST', `/imports/imp_${'A'.repeat(22)}`, 'client', ['GET', 'HEAD']],
    ['PUT', '/admin/clients', 'admin', ['GET', 'HEAD', 'POST']],
    ['PUT', `/admin/clients/${client.id}`, 'admin', ['DELETE', 'GET', 'HEAD', 'PATCH']],
    ['GET', `/admin/clients/${client.id}/rotate`, 'admin', ['POST']],
    ['PATCH', `/datasets/${id}/imports`, 'client', ['POST']],
    ['GET', '/events/search', 'client', ['POST']],
    ['HEAD', '/events/ids', 'client', ['POST']],
    ['DELETE', `/events/${id}`, 'client', ['GET', 'HEAD']],
    ['POST', `/downloads/${id}`, 'nobody', ['GET', 'HEAD']],
  ];
  for (const [method, path, as, allowed] of cases) {
    const answer = await send(worker.url + path, keyOf(as), method);
    assert.equal(answer.status, 405, `${method} ${path}`);
    assert.deepEqual((answer.headers.get('allow') ?? '').split(', ').toSorted(), allowed);
    const text = await answer.text();
    if (method === 'HEAD') continue;
    assertRefusal(path, 405, text, answer.headers.get('x-request-id') ?? '');
  }
});

test('HEAD answers as GET does, without a body', async () => {
  const paths = ['/health', '/imports', '/v1/models', '/v1/observability/datasets', '/nowhere'];
  for (const path of paths) {
    const get = await send(worker.url + path, client.key, 'GET');
    await get.arrayBuffer();
    const head = await send(worker.url + path, client.key, 'HEAD');
    assert.equal(head.status, get.status, path);
    assert.equal(head.headers.get('content-type'), get.headers.get('content-type'), path);
    assert.equal(await head.text(), '', path);
  }
});

test('a path that is not well encoded is a 404, never a failure', async () => {
  const paths = ['/%', '/imports/%E0%A4', '/imports/%00', '/v1/%E0%A4', '/v1/models/%'];
  for (const path of paths) {
    const answer = await send(worker.url + path, client.key, 'GET');
    assert.equal(answer.status, 404, path);
    await answer.arrayBuffer();
  }
});

test('only a well-formed bearer key is taken as one', async () => {
  const { key } = client;
  const refused = [
    'Bearer',
    key,
    `Basic ${Buffer.from(`user:${key}`).toString('base64')}`,
    `Bearer "${key}"`,
    `Bearer ${key} ${key}`,
    `Bearer ${key}, Bearer ${key}`,
    `Bearer ${key.slice(0, -1)}`,
    `Bearer ${key}x`,
    `Bearer ${key.toUpperCase()}`,
    `Bearer wsk_${'A'.repeat(43)}`,
    `Bearer ${ADMIN_KEY}x`,
    `Bearer ${'x'.repeat(5000)}`,
  ];
  for (const authorization of refused) {
    for (const path of ['/imports', '/v1/models', '/admin/clients']) {
      const answer = await fetch(worker.url + path, { headers: { authorization } });
      assert.equal(answer.status, 401, `${path} ${authorization.slice(0, 60)}`);
      const text = await answer.text();
      assertRefusal(path, 401, text, answer.headers.get('x-request-id') ?? '');
      assert.ok(!text.includes(key) && !text.includes(ADMIN_KEY));
    }
  }
  for (const authorization of [`bearer ${key}`, `BEARER   ${key}`]) {
    const answer = await fetch(`${worker.url}/imports`, { headers: { authorization } });
    assert.equal(answer.status, 200, 'the scheme is case-insensitive (RFC 9110, 11.1)');
    await answer.arrayBuffer();
  }
});

test('a preflight is answered on every path, without a key', async () => {
  const asked = 'authorization, content-type, idempotency-key, windsock-callback';
  const paths = ['/health', '/imports', '/datasets/x/imports', '/admin/clients', '/nowhere'];
  paths.push('/v1/chat/completions', '/v1/observability/datasets', '/v1/files');
  for (const path of paths) {
    const answer = await fetch(worker.url + path, {
      method: 'OPTIONS',
      headers: {
        origin: ORIGIN,
        'access-control-request-method': 'PATCH',
        'access-control-request-headers': asked,
      },
    });
    assert.equal(answer.status, 204, path);
    const list = (name: string) =>
      (answer.headers.get(name) ?? '').split(/\s*,\s*/).map((one) => one.toLowerCase());
    assert.deepEqual(list('access-control-allow-origin'), [ORIGIN]);
    for (const method of ['get', 'post', 'put', 'patch', 'delete']) {
      assert.ok(list('access-control-allow-methods').includes(method), `${path} ${method}`);
    }
    assert.deepEqual(list('access-control-allow-headers'), asked.split(', '));
    assert.equal(answer.headers.get('access-control-allow-credentials'), null);
  }
});

test('a page may read the headers that tell it what to do next', async () => {
  const answer = await send(`${worker.url}/health`, null, 'GET', undefined, { origin: ORIGIN });
  const exposed = (answer.headers.get('access-control-expose-headers') ?? '').split(/\s*,\s*/);
  for (const name of ['x-request-id', 'server-timing', 'retry-after', 'location']) {
    assert.ok(exposed.includes(name), name);
  }
});

test('an origin that is not listed gets no CORS permission, nearly the same or not', async () => {
  const origins = ['https://evil.example', 'http://app.example', `${ORIGIN}.evil`, 'null'];
  for (const origin of origins) {
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await send(`${worker.url}/v1/models`, null, method, undefined, { origin });
      assert.equal(answer.headers.get('access-control-allow-origin'), null, `${method} ${origin}`);
      await answer.arrayBuffer();
    }
  }
});

test('/health needs no key and tells the backends; CORS_ORIGINS `*` allows any origin', async () => {
  const builtin = await send(`${worker.url}/health`, null, 'GET');
  assert.deepEqual(await builtin.json(), {
    status: 'ok',
    backends: { chat: 'builtin', observability: 'builtin' },
  });
  const secret = 'upstream-secret-0123456789';
  const open = await startWorker({
    MISTRAL_API_KEY: secret,
    OBSERVABILITY_BACKEND: 'builtin',
    CORS_ORIGINS: '*',
  });
  try {
    for (const path of ['/health', '/v1/models', '/nowhere']) {
      const headers = { origin: 'https://anyone.example' };
      const answer = await send(open.url + path, null, 'GET', undefined, headers);
      assert.equal(answer.headers.get('access-control-allow-origin'), '*');
      const text = await answer.text();
      assert.ok(!text.includes(secret));
      if (path === '/health') assert.match(text, /"chat":"mistral","observability":"builtin"/);
    }
  } finally {
    await open.dispose();
  }
});

async function answerTo(sent: ClientRequest): Promise<{ status: number; text: string }> {
  const signal = AbortSignal.timeout(10_000);
  const [response] = (await once(sent, 'response', { signal })) as [IncomingMessage];
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += String(part);
  sent.destroy();
  return { status: response.statusCode ?? 0, text };
}

const LIMITED: [string, Caller, object][] = [
  ['/admin/clients', 'admin', { name: 'fits' }],
  ['/v1/chat/completions', 'client', CHAT],
  ['/v1/observability/datasets', 'client', { name: 'fits well', description: '' }],
];

for (const [path, as, body] of LIMITED) {
  const open = (headers: Record<string, string>) =>
    request(worker.url + path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${keyOf(as)}`,
        'content-type': 'application/json',
        ...headers,
      },
    });

  test(`POST ${path}: a body of MAX_BODY_BYTES is taken, one byte more is 413`, async () => {
    const full = JSON.stringify(body).padEnd(MAX_BODY_BYTES);
    for (const [text, isTaken] of [
      [full, true],
      [`${full} `, false],
    ] as const) {
      const declared = await send(worker.url + path, keyOf(as), 'POST', text);
      await declared.arrayBuffer();
      const sent = open({ 'transfer-encoding': 'chunked' });
      for (let at = 0; at < text.length; at += 700) sent.write(text.slice(at, at + 700));
      sent.end();
      const chunked = await answerTo(sent);
      assert.equal(declared.ok, isTaken, `declared ${declared.status}`);
      assert.equal(chunked.status, declared.status, chunked.text);
      if (!isTaken) assert.equal(declared.status, 413);
    }
  });

  test(`POST ${path}: a declared length above the limit is refused before the body comes`, async () => {
    const sent = open({ 'content-length': `${MAX_BODY_BYTES + 1}` });
    sent.flushHeaders();
    assert.equal((await answerTo(sent)).status, 413);
  });
}

test('an upload may be larger than MAX_BODY_BYTES', async () => {
  const upload = new FormData();
  upload.set('file', new Blob(['{"a":1}\n'.repeat(MAX_BODY_BYTES)]), 'rows.jsonl');
  const headers = { authorization: `Bearer ${client.key}` };
  const answer = await fetch(`${worker.url}/v1/files`, { method: 'POST', headers, body: upload });
  assert.equal(answer.status, 200, await answer.text());
});

const SEVERAL_BAD = {
  POLL_MIN_MS: 'value-soon',
  MAX_BODY_BYTES: '-1',
  RETENTION_DAYS: '-1',
  CHAT_BACKEND: 'value-other',
  MISTRAL_BASE_URL: 'value-no-url',
  WEBHOOK_RETRY_S: '0,value-later',
  CALLBACK_ALLOW_PRIVATE: 'value-perhaps',
};

const BAD_CONFIGS: [string, Record<string, string>, string[]][] = [
  ['no ADMIN_KEY', { ADMIN_KEY: '' }, ['ADMIN_KEY']],
  [
    'several bad values',
    { ...SEVERAL_BAD, MISTRAL_API_KEY: 'value-key' },
    Object.keys(SEVERAL_BAD),
  ],
  ['a backend without its key', { CHAT_BACKEND: 'mistral' }, ['CHAT_BACKEND', 'MISTRAL_API_KEY']],
  ['poll bounds the wrong way round', { POLL_MIN_MS: '500', POLL_MAX_MS: '20' }, ['POLL_MAX_MS']],
];

for (const [what, vars, names] of BAD_CONFIGS) {
  test(`configuration with ${what}: one clear 500 that names it and shows no value`, async () => {
    const broken = await startWorker(vars);
    try {
      for (const path of ['/health', '/imports', '/v1/models']) {
        const answer = await send(broken.url + path, null, 'GET');
        const text = await answer.text();
        assert.equal(answer.status, 500);
        assertRefusal(path, 500, text, answer.headers.get('x-request-id') ?? '');
        assert.ok(answer.headers.has('server-timing'));
        for (const name of names) assert.ok(text.includes(name), name);
        assert.ok(!text.includes('value-') && !text.includes(ADMIN_KEY), text);
        assert.doesNotMatch(text, /\bat \w+ \(|\.ts:|\.js:/, 'no stack');
      }
    } finally {
      await broken.dispose();
    }
  });
}
