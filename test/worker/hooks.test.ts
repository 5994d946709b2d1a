import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { call, callsOf, createHook, refused, type TestHook } from '../support/hooks.ts';
import {
  ADMIN_KEY,
  send,
  startWorker,
  type TestClient,
  type TestWorker,
} from '../support/worker.ts';

let worker: TestWorker;
let client: TestClient;

before(async () => {
  worker = await startWorker();
  client = await worker.createClient();
});
after(() => worker.dispose());

const DATASET = randomUUID();
const FILE = { source: 'file', file_id: 'f-1' };

const ask = (method: string, path: string, body?: object, key = client.key) =>
  send(worker.url + path, key, method, body);
const make = (settings: object = {}, by = client) =>
  createHook(worker.url, by, { dataset_id: DATASET, ...settings });

/** What the object of a hook holds, past the API. */
async function opened(hook: TestHook): Promise<unknown> {
  const binding: unknown = await worker.miniflare.getDurableObjectNamespace('HOOK');
  const hooks = binding as { getByName: (id: string) => { open: () => Promise<unknown> } };
  return hooks.getByName(hook.id).open();
}

describe('a new hook', () => {
  test('is answered with its address and its secret, and with the secret only then', async () => {
    const callback = { url: 'https://example.com/done', events: ['import.failed'] };
    const answer = await ask('POST', '/hooks', {
      name: ' Nightly ',
      dataset_id: DATASET.toUpperCase(),
      import: { source: 'campaign' },
      map: { '/campaign_id': '/data/campaign/id' },
      callback,
    });
    assert.equal(answer.status, 201);
    const { secret, ...hook } = (await answer.json()) as Record<string, unknown>;
    assert.match(String(secret), /^whsec_[A-Za-z0-9+/]{43}=$/);
    assert.match(String(hook['id']), /^hook_[\w-]{22}$/);
    assert.equal(answer.headers.get('location'), `/hooks/${hook['id'] as string}`);
    assert.match(String(hook['created_at']), /^\d{4}-.*Z$/);
    assert.deepEqual(hook, {
      id: hook['id'],
      object: 'hook',
      url: `${worker.url}/hooks/${hook['id'] as string}`,
      name: 'Nightly',
      dataset_id: DATASET,
      import: { source: 'campaign' },
      map: { '/campaign_id': '/data/campaign/id' },
      verify: 'standard-webhooks',
      callback,
      created_at: hook['created_at'],
      updated_at: hook['created_at'],
    });
    const read = await ask('GET', `/hooks/${hook['id'] as string}`);
    assert.deepEqual(await read.json(), hook);
    const list = await (await ask('GET', '/hooks')).text();
    assert.ok(list.includes(String(hook['id'])) && !list.includes(String(secret)));
  });

  for (const verify of ['github', 'bearer']) {
    test(`for ${verify} has a token for a secret`, async () => {
      const { secret } = await make({ verify });
      assert.match(secret, /^[\w-]{43}$/);
    });
  }

  const MISTAKEN: [string, object, string][] = [
    ['an import without an id', { map: {} }, '/import/campaign_id'],
    [
      'a target that there is not',
      { map: { '/campaign': '/id' } },
      '/import/campaign_id /map/~1campaign',
    ],
    ['a pointer that is none', { map: { '/campaign_id': 'data.id' } }, '/map/~1campaign_id'],
    ['a target at the prototype', { map: { '/__proto__/x': '/id' } }, '/map/~1__proto__~1x'],
    [
      'an incremental import',
      { import: { ...FILE, incremental: true }, map: {} },
      '/import/incremental',
    ],
    [
      'too large an import',
      { import: { ...FILE, metadata: { a: 'é'.repeat(500_000) } }, map: {} },
      '/import',
    ],
    [
      'too large a map',
      { map: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`/metadata/${n}`, '/a'])) },
      '/map',
    ],
    [
      'too long a pointer',
      { map: { '/campaign_id': `/${'a'.repeat(500)}` } },
      '/map/~1campaign_id',
    ],
  ];
  for (const [what, settings, paths] of MISTAKEN) {
    test(`with ${what} is refused at ${paths}, and none is kept`, async () => {
      const stranger = await worker.createClient();
      const body = {
        name: 'a hook',
        dataset_id: DATASET,
        import: { source: 'campaign' },
        ...settings,
      };
      const error = await refused(
        await ask('POST', '/hooks', body, stranger.key),
        400,
        'invalid_request',
      );
      assert.deepEqual(error?.details?.map(({ path }) => path).toSorted(), paths.split(' '));
      const list = await ask('GET', '/hooks', undefined, stranger.key);
      assert.deepEqual(await list.json(), { hooks: [], next_cursor: null });
    });
  }

  test('with a mistake in its filter is refused with the place, as a text and as a tree', async () => {
    const withWhere = (where: unknown, map = {}) => ({
      name: 'a hook',
      dataset_id: DATASET,
      import: { source: 'explorer', where },
      map,
    });
    const text = await ask('POST', '/hooks', withWhere('model_name = "a" AND'));
    assert.equal((await refused(text, 400, 'invalid_filter'))?.position, 20);
    const tree = await ask('POST', '/hooks', withWhere({ AND: [{ field: 'model_name' }] }));
    const error = await refused(tree, 400, 'invalid_filter');
    assert.match(error?.details?.[0]?.path ?? '', /^\/import\/where\/AND\/0/);
    const open = { field: 'model_name', op: 'eq' };
    const mapped = await ask('POST', '/hooks', withWhere(open, { '/where/value': '/model' }));
    assert.equal(mapped.status, 201, await mapped.text());
    await refused(await ask('POST', '/hooks', withWhere(open)), 400, 'invalid_filter');
  });
});

