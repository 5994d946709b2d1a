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
const CLIENT = `cl_${'a'.repeat(22)}`;
/** What the platform allows one request. */
const MAX_CALLS = 1000;

/** The bindings in memory; a request that makes too many calls is cut off, as by the platform. */
function platform() {
  const client = { id: CLIENT, keyHashes: [{ value: 'hash', expiresAt: null }] };
  const values = new Map<string, object>([
    [`client:${CLIENT}`, client],
    ['key:hash', { clientId: CLIENT }],
  ]);
  const entries = { schedules: new Set<string>(), hooks: new Set<string>() };
  let calls = 0;
  const call = <T>(result: T): Promise<T> =>
    ++calls > MAX_CALLS
      ? Promise.reject(new Error('Too many subrequests.'))
      : Promise.resolve(result);
  const registry = (kind: keyof typeof entries) => ({
    list: (_: string, limit: number) =>
      call({ ids: [...entries[kind]].slice(0, limit), cursor: null }),
    remove: async (id: string) => {
      await call(null);
      entries[kind].delete(id);
    },
  });
  const env = {
    ADMIN_KEY,
    KV: {
      get: (key: string) => call(values.get(key) ?? null),
      delete: async (key: string) => {
        await call(null);
        values.delete(key);
      },
    },
    REGISTRY: { getByName: registry },
    HOOK: { getByName: () => ({ remove: () => call(true) }) },
    SCHEDULE: {
      getByName: (id: string) => ({
        remove: async () => {
          await call(null);
          return entries.schedules.delete(id);
        },
      }),
    },
  };
  const app = new Hono().use(configured).route('/', adminClientRoutes);
  app.onError((_, c) => c.body(null, 500));
  const remove = async () => {
    calls = 0;
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    return (await app.request(`/${CLIENT}`, { method: 'DELETE', headers }, env)).status;
  };
  return { values, entries, remove };
}

test('a client with more hooks and schedules than one request can delete is gone with them when asked again', async () => {
  const { values, entries, remove } = platform();
  for (let n = 0; n < 700; n++) {
    entries.hooks.add(`hook_${n}`);
    entries.schedules.add(`sch_${n}`);
  }
  assert.equal(await remove(), 500);
  assert.equal(values.has('key:hash'), false, 'its keys are gone at once');
  assert.equal(await remove(), 500);
  assert.equal(await remove(), 204);
  assert.deepEqual([entries.hooks.size, entries.schedules.size, values.size], [0, 0, 0]);
});
