import assert from 'node:assert/strict';
import { after } from 'node:test';
import type { ImportView } from '../../src/domain/import-view.ts';
import {
  startDatasetUpstream,
  type DatasetUpstream,
  type KeptDataset,
} from './dataset-upstream.ts';
import { until } from './until.ts';
import { send, startWorker, type TestClient, type TestWorker } from './worker.ts';

/** A key that stands for Mistral's: it must not come out anywhere. */
export const UPSTREAM_KEY = 'mistral-key-that-stays-inside';

/** An attempt as the log of deliveries shows it. */
export interface LoggedAttempt {
  id: string;
  event: string;
  attempt: number;
  at: string;
  duration_ms: number;
  status: number | null;
  error: string | null;
  response_excerpt: string;
}

/** The body of a refusal outside of `/v1`. */
export interface RefusalBody {
  error: { code: string; message: string; details?: { path: string }[] };
}

/** A Worker in front of a dataset upstream, and a client that imports through it. */
export interface ImportsUnderTest {
  worker: TestWorker;
  upstream: DatasetUpstream;
  client: TestClient;
  /** Asks for an import of a file, or of what the body says. */
  start: (
    dataset: KeptDataset,
    body?: object,
    headers?: Record<string, string>,
  ) => Promise<Response>;
  /** The same, and expects a 202. */
  started: (
    dataset: KeptDataset,
    body?: object,
    headers?: Record<string, string>,
  ) => Promise<ImportView>;
  view: (importId: string) => Promise<ImportView>;
  /** Waits until the import is as it should be. */
  once: (
    what: string,
    importId: string,
    isSo: (view: ImportView) => boolean,
  ) => Promise<ImportView>;
  /** Waits until the import has ended. */
  ended: (importId: string) => Promise<ImportView>;
  attempts: (importId: string) => Promise<LoggedAttempt[]>;
  refused: (answer: Response, status: number, code: string) => Promise<RefusalBody['error']>;
}

/** Starts both, with short times; they end with the tests of the file. @param vars what differs */
export async function importsUnderTest(
  vars: Record<string, string> = {},
): Promise<ImportsUnderTest> {
  const upstream = await startDatasetUpstream();
  const worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: UPSTREAM_KEY,
    POLL_MIN_MS: '20',
    POLL_MAX_MS: '100',
    WEBHOOK_RETRY_S: '0,0.05,0.05',
    ...vars,
  });
  after(async () => {
    await worker.dispose();
    upstream.close();
  });
  const client = await worker.createClient();
  const view = async (importId: string) => {
    const answer = await send(`${worker.url}/imports/${importId}`, client.key, 'GET');
    assert.equal(answer.status, 200);
    return (await answer.json()) as ImportView;
  };
  const once = (what: string, importId: string, isSo: (view: ImportView) => boolean) =>
    until(`import ${importId} ${what}`, async () => {
      const seen = await view(importId);
      return isSo(seen) && seen;
    });
  const start: ImportsUnderTest['start'] = (dataset, body = {}, headers = {}) => {
    const request = 'source' in body ? body : { source: 'file', file_id: 'f-1', ...body };
    return send(
      `${worker.url}/datasets/${dataset.id}/imports`,
      client.key,
      'POST',
      request,
      headers,
    );
  };
  return {
    worker,
    upstream,
    client,
    start,
    started: async (...asked) => {
      const answer = await start(...asked);
      const text = await answer.text();
      assert.equal(answer.status, 202, text);
      return JSON.parse(text) as ImportView;
    },
    view,
    once,
    ended: (importId) => once('to end', importId, ({ finished_at }) => finished_at !== null),
    attempts: async (importId) => {
      const answer = await send(`${worker.url}/imports/${importId}/deliveries`, client.key, 'GET');
      assert.equal(answer.status, 200);
      return ((await answer.json()) as { deliveries: LoggedAttempt[] }).deliveries;
    },
    refused: async (answer, status, code) => {
      const text = await answer.text();
      assert.equal(answer.status, status, text);
      const { error } = JSON.parse(text) as RefusalBody;
      assert.equal(error.code, code);
      return error;
    },
  };
}

interface Copies {
  list(options: { prefix: string }): Promise<{ keys: { name: string }[] }>;
  get(name: string, type: 'json'): Promise<ImportView | null>;
}

/** The copies in KV of a client's imports, the newest first. */
export async function copiesOf(worker: TestWorker, clientId: string): Promise<ImportView[]> {
  const kv = (await worker.miniflare.getKVNamespace('KV')) as unknown as Copies;
  const { keys } = await kv.list({ prefix: `import:${clientId}:` });
  const copies = await Promise.all(keys.map(({ name }) => kv.get(name, 'json')));
  return copies.filter((copy) => copy !== null);
}

/** The same thing several times. */
export function times<T>(count: number, fault: T): T[] {
  return Array.from({ length: count }, () => fault);
}
