import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  call,
  callsOf,
  createHook,
  signed,
  signedByGitHub,
  type TestHook,
} from '../support/hooks.ts';
import { startReceiver } from '../support/receiver.ts';
import { taskBody } from '../support/tasks.ts';
import { until } from '../support/until.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import {
  ADMIN_KEY,
  ended,
  send,
  startWorker,
  type TestClient,
  type TestWorker,
} from '../support/worker.ts';

let upstream: ScriptedUpstream;
let worker: TestWorker;
let client: TestClient;

before(async () => {
  upstream = await startUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '20',
    POLL_MAX_MS: '100',
  });
  client = await worker.createClient();
});
beforeEach(() => {
  upstream.seen.splice(0);
  upstream.script((request, response) =>
    request.method === 'POST'
      ? json(response, 202, taskBody(randomUUID(), DATASET))
      : json(
          response,
          200,
          taskBody(request.path.split('/').at(-1) ?? '', DATASET, {
            status: 'COMPLETED',
            progress: 100,
          }),
        ),
  );
});
after(async () => {
  await worker.dispose();
  upstream.close();
});

const DATASET = randomUUID();
const CONTENT = { data: { campaign: { id: 'c-1' } } };

const make = (settings: object = {}, by = client) =>
  createHook(worker.url, by, { dataset_id: DATASET, ...settings });
const log = (hook: TestHook, by = client) => callsOf(worker.url, by, hook);
/** The bodies of the start calls that reached the upstream. */
const starts = () =>
  upstream.seen.filter(({ method }) => method === 'POST').map(({ body }) => body.toString());

interface Answer {
  status: number;
  isReplayed: boolean;
  location: string | null;
  body: {
    id?: string;
    error?: { code: string; message: string; details?: { path: string; message: string }[] };
  };
}

async function answerOf(asked: Promise<Response>): Promise<Answer> {
  const response = await asked;
  return {
    status: response.status,
    isReplayed: response.headers.get('idempotency-replayed') === 'true',
    location: response.headers.get('location'),
    body: (await response.json()) as Answer['body'],
  };
}

async function refused(asked: Promise<Response>, status: number, code: string) {
  const { body, ...answer } = await answerOf(asked);
  assert.equal(answer.status, status, JSON.stringify(body));
  assert.equal(body.error?.code, code);
  return body.error;
}

