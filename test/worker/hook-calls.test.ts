import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  answerOf,
  call,
  CONTENT,
  DATASET,
  refused,
  signed,
  signedByGitHub,
  startHookSide,
  type HookSide,
} from '../support/hooks.ts';
import { openImport, refusedWith } from '../support/jsonl.ts';
import { startReceiver } from '../support/receiver.ts';
import { taskBody } from '../support/tasks.ts';
import { until } from '../support/until.ts';
import { json } from '../support/upstream.ts';
import { ADMIN_KEY, ended, send } from '../support/worker.ts';

let side: HookSide;

before(async () => {
  side = await startHookSide();
});
beforeEach(() => side.reset());
after(() => side.dispose());

describe('a call that is signed', () => {
  test('starts the import with the values that it brings, for the client of the hook', async () => {
    const hook = await side.make({
      map: { '/campaign_id': '/data/campaign/id', '/metadata/n': '/list/1' },
    });
    const { status, isReplayed, location, body } = await answerOf(
      call(hook, 'w-1', { ...CONTENT, list: [1, { a: 2 }] }),
    );
    assert.deepEqual([status, isReplayed], [202, false]);
    assert.equal(location, `/imports/${body.id ?? ''}`);
    assert.deepEqual(side.starts(), ['{"campaign_id":"c-1"}']);
    const [first] = side.upstream.seen;
    assert.equal(first?.path, `/v1/observability/datasets/${DATASET}/imports/from-campaign`);
    const view = await ended(side.worker.url, side.client.key, body.id ?? '');
    assert.equal(view['status'], 'completed');
    assert.equal(view['source'], 'campaign');
    assert.deepEqual(view['metadata'], { n: { a: 2 } });
    const stranger = await side.worker.createClient();
    const theirs = await send(`${side.worker.url}/imports/${body.id ?? ''}`, stranger.key, 'GET');
    assert.equal(theirs.status, 404);
    assert.deepEqual(
      (await side.log(hook)).map(({ at, ...rest }) => [Number.isFinite(Date.parse(at)), rest]),
      [
        [
          true,
          {
            outcome: 'accepted',
            status: 202,
            message: null,
            import_id: body.id,
            webhook_id: 'w-1',
          },
        ],
      ],
    );
  });

  test('has the callback of its hook told, unless the import has one of its own', async (t) => {
    const [ofHook, ofImport] = [await startReceiver(), await startReceiver()];
    t.after(() => [ofHook, ofImport].forEach((receiver) => receiver.close()));
    const callback = { url: ofHook.url };
    await call(await side.make({ callback }), 'w-1', CONTENT);
    await until('the webhook', () => ofHook.received.length === 1);
    const own = { source: 'campaign', callback: { url: ofImport.url } };
    await call(await side.make({ callback, import: own }), 'w-1', CONTENT);
    await until('the other webhook', () => ofImport.received.length === 1);
    assert.equal(ofHook.received.length, 1);
  });

  test('is one import when it comes again, whatever it brings then and wherever the hook leads', async () => {
    const hook = await side.make();
    const first = await answerOf(call(hook, 'w-1', CONTENT));
    const path = `${side.worker.url}/hooks/${hook.id}`;
    const changed = await send(path, side.client.key, 'PATCH', { dataset_id: randomUUID() });
    assert.equal(changed.status, 200);
    const bodies = [CONTENT, { data: { campaign: { id: 'c-2' } } }, {}, 'not JSON'];
    for (const content of bodies) {
      const again = await answerOf(call(hook, 'w-1', content));
      assert.deepEqual([again.status, again.isReplayed], [202, true]);
      assert.equal(again.body.id, first.body.id);
      assert.equal(again.location, first.location);
    }
    assert.equal(side.starts().length, 1);
    const calls = await side.log(hook);
    assert.deepEqual(
      calls.map(({ outcome }) => outcome),
      [...bodies.map(() => 'replayed'), 'accepted'],
    );
    assert.deepEqual(new Set(calls.map(({ import_id }) => import_id)), new Set([first.body.id]));
  });

  test('another id is another import, and so is the same id at another hook', async () => {
    const hooks = [await side.make(), await side.make()] as const;
    const ids = new Set<string | undefined>();
    for (const [hook, id] of [
      [hooks[0], 'w-1'],
      [hooks[0], 'w-2'],
      [hooks[1], 'w-1'],
    ] as const) {
      ids.add((await answerOf(call(hook, id, CONTENT))).body.id);
    }
    assert.equal(ids.size, 3);
    assert.equal(side.starts().length, 3);
  });

  test('starts one import when it comes 50 times at once', async () => {
    const hook = await side.make();
    const all = await Promise.all(
      Array.from({ length: 50 }, () => answerOf(call(hook, 'w-1', CONTENT))),
    );
    assert.deepEqual(new Set(all.map(({ status }) => status)), new Set([202]));
    assert.equal(new Set(all.map(({ body }) => body.id)).size, 1);
    assert.equal(all.filter(({ isReplayed }) => !isReplayed).length, 1);
    assert.equal(side.starts().length, 1);
    const outcomes = (await side.log(hook)).map(({ outcome }) => outcome);
    assert.equal(outcomes.filter((outcome) => outcome === 'accepted').length, 1);
    assert.equal(outcomes.filter((outcome) => outcome === 'replayed').length, 49);
  });
});

