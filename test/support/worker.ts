import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare, type MiniflareOptions } from 'miniflare';
import { unstable_readConfig } from 'wrangler';
import { until } from './until.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const BUILT = join(ROOT, 'dist', 'index.js');

export const ADMIN_KEY = 'test-admin-key-0123456789';

/** A client of the Worker under test. */
export interface TestClient {
  id: string;
  key: string;
  signing_secret: string;
}

/** The built Worker in workerd, on a real socket. */
export interface TestWorker {
  url: string;
  miniflare: Miniflare;
  /** A client with all scopes, or with what is given. */
  createClient: (settings?: object) => Promise<TestClient>;
  dispose: () => Promise<void>;
}

/**
 * What Miniflare needs to run the bundle that `npm run build` made, with the bindings of wrangler.toml.
 * @param vars what differs from the defaults of the configuration
 * @param port 0 for any
 * @param stateFolder where KV and Durable Objects are kept over a restart; in memory when left out
 */
export function workerOptions(
  vars: Record<string, string>,
  port = 0,
  stateFolder?: string,
): MiniflareOptions {
  if (!existsSync(BUILT))
    throw new Error('Run `npm run build` first: the tests run what is deployed.');
  const config = unstable_readConfig({ config: join(ROOT, 'wrangler.toml') });
  const options = convertV4MiniflareOptions({
    modules: [{ type: 'ESModule', path: BUILT }],
    compatibilityDate: config.compatibility_date ?? '',
    compatibilityFlags: config.compatibility_flags,
    kvNamespaces: config.kv_namespaces.map(({ binding }: { binding: string }) => binding),
    durableObjects: Object.fromEntries(
      config.durable_objects.bindings.map(
        ({ name, class_name }: { name: string; class_name: string }) => [
          name,
          { className: class_name, useSQLite: true },
        ],
      ),
    ),
    bindings: { ADMIN_KEY, CALLBACK_ALLOW_PRIVATE: 'true', ...vars },
    host: '127.0.0.1',
    port,
    handleStructuredLogs: () => undefined,
    // Cron triggers do not fire by themselves: tests fire them over HTTP, with the time that they say.
    unsafeTriggerHandlers: true,
  });
  return stateFolder === undefined ? options : { ...options, resourcePersistencePath: stateFolder };
}

/** Runs the Worker in this process's workerd, its state in memory. */
export async function startWorker(vars: Record<string, string> = {}): Promise<TestWorker> {
  const miniflare = new Miniflare(workerOptions(vars));
  const { origin: url } = await miniflare.ready.catch(async (error: unknown) => {
    await miniflare.dispose();
    throw error;
  });
  return {
    url,
    miniflare,
    createClient: (settings = {}) => createClient(url, settings),
    dispose: () => miniflare.dispose(),
  };
}

/** Makes a client through the API, as an operator would. */
export async function createClient(url: string, settings: object = {}): Promise<TestClient> {
  const response = await fetch(`${url}/admin/clients`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'test', ...settings }),
  });
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as TestClient;
}

/** A request with a client's key; an object as body is sent as JSON. */
export function send(
  url: string,
  key: string | null,
  method: string,
  body?: object | string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method,
    headers: {
      ...(key !== null && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

/** Waits until an import has ended, and returns it. */
export function ended(
  url: string,
  key: string,
  importId: string,
): Promise<Record<string, unknown>> {
  return until(`import ${importId} to end`, async () => {
    const response = await send(`${url}/imports/${importId}`, key, 'GET');
    const view = (await response.json()) as Record<string, unknown>;
    return view['finished_at'] ? view : null;
  });
}