describe('a call that is signed', () => {
  test('starts the import with the values that it brings, for the client of the hook', async () => {
    const hook = await make({
      map: { '/campaign_id': '/data/campaign/id', '/metadata/n': '/list/1' },
    });
    const { status, isReplayed, location, body } = await answerOf(
      call(hook, 'w-1', { ...CONTENT, list: [1, { a: 2 }] }),
    );
    assert.deepEqual([status, isReplayed], [202, false]);
    assert.equal(location, `/imports/${body.id ?? ''}`);
    assert.deepEqual(starts(), ['{"campaign_id":"c-1"}']);
    const [first] = upstream.seen;
    assert.equal(first?.path, `/v1/observability/datasets/${DATASET}/imports/from-campaign`);
    const view = await ended(worker.url, client.key, body.id ?? '');
    assert.equal(view['status'], 'completed');
    assert.equal(view['source'], 'campaign');
    assert.deepEqual(view['metadata'], { n: { a: 2 } });
    const stranger = await worker.createClient();
    const theirs = await send(`${worker.url}/imports/${body.id ?? ''}`, stranger.key, 'GET');
    assert.equal(theirs.status, 404);
    assert.deepEqual(
      (await log(hook)).map(({ at, ...rest }) => [Number.isFinite(Date.parse(at)), rest]),
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
    await call(await make({ callback }), 'w-1', CONTENT);
    await until('the webhook', () => ofHook.received.length === 1);
    const own = { source: 'campaign', callback: { url: ofImport.url } };
    await call(await make({ callback, import: own }), 'w-1', CONTENT);
    await until('the other webhook', () => ofImport.received.length === 1);
    assert.equal(ofHook.received.length, 1);
  });

  test('is one import when it comes again, whatever it brings then and wherever the hook leads', async () => {
    const hook = await make();
    const first = await answerOf(call(hook, 'w-1', CONTENT));
    const path = `${worker.url}/hooks/${hook.id}`;
    const changed = await send(path, client.key, 'PATCH', { dataset_id: randomUUID() });
    assert.equal(changed.status, 200);
    const bodies = [CONTENT, { data: { campaign: { id: 'c-2' } } }, {}, 'not JSON'];
    for (const content of bodies) {
      const again = await answerOf(call(hook, 'w-1', content));
      assert.deepEqual([again.status, again.isReplayed], [202, true]);
      assert.equal(again.body.id, first.body.id);
      assert.equal(again.location, first.location);
    }
    assert.equal(starts().length, 1);
    const calls = await log(hook);
    assert.deepEqual(
      calls.map(({ outcome }) => outcome),
      [...bodies.map(() => 'replayed'), 'accepted'],
    );
    assert.deepEqual(new Set(calls.map(({ import_id }) => import_id)), new Set([first.body.id]));
  });

  test('another id is another import, and so is the same id at another hook', async () => {
    const hooks = [await make(), await make()] as const;
    const ids = new Set<string | undefined>();
    for (const [hook, id] of [
      [hooks[0], 'w-1'],
      [hooks[0], 'w-2'],
      [hooks[1], 'w-1'],
    ] as const) {
      ids.add((await answerOf(call(hook, id, CONTENT))).body.id);
    }
    assert.equal(ids.size, 3);
    assert.equal(starts().length, 3);
  });

  test('starts one import when it comes 50 times at once', async () => {
    const hook = await make();
    const all = await Promise.all(
      Array.from({ length: 50 }, () => answerOf(call(hook, 'w-1', CONTENT))),
    );
    assert.deepEqual(new Set(all.map(({ status }) => status)), new Set([202]));
    assert.equal(new Set(all.map(({ body }) => body.id)).size, 1);
    assert.equal(all.filter(({ isReplayed }) => !isReplayed).length, 1);
    assert.equal(starts().length, 1);
    const outcomes = (await log(hook)).map(({ outcome }) => outcome);
    assert.equal(outcomes.filter((outcome) => outcome === 'accepted').length, 1);
    assert.equal(outcomes.filter((outcome) => outcome === 'replayed').length, 49);
  });
});

describe('a call that is not', () => {
  test('is refused without a word about what was wrong, and starts nothing', async () => {
    const hook = await make();
    const other = await make();
    const body = JSON.stringify(CONTENT);
    const good = signed(hook.secret, 'w-1', body);
    const told = new Set<string>();
    for (const [sent, headers] of [
      [body, signed(other.secret, 'w-1', body)],
      [`${body} `, good],
      [body, { ...good, 'webhook-id': 'w-2' }],
      [body, { ...good, 'webhook-signature': 'v1,AAAA' }],
      [
        body,
        { ...good, 'webhook-signature': (good['webhook-signature'] ?? '').replace('v1,', 'v1a,') },
      ],
    ] as const) {
      const error = await refused(send(hook.url, null, 'POST', sent, headers), 401, 'unauthorized');
      told.add(error?.message ?? '');
    }
    assert.deepEqual([...told], ['The call is not signed with a secret of this hook.']);
    for (const key of [null, client.key, ADMIN_KEY, hook.secret]) {
      const error = await refused(send(hook.url, key, 'POST', body), 401, 'unauthorized');
      assert.match(error?.message ?? '', /webhook-id and webhook-timestamp and webhook-signature/);
    }
    assert.equal(starts().length, 0);
    const calls = await log(hook);
    assert.equal(calls.length, 9);
    for (const { outcome, status, import_id, webhook_id } of calls) {
      assert.deepEqual([outcome, status, import_id, webhook_id], ['unauthorized', 401, null, null]);
    }
  });

  test('or that is too old or too new is stale', async () => {
    const hook = await make();
    const body = JSON.stringify(CONTENT);
    const at = (offMs: number) =>
      send(hook.url, null, 'POST', body, signed(hook.secret, 'w-1', body, Date.now() + offMs));
    for (const offMs of [-310_000, 310_000]) {
      const error = await refused(at(offMs), 401, 'unauthorized');
      assert.match(error?.message ?? '', /300 s/);
    }
    assert.deepEqual(
      (await log(hook)).map(({ outcome }) => outcome),
      ['stale', 'stale'],
    );
    for (const offMs of [-290_000, 290_000]) assert.equal((await at(offMs)).status, 202);
    assert.equal(starts().length, 1);
  });

  test('no browser, no reader: other methods than POST need a client', async () => {
    const hook = await make();
    assert.equal((await fetch(hook.url)).status, 401);
    assert.equal((await fetch(hook.url, { method: 'PUT' })).status, 405);
  });
});

describe('a secret that is rotated', () => {
  const rotate = async (hook: TestHook, body: object) => {
    const answer = await send(`${worker.url}/hooks/${hook.id}/rotate`, client.key, 'POST', body);
    assert.equal(answer.status, 200);
    const rotated = (await answer.json()) as { secret: string };
    assert.deepEqual(Object.keys(rotated), ['secret']);
    return rotated.secret;
  };

  test('holds on for the overlap, beside the new one; both may sign at once', async () => {
    const hook = await make();
    const newer = await rotate(hook, {});
    assert.match(newer, /^whsec_/);
    assert.notEqual(newer, hook.secret);
    assert.equal((await call(hook, 'w-1', CONTENT, hook.secret)).status, 202);
    assert.equal((await call(hook, 'w-2', CONTENT, newer)).status, 202);
    const body = JSON.stringify(CONTENT);
    const old = signed(hook.secret, 'w-3', body);
    const both = `${signed(`whsec_${btoa('somebody else’s'.slice(0, 8))}`, 'w-3', body)['webhook-signature'] ?? ''} ${old['webhook-signature'] ?? ''}`;
    const headers = { ...old, 'webhook-signature': both };
    assert.equal((await send(hook.url, null, 'POST', body, headers)).status, 202);
  });

  test('without an overlap is of no use at once, and an overlap ends', async () => {
    const hook = await make();
    const second = await rotate(hook, { overlap_s: 0 });
    await refused(call(hook, 'w-1', CONTENT, hook.secret), 401, 'unauthorized');
    const third = await rotate(hook, { overlap_s: 1 });
    assert.equal((await call(hook, 'w-2', CONTENT, second)).status, 202);
    await until('the end of the overlap', async () => {
      const { status } = await call(hook, 'w-2', CONTENT, second);
      return status === 401;
    });
    await refused(call(hook, 'w-1', CONTENT, hook.secret), 401, 'unauthorized');
    assert.equal((await call(hook, 'w-2', CONTENT, third)).status, 202);
  });

  for (const verify of ['github', 'bearer']) {
    test(`is a new token for ${verify}`, async () => {
      const hook = await make({ verify });
      const newer = await rotate(hook, {});
      assert.match(newer, /^[\w-]{43}$/);
      const body = JSON.stringify(CONTENT);
      for (const secret of [newer, hook.secret]) {
        const headers =
          verify === 'github'
            ? signedByGitHub(secret, body, 'd-1')
            : { authorization: `Bearer ${secret}` };
        assert.equal((await send(hook.url, null, 'POST', body, headers)).status, 202);
      }
    });
  }
});

describe('a hook for GitHub', () => {
  test('takes its signature, and its delivery’s id for a replay', async () => {
    const hook = await make({ verify: 'github' });
    const body = JSON.stringify(CONTENT);
    const deliver = (id: string, secret = hook.secret, sent = body) =>
      answerOf(send(hook.url, null, 'POST', sent, signedByGitHub(secret, body, id)));
    const first = await deliver('d-1');
    assert.deepEqual([first.status, first.isReplayed], [202, false]);
    const again = await deliver('d-1');
    assert.deepEqual([again.isReplayed, again.body.id], [true, first.body.id]);
    assert.notEqual((await deliver('d-2')).body.id, first.body.id);
    assert.equal((await deliver('d-3', 'another secret')).status, 401);
    assert.equal((await deliver('d-3', hook.secret, '{}')).status, 401);
    assert.equal(
      (await answerOf(call(hook, 'w-1', CONTENT, `whsec_${btoa(hook.secret)}`))).status,
      401,
    );
    assert.equal(starts().length, 2);
  });

  test('takes the ping that GitHub begins with for what it is', async () => {
    const hook = await make({
      verify: 'github',
      import: { source: 'file', file_id: 'f' },
      map: {},
    });
    const body = '{"zen":"Keep it logically awesome."}';
    const headers = { ...signedByGitHub(hook.secret, body, 'd-1'), 'x-github-event': 'ping' };
    assert.equal((await send(hook.url, null, 'POST', body, headers)).status, 204);
    const unsigned = { 'x-github-event': 'ping' };
    assert.equal((await send(hook.url, null, 'POST', body, unsigned)).status, 401);
    assert.equal(starts().length, 0);
    assert.deepEqual(
      (await log(hook)).map(({ outcome }) => outcome),
      ['unauthorized', 'ping'],
    );
  });
});

describe('a hook for bearers', () => {
  test('takes its secret, and an id where one is sent', async () => {
    const hook = await make({ verify: 'bearer' });
    const deliver = (headers: Record<string, string>, secret = hook.secret) =>
      answerOf(send(hook.url, secret, 'POST', CONTENT, headers));
    const ids = new Set<string | undefined>();
    for (const headers of [{}, {}, { 'webhook-id': 'w-1' }, { 'idempotency-key': 'k-1' }]) {
      const { status, body, isReplayed } = await deliver(headers);
      assert.deepEqual([status, isReplayed], [202, false]);
      ids.add(body.id);
    }
    assert.equal(ids.size, 4);
    for (const headers of [{ 'webhook-id': 'w-1' }, { 'idempotency-key': 'k-1' }]) {
      const { body, isReplayed } = await deliver(headers);
      assert.equal(isReplayed, true);
      assert.ok(ids.has(body.id));
    }
    for (const wrong of ['x', `${hook.secret}x`, hook.secret.slice(1), client.key]) {
      assert.equal((await deliver({}, wrong)).status, 401);
    }
    const response = await send(hook.url, null, 'POST', CONTENT);
    assert.equal(response.headers.get('www-authenticate'), 'Bearer');
    assert.equal(starts().length, 4);
  });
});

describe('a body', () => {
  const FILE_HOOK = { import: { source: 'file', file_id: 'f-1' }, map: {} };

  test('of more than 1 MB is refused, declared or not; just below it is taken', async () => {
    const hook = await make(FILE_HOOK);
    const of = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;
    const large = of(1_048_577);
    await refused(call(hook, 'w-1', large), 413, 'payload_too_large');
    const chunked = fetch(hook.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signed(hook.secret, 'w-1', large) },
      body: new Blob([large]).stream(),
      duplex: 'half',
    });
    await refused(chunked, 413, 'payload_too_large');
    assert.equal(starts().length, 0);
    assert.equal((await call(hook, 'w-1', of(1_048_576))).status, 202);
    assert.deepEqual(
      (await log(hook)).map(({ outcome }) => outcome),
      ['accepted', 'too_large', 'too_large'],
    );
  });

  test('that is no JSON, or not declared as such, is refused', async () => {
    const hook = await make(FILE_HOOK);
    for (const [n, body] of ['', '{', '{"a":1,}', '{}{}', 'text'].entries()) {
      await refused(call(hook, `w-${n}`, body), 400, 'invalid_request');
    }
    const bytes = new Uint8Array([0x22, 0xff, 0x22]);
    const body = '{}';
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
      const headers = { ...signed(hook.secret, 'w-t', body), 'content-type': type };
      await refused(send(hook.url, null, 'POST', body, headers), 415, 'unsupported_media_type');
    }
    const bearer = await make({ ...FILE_HOOK, verify: 'bearer' });
    const headers = {
      authorization: `Bearer ${bearer.secret}`,
      'content-type': 'application/json',
    };
    await refused(
      fetch(bearer.url, { method: 'POST', headers, body: bytes }),
      400,
      'invalid_request',
    );
    assert.equal(starts().length, 0);
    const outcomes = (await log(hook)).map(({ outcome }) => outcome);
    assert.deepEqual(
      outcomes,
      Array.from({ length: 7 }, () => 'invalid_json'),
    );
  });

  test('that lacks what is mapped is told both pointers', async () => {
    const hook = await make({
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
    const [logged] = await log(hook);
    assert.deepEqual([logged?.outcome, logged?.status], ['not_found_in_body', 422]);
    assert.match(logged?.message ?? '', /\/data\/campaign\/id.*\/l\/7/);
    assert.equal(
      (await call(hook, 'w-1', { ...CONTENT, l: [0, 1, 2, 3, 4, 5, 6, 7] })).status,
      202,
    );
  });

  test('that comes to no import is told the mistakes', async () => {
    const hook = await make({ map: { '/campaign_id': '/id', '/metadata': '/m' } });
    const error = await refused(call(hook, 'w-1', { id: 7, m: 'x' }), 422, 'invalid_request');
    assert.deepEqual(error?.details?.map(({ path }) => path).toSorted(), [
      '/campaign_id',
      '/metadata',
    ]);
    const filtered = await make({ import: { source: 'explorer' }, map: { '/where': '/w' } });
    await refused(call(filtered, 'w-1', { w: 'model_name =' }), 400, 'invalid_filter');
    const called = await make({
      import: { source: 'file', file_id: 'f' },
      map: { '/callback/url': '/u' },
    });
    await refused(call(called, 'w-1', { u: `${worker.url}/health` }), 422, 'callback_refused');
    for (const one of [hook, filtered, called]) {
      assert.deepEqual(
        (await log(one)).map(({ outcome }) => outcome),
        ['invalid_import'],
      );
    }
    assert.equal(starts().length, 0);
  });

  test('with hostile names changes nothing but what is mapped', async () => {
    const hook = await make({ map: { '/campaign_id': '/data/campaign/id', '/metadata/all': '' } });
    const body =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"data":{"campaign":{"id":"c-1"}}}';
    const { body: view } = await answerOf(call(hook, 'w-1', body));
    const read = await send(`${worker.url}/imports/${view.id ?? ''}`, client.key, 'GET');
    const { metadata, ...rest } = (await read.json()) as { metadata: { all: object } };
    assert.equal(JSON.stringify(metadata.all), body);
    assert.ok(!JSON.stringify(rest).includes('polluted'));
    const inherited = await make({ map: { '/campaign_id': '/constructor/name' } });
    await refused(call(inherited, 'w-1', {}), 422, 'invalid_request');
  });
});