describe('a body', () => {
  const FILE_HOOK = { import: { source: 'file', file_id: 'f-1' }, map: {} };

  test('of more than 1 MB is refused, declared or not; just below it is taken', async () => {
    const hook = await side.make(FILE_HOOK);
    const of = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;
    const large = of(1_048_577);
    const open = (headers: Record<string, number>) =>
      openImport(hook.url, '', {
        'content-type': 'application/json',
        ...signed(hook.secret, 'w-1', large),
        ...headers,
      });
    const declared = open({ 'content-length': large.length });
    refusedWith(await declared.answer, 413, 'payload_too_large');
    declared.leave();
    const chunked = open({});
    await chunked.write(large);
    chunked.end();
    refusedWith(await chunked.answer, 413, 'payload_too_large');
    assert.equal(side.starts().length, 0);
    assert.equal((await call(hook, 'w-1', of(1_048_576))).status, 202);
    assert.deepEqual(
      (await side.log(hook)).map(({ outcome }) => outcome),
      ['accepted', 'too_large', 'too_large'],
    );
  });

  test('that is no JSON, or not declared as such, is refused', async () => {
    const hook = await side.make(FILE_HOOK);
    for (const [n, body] of ['', '{', '{"a":1,}', '{}{}', 'text'].entries()) {
      await refused(call(hook, `w-${n}`, body), 400, 'invalid_request');
    }
    const bytes = new Uint8Array([0x22, 0xff, 0x22]);
    const body = '{}';
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
      const headers = { ...signed(hook.secret, 'w-t', body), 'content-type': type };
      await refused(send(hook.url, null, 'POST', body, headers), 415, 'unsupported_media_type');
    }
    const compressed = { ...signed(hook.secret, 'w-g', body), 'content-encoding': 'gzip' };
    await refused(send(hook.url, null, 'POST', body, compressed), 415, 'unsupported_media_type');
    const bearer = await side.make({ ...FILE_HOOK, verify: 'bearer' });
    const headers = {
      authorization: `Bearer ${bearer.secret}`,
      'content-type': 'application/json',
    };
    await refused(
      fetch(bearer.url, { method: 'POST', headers, body: bytes }),
      400,
      'invalid_request',
    );
    assert.equal(side.starts().length, 0);
    const outcomes = (await side.log(hook)).map(({ outcome }) => outcome);
    assert.deepEqual(
      outcomes,
      Array.from({ length: 8 }, () => 'invalid_json'),
    );
  });

  test('that lacks what is mapped is told both pointers', async () => {
    const hook = await side.make({
      map: { '/campaign_id': '/data/campaign/id', '/metadata/a': '/l/7' },
    });
    const error = await refused(call(hook, 'w-1', { data: {}, l: [] }), 422, 'invalid_request');
    assert.deepEqual(
      error?.details?.map(({ path, message }) => [path, message.includes('the map copies to')]),
      [
        ['/data/campaign/id', true],
        ['/l/7', true],
      ],
    );
    assert.match(JSON.stringify(error?.details), /copies to \/campaign_id/);
    const [logged] = await side.log(hook);
    assert.deepEqual([logged?.outcome, logged?.status], ['not_found_in_body', 422]);
    assert.match(logged?.message ?? '', /\/data\/campaign\/id.*\/l\/7/);
    assert.equal(
      (await call(hook, 'w-1', { ...CONTENT, l: [0, 1, 2, 3, 4, 5, 6, 7] })).status,
      202,
    );
  });

  test('that comes to no import is told the mistakes', async () => {
    const hook = await side.make({ map: { '/campaign_id': '/id', '/metadata': '/m' } });
    const error = await refused(call(hook, 'w-1', { id: 7, m: 'x' }), 422, 'invalid_request');
    assert.deepEqual(error?.details?.map(({ path }) => path).toSorted(), [
      '/campaign_id',
      '/metadata',
    ]);
    const filtered = await side.make({ import: { source: 'explorer' }, map: { '/where': '/w' } });
    await refused(call(filtered, 'w-1', { w: 'model_name =' }), 400, 'invalid_filter');
    const called = await side.make({
      import: { source: 'file', file_id: 'f' },
      map: { '/callback/url': '/u' },
    });
    await refused(call(called, 'w-1', { u: `${side.worker.url}/health` }), 422, 'callback_refused');
    for (const one of [hook, filtered, called]) {
      assert.deepEqual(
        (await side.log(one)).map(({ outcome }) => outcome),
        ['invalid_import'],
      );
    }
    assert.equal(side.starts().length, 0);
  });

  test('that is nested beyond measure is refused like any other that does not fit', async () => {
    const into = { source: 'file', file_id: 'f' };
    const hook = await side.make({ import: into, map: { '/metadata/all': '' } });
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    for (const levels of [1000, 5000, 7000, 500_000]) {
      const error = await refused(
        call(hook, `w-${levels}`, nested(levels)),
        422,
        'invalid_request',
      );
      assert.deepEqual(new Set(error?.details?.map(({ path }) => path)), new Set(['/metadata']));
    }
    assert.equal((await call(hook, 'w', nested(999))).status, 202);
    const template = `{"source":"explorer","where":{"AND":${nested(7000)}}}`;
    const made = `{"name":"a hook","dataset_id":"${DATASET}","import":${template},"map":{"/where/OR":"/or"}}`;
    const { client, worker } = side;
    const error = await refused(
      send(`${worker.url}/hooks`, client.key, 'POST', made),
      400,
      'invalid_request',
    );
    assert.deepEqual(
      error?.details?.map(({ path }) => path),
      ['/import'],
    );
  });

  test('with hostile names changes nothing but what is mapped', async () => {
    const hook = await side.make({
      map: { '/campaign_id': '/data/campaign/id', '/metadata/all': '' },
    });
    const body =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"data":{"campaign":{"id":"c-1"}}}';
    const { body: view } = await answerOf(call(hook, 'w-1', body));
    const read = await send(`${side.worker.url}/imports/${view.id ?? ''}`, side.client.key, 'GET');
    const { metadata, ...rest } = (await read.json()) as { metadata: { all: object } };
    assert.equal(JSON.stringify(metadata.all), body);
    assert.ok(!JSON.stringify(rest).includes('polluted'));
    const inherited = await side.make({ map: { '/campaign_id': '/constructor/name' } });
    await refused(call(inherited, 'w-1', {}), 422, 'invalid_request');
  });
});

