import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  answerOf,
  call,
  CONTENT,
  refused,
  signed,
  signedByGitHub,
  startHookSide,
  type HookSide,
  type TestHook,
} from '../support/hooks.ts';
import { until } from '../support/until.ts';
import { ADMIN_KEY, send } from '../support/worker.ts';

let side: HookSide;

before(async () => {
  side = await startHookSide();
});
beforeEach(() => side.reset());
after(() => side.dispose());

describe('a call that is not', () => {
  test('is refused without a word about what was wrong, and starts nothing', async () => {
    const hook = await side.make();
    const other = await side.make();
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
    for (const key of [null, side.client.key, ADMIN_KEY, hook.secret]) {
      const error = await refused(send(hook.url, key, 'POST', body), 401, 'unauthorized');
      assert.match(error?.message ?? '', /webhook-id and webhook-timestamp and webhook-signature/);
    }
    assert.equal(side.starts().length, 0);
    const calls = await side.log(hook);
    assert.equal(calls.length, 9);
    for (const { outcome, status, import_id, webhook_id } of calls) {
      assert.deepEqual([outcome, status, import_id, webhook_id], ['unauthorized', 401, null, null]);
    }
  });

  test('or that is too old or too new is stale', async () => {
    const hook = await side.make();
    const body = JSON.stringify(CONTENT);
    const at = (offMs: number) =>
      send(hook.url, null, 'POST', body, signed(hook.secret, 'w-1', body, Date.now() + offMs));
    for (const offMs of [-310_000, 310_000]) {
      const error = await refused(at(offMs), 401, 'unauthorized');
      assert.match(error?.message ?? '', /300 s/);
    }
    assert.deepEqual(
      (await side.log(hook)).map(({ outcome }) => outcome),
      ['stale', 'stale'],
    );
    for (const offMs of [-290_000, 290_000]) assert.equal((await at(offMs)).status, 202);
    assert.equal(side.starts().length, 1);
  });

  test('no browser, no reader: other methods than POST need a client', async () => {
    const hook = await side.make();
    assert.equal((await fetch(hook.url)).status, 401);
    assert.equal((await fetch(hook.url, { method: 'PUT' })).status, 405);
  });
});

describe('a secret that is rotated', () => {
  const rotate = async (hook: TestHook, body: object) => {
    const answer = await send(
      `${side.worker.url}/hooks/${hook.id}/rotate`,
      side.client.key,
      'POST',
      body,
    );
    assert.equal(answer.status, 200);
    const rotated = (await answer.json()) as { secret: string };
    assert.deepEqual(Object.keys(rotated), ['secret']);
    return rotated.secret;
  };

  test('holds on for the overlap, beside the new one; both may sign at once', async () => {
    const hook = await side.make();
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
    const hook = await side.make();
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
      const hook = await side.make({ verify });
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
    const hook = await side.make({ verify: 'github' });
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
    assert.equal(side.starts().length, 2);
  });

  test('takes the ping that GitHub begins with for what it is', async () => {
    const hook = await side.make({
      verify: 'github',
      import: { source: 'file', file_id: 'f' },
      map: {},
    });
    const body = '{"zen":"Keep it logically awesome."}';
    const headers = { ...signedByGitHub(hook.secret, body, 'd-1'), 'x-github-event': 'ping' };
    assert.equal((await send(hook.url, null, 'POST', body, headers)).status, 204);
    const unsigned = { 'x-github-event': 'ping' };
    assert.equal((await send(hook.url, null, 'POST', body, unsigned)).status, 401);
    assert.equal(side.starts().length, 0);
    assert.deepEqual(
      (await side.log(hook)).map(({ outcome }) => outcome),
      ['unauthorized', 'ping'],
    );
  });
});

describe('a hook for bearers', () => {
  test('takes its secret, and an id where one is sent', async () => {
    const hook = await side.make({ verify: 'bearer' });
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
    for (const wrong of ['x', `${hook.secret}x`, hook.secret.slice(1), side.client.key]) {
      assert.equal((await deliver({}, wrong)).status, 401);
    }
    const response = await send(hook.url, null, 'POST', CONTENT);
    assert.equal(response.headers.get('www-authenticate'), 'Bearer');
    assert.equal(side.starts().length, 4);
  });
});
