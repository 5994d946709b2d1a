import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { startReceiver, type ReceivedWebhook, type Receiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import {
  ADMIN_KEY,
  send,
  startWorker,
  type TestClient,
  type TestWorker,
} from '../support/worker.ts';

const SCOPES = ['chat', 'observability:read', 'observability:write', 'files', 'proxy'];
const VIEW_KEYS = ['created_at', 'id', 'name', 'rate_limit', 'scopes'];
const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';

interface ClientView {
  id: string;
  name: string;
  scopes: string[];
  rate_limit: number | null;
  created_at: string;
}

interface FacadeError {
  error: { code: string; message: string; details?: { path: string; message: string }[] };
}

/** Of a KV namespace what is read here; Miniflare's own type needs the types of Workers. */
interface Kv {
  list: () => Promise<{ keys: { name: string; metadata?: unknown }[] }>;
  get: (key: string) => Promise<string | null>;
}

let worker: TestWorker;
let receiver: Receiver;

before(async () => {
  worker = await startWorker({ POLL_MIN_MS: '20' });
  receiver = await startReceiver();
});
after(async () => {
  receiver.close();
  await worker.dispose();
});

const admin = (method: string, path: string, body?: object, key: string | null = ADMIN_KEY) =>
  send(`${worker.url}/admin/clients${path}`, key, method, body);

async function read<T>(answer: Promise<Response>, status: number): Promise<T> {
  const response = await answer;
  const text = await response.text();
  assert.equal(response.status, status, text);
  return JSON.parse(text) as T;
}

const rotate = (id: string, body: object) =>
  read<{ key: string; signing_secret: string }>(admin('POST', `/${id}/rotate`, body), 200);

const isAdmitted = async (key: string) => {
  const { status } = await send(`${worker.url}/imports`, key, 'GET');
  assert.ok(status === 200 || status === 401, `${status}`);
  return status === 200;
};

test('a new client gets exactly the documented fields, every scope and no rate limit', async () => {
  const started = Date.now();
  const made = await read<ClientView & TestClient>(admin('POST', '', { name: 'first' }), 201);
  assert.deepEqual(
    Object.keys(made).toSorted(),
    [...VIEW_KEYS, 'key', 'signing_secret'].toSorted(),
  );
  assert.match(made.id, /^cl_[A-Za-z0-9_-]+$/);
  assert.match(made.key, /^wsk_[A-Za-z0-9_-]{43}$/);
  assert.match(made.signing_secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.equal(Buffer.from(made.signing_secret.slice(6), 'base64').length, 32);
  assert.equal(made.name, 'first');
  assert.deepEqual(made.scopes, SCOPES);
  assert.equal(made.rate_limit, null);
  assert.match(made.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(Math.abs(Date.parse(made.created_at) - started) < 60_000);
  assert.ok(await isAdmitted(made.key));
});

test('two clients share neither id nor key nor signing secret', async () => {
  const [one, two] = await Promise.all([worker.createClient(), worker.createClient()]);
  assert.notEqual(one.id, two.id);
  assert.notEqual(one.key, two.key);
  assert.notEqual(one.signing_secret, two.signing_secret);
});

test('scopes and rate limit given at creation hold', async () => {
  const settings = { name: 'narrow', scopes: ['files', 'chat'], rate_limit: 12 };
  const made = await read<ClientView>(admin('POST', '', settings), 201);
  const shown = await read<ClientView>(admin('GET', `/${made.id}`), 200);
  assert.equal(shown.name, 'narrow');
  assert.equal(shown.rate_limit, 12);
  assert.deepEqual(shown.scopes.toSorted(), ['chat', 'files']);
});

test('key and signing secret are in no other answer, and KV knows the key only as its SHA-256', async () => {
  const client = await worker.createClient({ name: 'discreet' });
  const answers = await Promise.all([
    admin('GET', `/${client.id}`),
    admin('GET', '?limit=1000'),
    admin('PATCH', `/${client.id}`, { name: 'still discreet' }),
    admin('POST', `/${client.id}/rotate`, { what: 'nothing' }),
    send(`${worker.url}/imports`, client.key, 'GET'),
    send(`${worker.url}/nowhere`, client.key, 'GET'),
  ]);
  for (const answer of answers) {
    const text = (await answer.text()) + JSON.stringify([...answer.headers]);
    assert.ok(!text.includes(client.key), answer.url);
    assert.ok(!text.includes(client.signing_secret), answer.url);
  }
  const kv = (await worker.miniflare.getKVNamespace('KV')) as unknown as Kv;
  const { keys } = await kv.list();
  const values = await Promise.all(keys.map(({ name }) => kv.get(name)));
  assert.ok(!JSON.stringify([keys, values]).includes(client.key));
  assert.ok(!JSON.stringify(keys).includes(client.signing_secret));
  const hash = createHash('sha256').update(client.key).digest('hex');
  assert.ok(keys.some(({ name }) => name.endsWith(hash)));
});

test('the list shows every client once, in pages, without keys', async () => {
  const made = await Promise.all(Array.from({ length: 5 }, () => worker.createClient()));
  const seen: ClientView[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = admin('GET', `?limit=2${query}`);
    const link = (await answer).headers.get('link');
    const page = await read<{ clients: ClientView[]; next_cursor: string | null }>(answer, 200);
    const { next_cursor } = page;
    const next = `</admin/clients?limit=2&cursor=${encodeURIComponent(next_cursor ?? '')}>`;
    assert.equal(link, next_cursor && `${next}; rel="next"`);
    assert.deepEqual(Object.keys(page).toSorted(), ['clients', 'next_cursor']);
    assert.ok(page.clients.length <= 2);
    seen.push(...page.clients);
    cursor = page.next_cursor;
  } while (cursor !== null);
  const ids = new Set(seen.map(({ id }) => id));
  assert.equal(ids.size, seen.length);
  assert.ok(made.every(({ id }) => ids.has(id)));
  for (const client of seen) assert.deepEqual(Object.keys(client).toSorted(), VIEW_KEYS);
});

test('a bad page size of the list, and a misspelt one, is told by its name', async () => {
  for (const bad of ['limit=0', 'limit=-1', 'limit=1.5', 'limit=many', 'limit=100000', 'limt=5']) {
    const { error } = await read<FacadeError>(admin('GET', `?${bad}`), 400);
    const paths = error.details?.map(({ path }) => path);
    assert.deepEqual([error.code, paths], ['invalid_request', [`/${bad.split('=')[0]}`]], bad);
  }
});

test('a patch changes what it names and nothing else', async () => {
  const { id } = await worker.createClient({ name: 'before', rate_limit: 5 });
  let expected = await read<ClientView>(admin('GET', `/${id}`), 200);
  const patches: Partial<ClientView>[] = [
    { name: 'after' },
    { scopes: ['chat'] },
    { rate_limit: 60 },
    { rate_limit: null },
    { scopes: SCOPES, name: 'both' },
    {},
  ];
  for (const patch of patches) {
    expected = { ...expected, ...patch };
    assert.deepEqual(await read<ClientView>(admin('PATCH', `/${id}`, patch), 200), expected);
    assert.deepEqual(await read<ClientView>(admin('GET', `/${id}`), 200), expected);
  }
});

test('a patch of the scopes holds for the key that is out already', async () => {
  const client = await worker.createClient();
  assert.ok(await isAdmitted(client.key));
  await read(admin('PATCH', `/${client.id}`, { scopes: ['chat'] }), 200);
  const refused = await send(`${worker.url}/imports`, client.key, 'GET');
  assert.equal(refused.status, 403);
});

test('a deleted client is gone: 204, its keys refused, its id unknown', async () => {
  const client = await worker.createClient();
  const { key: newer } = await rotate(client.id, { what: 'key' });
  const deleted = await admin('DELETE', `/${client.id}`);
  assert.equal(deleted.status, 204);
  assert.equal(await deleted.text(), '');
  assert.equal(await isAdmitted(newer), false);
  assert.equal(await isAdmitted(client.key), false);
  for (const method of ['GET', 'DELETE']) {
    const { error } = await read<FacadeError>(admin(method, `/${client.id}`), 404);
    assert.equal(error.code, 'not_found');
  }
});

test('a rotated key works at once, with the scopes it had, while the old one still holds', async () => {
  const client = await worker.createClient({ scopes: ['observability:read'] });
  const answer = await rotate(client.id, { what: 'key' });
  assert.deepEqual(Object.keys(answer), ['key']);
  assert.match(answer.key, /^wsk_[A-Za-z0-9_-]{43}$/);
  assert.notEqual(answer.key, client.key);
  assert.ok(await isAdmitted(answer.key));
  assert.ok(await isAdmitted(client.key));
  const chat = await send(`${worker.url}/v1/chat/completions`, answer.key, 'POST', {});
  assert.equal(chat.status, 403);
});

test('with overlap_s 0 every older key is refused at once', async () => {
  const client = await worker.createClient();
  const second = await rotate(client.id, { what: 'key', overlap_s: 3600 });
  const third = await rotate(client.id, { what: 'key', overlap_s: 0 });
  assert.ok(await isAdmitted(third.key));
  assert.equal(await isAdmitted(second.key), false);
  assert.equal(await isAdmitted(client.key), false);
});

test('an old key is refused once its overlap has passed', async () => {
  const client = await worker.createClient();
  const { key } = await rotate(client.id, { what: 'key', overlap_s: 1 });
  await until('the old key to expire', async () => !(await isAdmitted(client.key)));
  assert.ok(await isAdmitted(key));
});

/** Runs an import of a client to its end, and returns the webhook about it. */
async function webhookOf(client: TestClient): Promise<ReceivedWebhook> {
  const upload = new FormData();
  upload.set('file', new Blob(['{"messages":[{"role":"user","content":"x"}]}\n']), 'rows.jsonl');
  const headers = { authorization: `Bearer ${client.key}` };
  const file = await read<{ id: string }>(
    fetch(`${worker.url}/v1/files`, { method: 'POST', headers, body: upload }),
    200,
  );
  const dataset = await read<{ id: string }>(
    send(`${worker.url}/v1/observability/datasets`, client.key, 'POST', {
      name: 'a dataset',
      description: '',
    }),
    201,
  );
  const { id } = await read<{ id: string }>(
    send(`${worker.url}/datasets/${dataset.id}/imports`, client.key, 'POST', {
      source: 'file',
      file_id: file.id,
      callback: { url: receiver.url },
    }),
    202,
  );
  return until('the webhook', () => receiver.received.find(({ body }) => body.includes(id)));
}

function isSignedWith(secret: string, webhook: ReceivedWebhook): boolean {
  try {
    new Webhook(secret).verify(webhook.body, webhook.headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}

test('while a signing secret rotates a webhook verifies with the new and the old one', async () => {
  const client = await worker.createClient();
  const rotated = await rotate(client.id, { what: 'signing_secret' });
  assert.deepEqual(Object.keys(rotated), ['signing_secret']);
  const second = rotated.signing_secret;
  assert.match(second, /^whsec_[A-Za-z0-9+/]{43}=$/);
  const during = await webhookOf(client);
  assert.match(String(during.headers['webhook-signature']), /^v1,\S+ v1,\S+$/);
  assert.ok(isSignedWith(second, during));
  assert.ok(isSignedWith(client.signing_secret, during));
  const again = await rotate(client.id, { what: 'signing_secret', overlap_s: 0 });
  const afterwards = await webhookOf(client);
  assert.ok(isSignedWith(again.signing_secret, afterwards));
  assert.equal(isSignedWith(second, afterwards), false);
  assert.equal(isSignedWith(client.signing_secret, afterwards), false);
  assert.ok(await isAdmitted(client.key), 'the key is not touched by it');
});

test('only the ADMIN_KEY opens /admin/clients, and a refused call changes nothing', async () => {
  const client = await worker.createClient({ name: 'kept' });
  const calls: [string, string, object?][] = [
    ['GET', ''],
    ['POST', '', { name: 'intruder' }],
    ['GET', `/${client.id}`],
    ['PATCH', `/${client.id}`, { name: 'intruder' }],
    ['DELETE', `/${client.id}`],
    ['POST', `/${client.id}/rotate`, { what: 'key', overlap_s: 0 }],
  ];
  const keys = [null, client.key, ADMIN_KEY.slice(0, -1), `${ADMIN_KEY}x`, ADMIN_KEY.toUpperCase()];
  for (const [method, path, body] of calls) {
    for (const key of keys) {
      const { error } = await read<FacadeError>(admin(method, path, body, key), 401);
      assert.equal(error.code, 'unauthorized', `${method} ${path} with ${key}`);
    }
  }
  const { name } = await read<ClientView>(admin('GET', `/${client.id}`), 200);
  assert.equal(name, 'kept');
  assert.ok(await isAdmitted(client.key));
});

test('each mistake of a body is told with its path, all of them at once', async () => {
  const { id } = await worker.createClient();
  const cases: [string, string, object, string[]][] = [
    ['POST', '', {}, ['/name']],
    ['POST', '', [], ['']],
    ['POST', '', { name: '' }, ['/name']],
    ['POST', '', { name: 'n'.repeat(10_000) }, ['/name']],
    ['POST', '', { name: 7, scopes: ['chat', 'root'] }, ['/name', '/scopes/1']],
    ['POST', '', { name: 'a', scopes: 'chat', rate_limit: -1 }, ['/rate_limit', '/scopes']],
    ['POST', '', { name: 'a', rate_limit: '60' }, ['/rate_limit']],
    ['PATCH', `/${id}`, { name: null, rate_limit: 0 }, ['/name', '/rate_limit']],
    ['PATCH', `/${id}`, { scopes: ['chat', null, 'x'] }, ['/scopes/1', '/scopes/2']],
    ['POST', `/${id}/rotate`, {}, ['/what']],
    ['POST', `/${id}/rotate`, { what: 'id', overlap_s: -1 }, ['/overlap_s', '/what']],
    ['POST', `/${id}/rotate`, { what: 'key', overlap_s: 0.5 }, ['/overlap_s']],
  ];
  for (const [method, path, body, expected] of cases) {
    const { error } = await read<FacadeError>(admin(method, path, body), 400);
    assert.equal(error.code, 'invalid_request');
    const paths = (error.details ?? []).map((detail) => detail.path).toSorted();
    assert.deepEqual(paths, expected, JSON.stringify(body));
    assert.ok(error.details?.every(({ message }) => message !== ''));
  }
});

test('an unknown field is refused and named', async () => {
  const { error } = await read<FacadeError>(admin('POST', '', { name: 'a', scope: ['chat'] }), 400);
  assert.match(JSON.stringify(error.details), /\bscope\b/);
});

type RefusalShape = 'facade' | 'observability' | 'mistral';

/** One or more calls for each family of paths, with the scope that it needs. */
const FAMILIES: [string, string, string, RefusalShape][] = [
  ['chat', 'POST', '/v1/chat/completions', 'mistral'],
  ['chat', 'POST', '/v1/%63hat/completions', 'mistral'],
  ['files', 'GET', '/v1//%66iles', 'mistral'],
  ['files', 'GET', '/v1/files', 'mistral'],
  ['files', 'POST', '/v1/files', 'mistral'],
  ['files', 'DELETE', `/v1/files/${UNKNOWN_ID}`, 'mistral'],
  ['proxy', 'GET', '/v1/models', 'mistral'],
  ['proxy', 'POST', '/v1/embeddings', 'mistral'],
  ['observability:read', 'GET', '/v1/observability/datasets', 'observability'],
  ['observability:read', 'HEAD', '/v1/observability/datasets', 'observability'],
  [
    'observability:read',
    'POST',
    '/v1/observability/chat-completion-events/search',
    'observability',
  ],
  ['observability:write', 'POST', '/v1/observability/datasets', 'observability'],
  ['observability:write', 'PATCH', `/v1/observability/datasets/${UNKNOWN_ID}`, 'observability'],
  ['observability:write', 'DELETE', `/v1/observability/datasets/${UNKNOWN_ID}`, 'observability'],
  ['observability:read', 'GET', '/imports', 'facade'],
  ['observability:write', 'POST', `/datasets/${UNKNOWN_ID}/imports`, 'facade'],
];

function assertForbidden(shape: RefusalShape, text: string, scope: string): void {
  const body = JSON.parse(text) as FacadeError & {
    detail: { message: string; error_code: string };
    object: string;
    message: string;
    type: string;
    param: null;
  };
  const message = {
    facade: body.error?.message,
    observability: body.detail?.message,
    mistral: body.message,
  }[shape];
  assert.ok(message?.includes(scope), text);
  if (shape === 'facade') assert.equal(body.error.code, 'forbidden');
  else if (shape === 'observability')
    assert.deepEqual(body, { detail: { message, error_code: 'AUTH_FORBIDDEN' } });
  else {
    assert.deepEqual(Object.keys(body).toSorted(), ['code', 'message', 'object', 'param', 'type']);
    assert.equal(body.object, 'error');
    assert.equal(body.param, null);
  }
}

for (const [scope, method, path, shape] of FAMILIES) {
  test(`${method} ${path} needs the scope ${scope}, and no other`, async () => {
    const body = method === 'GET' || method === 'HEAD' || method === 'DELETE' ? undefined : {};
    const all = await worker.createClient({ scopes: SCOPES.filter((one) => one !== scope) });
    const refused = await send(worker.url + path, all.key, method, body);
    assert.equal(refused.status, 403);
    assert.match(refused.headers.get('content-type') ?? '', /^application\/json/);
    const text = await refused.text();
    if (method !== 'HEAD') assertForbidden(shape, text, scope);
    const only = await worker.createClient({ scopes: [scope] });
    const admitted = await send(worker.url + path, only.key, method, body);
    await admitted.arrayBuffer();
    assert.ok(![401, 403].includes(admitted.status), `${admitted.status}`);
  });
}