test('what the upstream refuses is answered with its words, and may be tried again by the same id', async () => {
  const hook = await side.make();
  side.upstream.script((_, response) =>
    json(response, 404, { detail: { message: 'no such campaign', error_code: null } }),
  );
  const error = await refused(call(hook, 'w-1', CONTENT), 404, 'not_found');
  assert.equal(error?.message, 'no such campaign');
  side.upstream.script((_, response) => json(response, 202, taskBody(randomUUID(), DATASET)));
  const again = await answerOf(call(hook, 'w-1', CONTENT));
  assert.deepEqual([again.status, again.isReplayed], [202, false]);
  const calls = await side.log(hook);
  assert.deepEqual(
    calls.map(({ outcome }) => outcome),
    ['accepted', 'upstream_refused'],
  );
  assert.equal(calls[1]?.message, 'no such campaign');
});

test('the log keeps the latest 100 calls', async () => {
  const hook = await side.make();
  for (let n = 0; n < 105; n++) await call(hook, `w-${n}`, {});
  const calls = await side.log(hook);
  assert.equal(calls.length, 100);
  assert.equal(calls[0]?.webhook_id, 'w-104');
  assert.equal(calls.at(-1)?.webhook_id, 'w-5');
});

test('calls count for the rate_limit of the client, if they are signed', async () => {
  const limited = await side.worker.createClient({ rate_limit: 3 });
  const hook = await side.make({}, limited);
  for (let n = 0; n < 5; n++) await send(hook.url, null, 'POST', CONTENT);
  assert.equal((await call(hook, 'w-1', CONTENT)).status, 202);
  assert.equal((await call(hook, 'w-2', CONTENT)).status, 202);
  const response = await call(hook, 'w-3', CONTENT);
  assert.match(response.headers.get('retry-after') ?? '', /^\d+$/);
  await refused(Promise.resolve(response), 429, 'rate_limited');
  assert.equal(side.starts().length, 2);
});

