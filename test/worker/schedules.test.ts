import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { EVERY_MINUTE, fireCron } from '../support/tick.ts';
import {
  DATASET,
  INCREMENTAL,
  makeSchedule,
  readSchedule,
  type ScheduleView,
} from '../support/schedules.ts';
import { send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

let worker: TestWorker;
let client: TestClient;

before(async () => {
  worker = await startWorker({ CALLBACK_ALLOW_PRIVATE: 'false' });
  client = await worker.createClient();
});
after(() => worker.dispose());

const call = (method: string, path: string, body?: object, key = client.key) =>
  send(`${worker.url}/schedules${path}`, key, method, body);

const post = (given: object) =>
  call('POST', '', {
    name: 's',
    cron: '0 3 * * *',
    dataset_id: DATASET,
    import: INCREMENTAL,
    ...given,
  });

interface ErrorBody {
  error: {
    code: string;
    message: string;
    position?: number;
    details?: { path: string; message: string }[];
  };
}

async function refused(response: Response, status: number, code: string) {
  assert.equal(response.status, status);
  const { error } = (await response.json()) as ErrorBody;
  assert.equal(error.code, code);
  return error;
}

test('a schedule is made, shown, listed, changed and deleted', async () => {
  const response = await post({
    timezone: 'Europe/Berlin',
    backfill: { from: '2026-01-01T00:00:00Z' },
  });
  assert.equal(response.status, 201);
  const made = (await response.json()) as Record<string, unknown>;
  assert.equal(response.headers.get('location'), `/schedules/${String(made['id'])}`);
  assert.match(String(made['id']), /^sch_[A-Za-z0-9_-]{22}$/);
  const { id, created_at, updated_at, next_runs, ...rest } = made;
  assert.deepEqual(rest, {
    object: 'schedule',
    name: 's',
    cron: '0 3 * * *',
    timezone: 'Europe/Berlin',
    dataset_id: DATASET,
    import: INCREMENTAL,
    callback: null,
    overlap_s: 900,
    backfill: { from: '2026-01-01T00:00:00.000Z' },
    notify_empty: false,
    watermark: null,
    last_run: null,
  });
  assert.equal(created_at, updated_at);
  const hours = (next_runs as string[]).map((time) =>
    new Date(time).toLocaleTimeString('sv', { timeZone: 'Europe/Berlin' }),
  );
  assert.deepEqual(hours, ['03:00:00', '03:00:00', '03:00:00']);
  assert.deepEqual(await readSchedule(worker.url, client.key, String(id)), made);

  const patched = await call('PATCH', `/${String(id)}`, {
    cron: '30 4 * * MON',
    timezone: 'UTC',
    overlap_s: 60,
    callback: { url: 'https://example.org/hook', events: ['import.completed', 'import.completed'] },
  });
  assert.equal(patched.status, 200);
  const changed = (await patched.json()) as Record<string, unknown>;
  assert.equal(changed['overlap_s'], 60);
  assert.deepEqual(changed['callback'], {
    url: 'https://example.org/hook',
    events: ['import.completed'],
  });
  assert.match((changed['next_runs'] as string[])[0] ?? '', /T04:30:00\.000Z$/);
  assert.equal(changed['name'], 's');
  assert.ok(String(changed['updated_at']) >= String(made['updated_at']));

  assert.equal((await call('DELETE', `/${String(id)}`)).status, 204);
  await refused(await call('GET', `/${String(id)}`), 404, 'not_found');
  await refused(await call('DELETE', `/${String(id)}`), 404, 'not_found');
});

test('what a change leaves out stays, the callback too, unless the import brings another', async () => {
  const callback = { url: 'https://example.org/one', events: ['import.completed'] };
  const { id } = await makeSchedule(worker.url, client.key, { callback, overlap_s: 60 });
  const patch = async (body: object) =>
    (await (await call('PATCH', `/${id}`, body)).json()) as ScheduleView;
  const other = { ...INCREMENTAL, where: null };
  const changed = await patch({ import: other });
  assert.deepEqual([changed.import, changed.callback, changed.overlap_s], [other, callback, 60]);
  const inside = { ...callback, url: 'https://example.org/two' };
  const moved = await patch({ import: { ...other, callback: inside } });
  assert.deepEqual([moved.import, moved.callback], [other, inside]);
  const both = await patch({ callback, import: { ...other, callback: inside } });
  assert.deepEqual(both.callback, inside, 'the callback in the import holds');
  assert.equal((await patch({ callback: null })).callback, null);
});

test('a changed expression is due by its new times', async () => {
  const { id } = await makeSchedule(worker.url, client.key, { cron: '0 0 1 1 *' });
  const patched = await call('PATCH', `/${id}`, { cron: '* * * * *' });
  const { next_runs } = (await patched.json()) as ScheduleView;
  await fireCron(worker.url, EVERY_MINUTE, Date.parse(next_runs[0] ?? ''));
  const { last_run } = await readSchedule(worker.url, client.key, id);
  assert.equal(last_run?.scheduled_at, next_runs[0]);
});

test('lists hold the newest first, page by page', async () => {
  const { key } = await worker.createClient();
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.unshift((await makeSchedule(worker.url, key)).id);
  const seen: string[] = [];
  let path = '?limit=2';
  for (let pages = 0; pages < 3; pages++) {
    const response = await call('GET', path, undefined, key);
    const { schedules, next_cursor } = (await response.json()) as {
      schedules: { id: string }[];
      next_cursor: string | null;
    };
    seen.push(...schedules.map(({ id }) => id));
    assert.equal(next_cursor === null, pages === 2);
    const link = response.headers.get('link');
    assert.equal(link, next_cursor && `</schedules?limit=2&cursor=${next_cursor}>; rel="next"`);
    path = `?limit=2&cursor=${String(next_cursor)}`;
  }
  assert.deepEqual(seen, ids);
  for (const bad of ['cursor=x', 'limit=0x10', 'limt=5']) {
    await refused(await call('GET', `?${bad}`, undefined, key), 400, 'invalid_request');
    const runs = `/${ids[0]}/runs?${bad}`;
    await refused(await call('GET', runs, undefined, key), 400, 'invalid_request');
  }
});

test('another client’s schedule is not there, whatever is asked of it', async () => {
  const { id } = await makeSchedule(worker.url, client.key);
  const other = await worker.createClient();
  for (const [method, path, body] of [
    ['GET', '', undefined],
    ['PATCH', '', { name: 'mine' }],
    ['DELETE', '', undefined],
    ['POST', '/run', undefined],
    ['POST', '/run', { dry_run: true }],
    ['GET', '/runs', undefined],
  ] as const) {
    await refused(await call(method, `/${id}${path}`, body, other.key), 404, 'not_found');
  }
  const list = (await (await call('GET', '', undefined, other.key)).json()) as object;
  assert.deepEqual(list, { schedules: [], next_cursor: null });
  assert.equal((await readSchedule(worker.url, client.key, id)).name, 's');
});

test('reading needs the scope to read, changing the scope to write', async () => {
  const reader = await worker.createClient({ scopes: ['observability:read'] });
  const writer = await worker.createClient({ scopes: ['observability:write'] });
  assert.equal((await call('GET', '', undefined, reader.key)).status, 200);
  await refused(await call('POST', '', {}, reader.key), 403, 'forbidden');
  await refused(await call('GET', '', undefined, writer.key), 403, 'forbidden');
});

test('a bad expression is refused with the field at fault', async () => {
  const error = await refused(await post({ cron: '0 25 * * *' }), 400, 'invalid_request');
  assert.deepEqual(error.details, [
    {
      path: '/cron',
      message: 'has a mistake in the field hour: "25" is not a value; it takes 0–23',
    },
  ]);
  const never = await refused(await post({ cron: '0 0 31 2 *' }), 400, 'invalid_request');
  assert.equal(never.details?.[0]?.path, '/cron');
});

test('an unknown time zone is refused', async () => {
  const error = await refused(await post({ timezone: 'Europe/Nowhere' }), 400, 'invalid_request');
  assert.equal(error.details?.[0]?.path, '/timezone');
});

test('a mistake in the where is told with its position when the schedule is made or changed', async () => {
  const bad = { source: 'explorer', where: 'model_name ==', incremental: true };
  const error = await refused(await post({ import: bad }), 400, 'invalid_filter');
  assert.equal(error.position, 11);
  const { id } = await makeSchedule(worker.url, client.key);
  const patch = await call('PATCH', `/${id}`, { import: { ...bad, incremental: false } });
  assert.equal((await refused(patch, 400, 'invalid_filter')).position, 11);
  const tree = { source: 'explorer', where: { AND: [{ field: 'x' }] }, incremental: true };
  const inTree = await refused(await post({ import: tree }), 400, 'invalid_filter');
  assert.equal(inTree.details?.[0]?.path, '/import/where/AND/0');
});

test('an incremental import without a where is of all events, any other needs one', async () => {
  const template = { source: 'explorer', incremental: true };
  const { id, import: kept } = await makeSchedule(worker.url, client.key, { import: template });
  assert.deepEqual(kept, template);
  const counted = await call('POST', `/${id}/run`, { dry_run: true });
  assert.equal(counted.status, 200, await counted.text());
  for (const bad of [{ incremental: false }, {}, { incremental: true, event_ids: ['a'] }]) {
    const refused = await call('PATCH', `/${id}`, { import: { source: 'explorer', ...bad } });
    assert.equal(refused.status, 400);
    await refused.body?.cancel();
  }
});

test('callbacks are checked when the schedule is made, beside the import and inside it', async () => {
  const callback = { url: 'https://127.0.0.1/' };
  const beside = await refused(await post({ callback }), 422, 'callback_refused');
  assert.equal(beside.details?.[0]?.path, '/callback/url');
  const inside = await post({ import: { ...INCREMENTAL, callback } });
  const error = await refused(inside, 422, 'callback_refused');
  assert.equal(error.details?.[0]?.path, '/import/callback/url');
});

for (const [what, body, path] of [
  [
    'of an import that is not incremental',
    { import: { source: 'file', file_id: 'f' } },
    '/backfill',
  ],
  ['in the future', { backfill: { from: '2999-01-01T00:00:00Z' } }, '/backfill/from'],
] as const) {
  test(`a backfill ${what} is refused`, async () => {
    const response = await post({ backfill: { from: '2026-01-01T00:00:00+01:00' }, ...body });
    const error = await refused(response, 400, 'invalid_request');
    assert.equal(error.details?.[0]?.path, path);
  });
}

test('an import that is too large to be kept is refused', async () => {
  const record_ids = Array.from(
    { length: 20_000 },
    (_, n) => `record-number-${String(n).padStart(12)}`,
  );
  const error = await refused(
    await post({ import: { source: 'dataset', record_ids } }),
    400,
    'invalid_request',
  );
  assert.equal(error.details?.[0]?.path, '/import');
});

test('POST /run takes no body, or one of JSON', async () => {
  const campaign = { source: 'campaign', campaign_id: 'c' };
  const { id } = await makeSchedule(worker.url, client.key, { import: campaign });
  const counted = await call('POST', `/${id}/run`, { dry_run: true });
  await refused(counted, 400, 'invalid_request');
  const other = await send(`${worker.url}/schedules/${id}/run`, client.key, 'POST', 'x', {
    'content-type': 'text/plain',
  });
  await refused(other, 415, 'unsupported_media_type');
  assert.equal((await call('POST', `/${id}/run`)).status, 202);
});

test('a registry entry without its schedule is removed by the tick', async () => {
  const { key, id: clientId } = await worker.createClient();
  const binding: unknown = await worker.miniflare.getDurableObjectNamespace('REGISTRY');
  const registries = binding as {
    idFromName: (name: string) => unknown;
    get: (id: unknown) => {
      put: (id: string, clientId: string, dueAt: number) => Promise<void>;
      list: (clientId: string, limit: number, cursor: null) => Promise<{ ids: string[] }>;
    };
  };
  const registry = registries.get(registries.idFromName('schedules'));
  const orphan = `sch_${'z'.repeat(22)}`;
  await registry.put(orphan, clientId, 1000);
  assert.deepEqual(await (await call('GET', '', undefined, key)).json(), {
    schedules: [],
    next_cursor: null,
  });
  await fireCron(worker.url, EVERY_MINUTE, 60_000);
  assert.deepEqual((await registry.list(clientId, 10, null)).ids, []);
});