test('a callback that may not be called is refused when a hook is made or changed', async () => {
  const strict = await startWorker({ CALLBACK_ALLOW_PRIVATE: 'false' });
  try {
    const { key } = await strict.createClient();
    const bad = { url: 'https://169.254.169.254/latest' };
    const good = { name: 'a hook', dataset_id: DATASET, import: FILE };
    const inTemplate = { import: { ...FILE, callback: bad } };
    const asked = (method: string, path: string, body: object) =>
      send(strict.url + path, key, method, body);
    const made = (await (await asked('POST', '/hooks', good)).json()) as TestHook;
    for (const [method, path, base] of [
      ['POST', '/hooks', good],
      ['PATCH', `/hooks/${made.id}`, {}],
    ] as const) {
      const top = await asked(method, path, { ...base, callback: bad });
      const topError = await refused(top, 422, 'callback_refused');
      assert.deepEqual(
        topError?.details?.map(({ path }) => path),
        ['/callback/url'],
      );
      const inner = await asked(method, path, { ...base, ...inTemplate });
      const innerError = await refused(inner, 422, 'callback_refused');
      assert.deepEqual(
        innerError?.details?.map(({ path }) => path),
        ['/import/callback/url'],
      );
    }
  } finally {
    await strict.dispose();
  }
});

interface View {
  updated_at: string;
  callback: { url: string } | null;
}

const viewOf = async (answer: Response) => (await answer.json()) as View;

test('a hook can be changed in parts, never to what could not have been made', async () => {
  const hook = await make();
  const path = `/hooks/${hook.id}`;
  const before = await viewOf(await ask('GET', path));
  const changes = { name: 'renamed', import: FILE, map: {}, dataset_id: randomUUID() };
  const changed = await ask('PATCH', path, changes);
  assert.equal(changed.status, 200);
  const view = await viewOf(changed);
  assert.deepEqual(view, { ...before, ...changes, updated_at: view.updated_at });
  assert.ok(view.updated_at >= before.updated_at);
  await refused(
    await ask('PATCH', path, { import: { source: 'campaign' } }),
    400,
    'invalid_request',
  );
  await refused(
    await ask('PATCH', path, { map: { '/campaign_id': '/a' } }),
    400,
    'invalid_request',
  );
  const callback = { url: 'https://example.com/done' };
  const withCallback = await viewOf(await ask('PATCH', path, { callback }));
  assert.equal(withCallback.callback?.url, callback.url);
  const without = await viewOf(await ask('PATCH', path, { callback: null }));
  assert.equal(without.callback, null);
  assert.deepEqual({ ...without, updated_at: '' }, { ...view, updated_at: '' });
});

test('hooks are listed page by page, the newest first', async () => {
  const owner = await worker.createClient();
  const made: string[] = [];
  for (let n = 0; n < 5; n++) made.push((await make({ name: `hook ${n}` }, owner)).id);
  const seen: string[] = [];
  let query = '?limit=2';
  for (let page = 0; page < 3; page++) {
    const answer = await ask('GET', `/hooks${query}`, undefined, owner.key);
    const { hooks, next_cursor } = (await answer.json()) as {
      hooks: { id: string }[];
      next_cursor: string | null;
    };
    seen.push(...hooks.map(({ id }) => id));
    assert.equal(next_cursor === null, page === 2);
    const link = answer.headers.get('link');
    assert.equal(link, next_cursor && `</hooks?limit=2&cursor=${next_cursor}>; rel="next"`);
    query = `?limit=2&cursor=${next_cursor ?? ''}`;
  }
  assert.deepEqual(seen, made.toReversed());
  for (const bad of ['limit=0', 'limit=101', 'limit=0x10', 'cursor=x', 'limt=5']) {
    await refused(await ask('GET', `/hooks?${bad}`), 400, 'invalid_request');
  }
});