test('what the upstream refuses is answered with its words, and may be tried again by the same id', async () => {
  const hook = await make();
  upstream.script((_, response) =>
    json(response, 404, { detail: { message: 'no such campaign', error_code: null } }),
  );
  const error = await refused(call(hook, 'w-1', CONTENT), 404, 'not_found');
  assert.equal(error?.message, 'no such campaign');
  upstream.script((_, response) => json(response, 202, taskBody(randomUUID(), DATASET)));
  const again = await answerOf(call(hook, 'w-1', CONTENT));
  assert.deepEqual([again.status, again.isReplayed], [202, false]);
  const calls = await log(hook);
  assert.deepEqual(
    calls.map(({ outcome }) => outcome),
    ['accepted', 'upstream_refused'],
  );
  assert.equal(calls[1]?.message, 'no such campaign');
});

test('the log keeps the latest 100 calls', async () => {
  const hook = await make();
  for (let n = 0; n < 105; n++) await call(hook, `w-${n}`, {});
  const calls = await log(hook);
  assert.equal(calls.length, 100);
  assert.equal(calls[0]?.webhook_id, 'w-104');
  assert.equal(calls.at(-1)?.webhook_id, 'w-5');
});

test('calls count for the rate_limit of the client, if they are signed', async () => {
  const limited = await worker.createClient({ rate_limit: 3 });
  const hook = await make({}, limited);
  for (let n = 0; n < 5; n++) await send(hook.url, null, 'POST', CONTENT);
  assert.equal((await call(hook, 'w-1', CONTENT)).status, 202);
  assert.equal((await call(hook, 'w-2', CONTENT)).status, 202);
  const response = await call(hook, 'w-3', CONTENT);
  assert.match(response.headers.get('retry-after') ?? '', /^\d+$/);
  await refused(Promise.resolve(response), 429, 'rate_limited');
  assert.equal(starts().length, 2);
});

test('a client that may no longer write starts nothing by its hooks either', async () => {
  const owner = await worker.createClient();
  const hook = await make({}, owner);
  const scopes = { scopes: ['observability:read'] };
  await send(`${worker.url}/admin/clients/${owner.id}`, ADMIN_KEY, 'PATCH', scopes);
  await refused(call(hook, 'w-1', CONTENT), 403, 'forbidden');
  const [logged] = await log(hook, owner);
  assert.equal(logged?.outcome, 'forbidden');
});

test('no secret is in any answer, log or import', async () => {
  for (const verify of ['standard-webhooks', 'github', 'bearer']) {
    const hook = await make({ verify });
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
        await (await send(`${worker.url}/hooks/${hook.id}${path}`, client.key, 'GET')).text(),
      );
    }
    assert.ok(texts.every((text) => !text.includes(hook.secret.replace('whsec_', ''))));
  }
});
