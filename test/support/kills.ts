import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { Webhook } from 'standardwebhooks';
import type { ImportView } from '../../src/domain/import-view.ts';
import {
  startDatasetUpstream,
  type DatasetUpstream,
  type KeptDataset,
} from './dataset-upstream.ts';
import { startReceiver, type ReceivedWebhook, type Receiver } from './receiver.ts';
import { startServer, type TestServer } from './server.ts';
import { until } from './until.ts';
import { createClient, send, type TestClient } from './worker.ts';

/** A webhook whose signature was found right. */
export interface VerifiedWebhook {
  id: string;
  /** The bytes that were signed. */
  text: string;
  type: string;
  data: ImportView;
}

/** A server that can be killed, between an upstream and a receiver that live on. */
export interface Killable {
  server: TestServer;
  upstream: DatasetUpstream;
  receiver: Receiver;
  client: TestClient;
  /** Kills the server and starts it again over the same state. */
  crash: () => Promise<void>;
  /** Asks for an import of a file with a callback, or of what the body says. The answer may die with the server. */
  ask: (
    dataset: KeptDataset,
    body?: object,
    headers?: Record<string, string>,
  ) => Promise<Response | null>;
  /** Every webhook that came so far. Fails where a signature is wrong. */
  webhooks: () => VerifiedWebhook[];
  /** Waits for the webhooks that tell the ends of so many imports; asks the server for nothing. */
  told: (imports: number) => Promise<ImportView[]>;
}

/**
 * Starts all four; they end with the test.
 * @param answer as for the receiver
 * @param vars what differs
 */
export async function killable(
  t: TestContext,
  answer?: (response: ServerResponse, attempt: number) => void,
  vars: Record<string, string> = {},
): Promise<Killable> {
  const upstream = await startDatasetUpstream();
  t.after(() => upstream.close());
  const receiver = await startReceiver(answer);
  t.after(() => receiver.close());
  const server = await startServer({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '50',
    POLL_MAX_MS: '500',
    WEBHOOK_RETRY_S: `0${',0.2'.repeat(40)}`,
    WEBHOOK_TIMEOUT_MS: '1000',
    ...vars,
  });
  t.after(() => server.dispose());
  const client = await createClient(server.url);
  const webhooks = () => receiver.received.map((one) => verified(one, client));
  const ends = () => {
    const told = webhooks().filter(({ data }) => data.finished_at !== null);
    return [...new Map(told.map(({ data }) => [data.id, data])).values()];
  };
  return {
    server,
    upstream,
    receiver,
    client,
    crash: async () => {
      await server.kill();
      await server.restart();
    },
    ask: (dataset, body = {}, headers = {}) => {
      const what = 'source' in body ? body : { source: 'file', file_id: 'f-1', ...body };
      const request = { callback: { url: receiver.url }, ...what };
      const url = `${server.url}/datasets/${dataset.id}/imports`;
      return send(url, client.key, 'POST', request, headers).catch(() => null);
    },
    webhooks,
    told: (imports) =>
      until(`the ends of ${imports} imports`, () => ends().length >= imports && ends(), 40_000),
  };
}

function verified({ headers, body }: ReceivedWebhook, client: TestClient): VerifiedWebhook {
  const signed = headers as Record<string, string>;
  new Webhook(client.signing_secret).verify(body, signed);
  const { type, data } = JSON.parse(body) as { type: string; data: ImportView };
  return { id: signed['webhook-id'] ?? '', text: body, type, data };
}

/** Fails unless each event of each import came under one id and with the same bytes; returns how many came again. */
export function assertOneIdAnEvent(webhooks: readonly VerifiedWebhook[]): number {
  const idOf = new Map<string, string>();
  const textOf = new Map<string, string>();
  for (const { id, text, type, data } of webhooks) {
    const event = `${type} of ${data.id}`;
    assert.equal(idOf.get(event) ?? id, id, event);
    assert.equal(textOf.get(id) ?? text, text, event);
    idOf.set(event, id);
    textOf.set(id, text);
  }
  assert.equal(textOf.size, idOf.size);
  return webhooks.length - textOf.size;
}

/** Fails unless every task of these imports was started by a call of its own, and there is no other task. */
export function assertOneTaskEach(dataset: KeptDataset, imports: readonly ImportView[]): void {
  const claimed = imports.flatMap(({ tasks }) => tasks.map(({ id }) => id));
  assert.deepEqual(claimed.toSorted(), dataset.tasks.map(({ id }) => id).toSorted());
}