test('a client that may no longer write starts nothing by its hooks either', async () => {
  const owner = await side.worker.createClient();
  const hook = await side.make({}, owner);
  const scopes = { scopes: ['observability:read'] };
  await send(`${side.worker.url}/admin/clients/${owner.id}`, ADMIN_KEY, 'PATCH', scopes);
  await refused(call(hook, 'w-1', CONTENT), 403, 'forbidden');
  const [logged] = await side.log(hook, owner);
  assert.equal(logged?.outcome, 'forbidden');
});

test('no secret is in any answer, log or import', async () => {
  for (const verify of ['standard-webhooks', 'github', 'bearer']) {
    const hook = await side.make({ verify });
    const body = JSON.stringify({ secret: hook.secret });
    const headers = {
      ...(verify === 'standard-webhooks' && signed(hook.secret, 'w-1', body)),
      ...(verify === 'github' && signedByGitHub(hook.secret, body, 'w-1')),
      ...(verify === 'bearer' && { authorization: `Bearer ${hook.secret}` }),
    };
    const answer = await send(hook.url, null, 'POST', body, headers);
    assert.equal(answer.status, 422);
    const texts = [await answer.text()];
    for (const path of ['', '/calls']) {
      texts.push(
        await (
          await send(`${side.worker.url}/hooks/${hook.id}${path}`, side.client.key, 'GET')
        ).text(),
      );
    }
    assert.ok(texts.every((text) => !text.includes(hook.secret.replace('whsec_', ''))));
  }
});

test('a call with more mistakes than can be told is refused for good, not put down to a fault', async () => {
  const hook = await side.make({
    import: { source: 'explorer' },
    map: { '/event_ids': '/ids' },
  });
  const ids = Array.from({ length: 400_000 }, () => 7);
  const answer = await call(hook, 'w-many', { ids });
  assert.equal(answer.status, 422);
  assert.match(await answer.text(), /more mistakes than can be told/);
  assert.equal((await side.log(hook))[0]?.outcome, 'invalid_import');
});
