import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ADMIN_KEY, send, startWorker, type TestWorker } from '../support/worker.ts';

const LIMIT = 5;

let worker: TestWorker;

before(async () => {
  worker = await startWorker();
});
after(() => worker.dispose());

const ask = (key: string, path = '/imports', method = 'GET', body?: object) =>
  send(worker.url + path, key, method, body);

/** The statuses of so many requests, one after another. */
async function statuses(key: string, count: number): Promise<number[]> {
  const seen: number[] = [];
  for (let request = 0; request < count; request++) {
    const response = await ask(key);
    await response.arrayBuffer();
    seen.push(response.status);
  }
  return seen;
}

async function patch(id: string, settings: object): Promise<void> {
  const response = await send(`${worker.url}/admin/clients/${id}`, ADMIN_KEY, 'PATCH', settings);
  assert.equal(response.status, 200, await response.text());
}

const CHAT = { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Hello' }] };

/** A route of each shape, and the body of its refusal. */
const ROUTES: [string, string, object | undefined, (message: string, id: string) => object][] = [
  [
    'GET',
    '/imports',
    undefined,
    (message, request_id) => ({ error: { code: 'rate_limited', message, request_id } }),
  ],
  [
    'POST',
    '/v1/chat/completions',
    CHAT,
    (message) => ({ object: 'error', message, type: 'rate_limited', param: null, code: null }),
  ],
  [
    'GET',
    '/v1/observability/datasets',
    undefined,
    (message) => ({ detail: { message, error_code: null } }),
  ],
];

describe('a client with rate_limit 5', () => {
  for (const [method, path, body, refusal] of ROUTES) {
    test(`the sixth ${method} ${path} is a 429 in the shape of its path`, async () => {
      const { key } = await worker.createClient({ rate_limit: LIMIT });
      for (let request = 0; request < LIMIT; request++) {
        const admitted = await ask(key, path, method, body);
        assert.equal(admitted.status, 200, await admitted.text());
      }
      const response = await ask(key, path, method, body);
      assert.equal(response.status, 429);
      assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
      const seconds = response.headers.get('retry-after') ?? '';
      assert.match(seconds, /^[1-9]\d?$/);
      assert.ok(Number(seconds) <= 60, seconds);
      const message = `The rate_limit of this client, 5 a minute, is used up. Try again in ${seconds} s.`;
      const requestId = response.headers.get('x-request-id') ?? '';
      assert.deepEqual(await response.json(), refusal(message, requestId));
    });
  }

  test('all its routes and keys share one count, and no other client is affected', async () => {
    const limited = await worker.createClient({ rate_limit: LIMIT });
    const [other, unlimited] = await Promise.all([
      worker.createClient({ rate_limit: LIMIT }),
      worker.createClient(),
    ]);
    const rotated = await send(
      `${worker.url}/admin/clients/${limited.id}/rotate`,
      ADMIN_KEY,
      'POST',
      { what: 'key' },
    );
    const { key: newer } = (await rotated.json()) as { key: string };
    for (const [method, path, body] of ROUTES) {
      const response = await ask(limited.key, path, method, body);
      assert.equal(response.status, 200, await response.text());
    }
    assert.deepEqual(await statuses(newer, 3), [200, 200, 429]);
    assert.deepEqual(await statuses(limited.key, 1), [429]);
    assert.deepEqual(await statuses(other.key, 6), [200, 200, 200, 200, 200, 429]);
    assert.deepEqual(new Set(await statuses(unlimited.key, 20)), new Set([200]));
  });

  test('of 50 requests at once exactly five are admitted', async () => {
    const { key } = await worker.createClient({ rate_limit: LIMIT });
    const all = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const response = await ask(key);
        await response.arrayBuffer();
        return response.status;
      }),
    );
    assert.equal(all.filter((status) => status === 200).length, LIMIT);
    assert.equal(all.filter((status) => status === 429).length, 50 - LIMIT);
  });

  test('a patch holds at once: null is no limit, a higher one goes on from what was used', async () => {
    const { id, key } = await worker.createClient({ rate_limit: LIMIT });
    assert.deepEqual((await statuses(key, 6)).slice(-2), [200, 429]);
    await patch(id, { rate_limit: 7 });
    assert.deepEqual(await statuses(key, 3), [200, 200, 429]);
    await patch(id, { rate_limit: null });
    assert.deepEqual(new Set(await statuses(key, 20)), new Set([200]));
  });

  test('an unknown key is refused as before, and counts for nobody', async () => {
    const response = await ask(`wsk_${'x'.repeat(43)}`);
    assert.equal(response.status, 401);
  });
});