test('another client’s hook does not exist: 404 on every path of it, and in no list', async () => {
  const hook = await make();
  const stranger = await worker.createClient();
  const unknown = `hook_${'A'.repeat(22)}`;
  const calls: [string, string, object?][] = [
    ['GET', ''],
    ['PATCH', '', { name: 'mine' }],
    ['DELETE', ''],
    ['POST', '/rotate', {}],
    ['GET', '/calls'],
  ];
  for (const [method, more, body] of calls) {
    const theirs = await ask(method, `/hooks/${hook.id}${more}`, body, stranger.key);
    const nobodys = await ask(method, `/hooks/${unknown}${more}`, body, stranger.key);
    const error = await refused(theirs, 404, 'not_found');
    assert.equal(error?.message, (await refused(nobodys, 404, 'not_found'))?.message);
  }
  const list = await ask('GET', '/hooks', undefined, stranger.key);
  assert.deepEqual(await list.json(), { hooks: [], next_cursor: null });
  assert.equal((await ask('GET', `/hooks/${hook.id}`)).status, 200);
});

test('a deleted hook is gone: for its client, for its callers, and from storage', async () => {
  const hook = await make();
  assert.notEqual(await opened(hook), null);
  await call(hook, 'w-1', {});
  assert.equal((await callsOf(worker.url, client, hook)).length, 1);
  assert.equal((await ask('DELETE', `/hooks/${hook.id}`)).status, 204);
  await refused(await ask('GET', `/hooks/${hook.id}`), 404, 'not_found');
  await refused(await ask('DELETE', `/hooks/${hook.id}`), 404, 'not_found');
  await refused(await call(hook, 'w-2', {}), 404, 'not_found');
  const list = await (await ask('GET', '/hooks?limit=100')).text();
  assert.ok(!list.includes(hook.id));
  assert.equal(await opened(hook), null);
});

test('a deleted client takes its hooks along', async () => {
  const owner = await worker.createClient();
  const hooks = [await make({}, owner), await make({}, owner)];
  const gone = await send(`${worker.url}/admin/clients/${owner.id}`, ADMIN_KEY, 'DELETE');
  assert.equal(gone.status, 204);
  for (const hook of hooks) {
    await refused(await call(hook, 'w-1', {}), 404, 'not_found');
    assert.equal(await opened(hook), null);
  }
});

test('a hook whose client is gone without it is closed, and an entry without a hook is in no list', async () => {
  const owner = await worker.createClient();
  const hook = await make({}, owner);
  const binding: unknown = await worker.miniflare.getDurableObjectNamespace('REGISTRY');
  const registries = binding as {
    getByName: (name: string) => { put: (id: string, by: string, due: null) => Promise<void> };
  };
  await registries.getByName('hooks').put(`hook_${'B'.repeat(22)}`, owner.id, null);
  const list = await ask('GET', '/hooks', undefined, owner.key);
  const { hooks } = (await list.json()) as { hooks: { id: string }[] };
  assert.deepEqual(
    hooks.map(({ id }) => id),
    [hook.id],
  );
  const store: unknown = await worker.miniflare.getKVNamespace('KV');
  const kv = store as { delete: (key: string) => Promise<void> };
  await kv.delete(`client:${owner.id}`);
  await refused(await call(hook, 'w-1', {}), 404, 'not_found');
});

test('no answer with a key, a secret or a file behind a link may be kept on its way', async () => {
  const { id } = await worker.createClient();
  const at = `/admin/clients/${id}/rotate`;
  const hook = { name: 'a hook', dataset_id: DATASET, import: FILE };
  const made = await make();
  const dataset = await ask('POST', '/datasets', { name: 'a dataset' });
  const { id: datasetId } = (await dataset.json()) as TestHook;
  const path = `${worker.url}/datasets/${datasetId}/export`;
  const asJson = { accept: 'application/json' };
  const link = await send(path, client.key, 'GET', undefined, asJson);
  const { url } = (await link.json()) as TestHook;
  const answers = [
    await ask('POST', '/admin/clients', { name: 'new' }, ADMIN_KEY),
    await ask('POST', at, { what: 'key' }, ADMIN_KEY),
    await ask('POST', at, { what: 'signing_secret' }, ADMIN_KEY),
    await ask('POST', '/hooks', hook),
    await ask('POST', `/hooks/${made.id}/rotate`, {}),
    await fetch(url),
  ];
  for (const answer of answers) {
    assert.ok(answer.ok, await answer.text());
    assert.match(answer.headers.get('cache-control') ?? '', /\bno-store$/, answer.url);
  }
});
