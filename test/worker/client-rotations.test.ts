import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ADMIN_KEY, send, startWorker, type TestWorker } from '../support/worker.ts';

let worker: TestWorker;

before(async () => {
  worker = await startWorker();
});
after(() => worker.dispose());

const CLIENTS = 20;

test('no key outlives its client, also not those of rotations made at once, of which KV keeps one', async () => {
  const admin = (method: string, path: string, body?: object) =>
    send(`${worker.url}/admin/clients${path}`, ADMIN_KEY, method, body);
  for (let n = 0; n < CLIENTS; n++) {
    const client = await worker.createClient();
    const keys = await Promise.all(
      [1, 2].map(async () => {
        const answer = await admin('POST', `/${client.id}/rotate`, { what: 'key' });
        return ((await answer.json()) as { key: string }).key;
      }),
    );
    assert.equal((await admin('DELETE', `/${client.id}`)).status, 204);
    for (const key of [client.key, ...keys]) {
      assert.equal((await send(`${worker.url}/imports`, key, 'GET')).status, 401);
    }
  }
});
