import './workerd-globals.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hono } from 'hono/tiny';

// By name: their types are those of workerd, which tests do not have.
const source = (path: string) => import(`../../src/${path}`) as Promise<unknown>;
const { configured } = (await source('http/middleware/configured.ts')) as { configured: never };
const { adminClientRoutes } = (await source('http/routes/admin-clients.ts')) as {
  adminClientRoutes: Hono;
};

const ADMIN_KEY = 'test-admin-key-0123456789';

/** KV in memory, with its limit of one write a second for each key. */
function strictKv() {
  const values = new Map<string, string>();
  const written = new Map<string, number>();
  return {
    get: (key: string) => Promise.resolve(JSON.parse(values.get(key) ?? 'null') as unknown),
    put: async (key: string, value: string) => {
      await Promise.resolve();
      const now = performance.now();
      if (now - (written.get(key) ?? -Infinity) < 1000) {
        throw new Error('KV PUT failed: 429 Too Many Requests');
      }
      written.set(key, now);
      values.set(key, value);
    },
  };
}

test('a client can be changed as soon as it is made: KV takes one write a second for each key', async () => {
  const app = new Hono().use(configured).route('/admin/clients', adminClientRoutes);
  const env = { ADMIN_KEY, KV: strictKv() };
  const ask = async (method: string, path: string, body: object) => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };
    const init = { method, headers, body: JSON.stringify(body) };
    const answer = await app.request(`/admin/clients${path}`, init, env);
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
    return (await answer.json()) as Record<string, unknown>;
  };
  const { id } = await ask('POST', '', { name: 'new' });
  const changed = await ask('PATCH', `/${String(id)}`, { rate_limit: 60 });
  assert.equal(changed['rate_limit'], 60);
  const rotated = await ask('POST', `/${String(id)}/rotate`, { what: 'key' });
  assert.match(String(rotated['key']), /^wsk_/);
});
