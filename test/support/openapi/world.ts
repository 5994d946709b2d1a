import { DATASET_ID, EVENT_ID } from '../../../src/http/openapi/examples.ts';
import { startReceiver, type Receiver } from '../receiver.ts';
import { until } from '../until.ts';
import {
  ADMIN_KEY,
  ended,
  send,
  startWorker,
  type TestClient,
  type TestWorker,
} from '../worker.ts';
import type { Documented } from './document.ts';

/** The URL that the document's examples call back. */
export const EXAMPLE_CALLBACK = 'https://example.com/hook';

/** Small: of a larger one the rest cannot be sent any more when the answer has come. */
export const MAX_BODY_BYTES = 40_000;

/** What is filled into a path, by `imports/id` for the `id` of an import and by its name otherwise. */
export type Ids = Record<string, string>;

/** A Worker in which there is one of everything that the document's calls ask for. */
export class ApiWorld {
  readonly worker: TestWorker;
  readonly client: TestClient;
  readonly receiver: Receiver;
  #hookSecret = '';
  ids: Ids = {};
  /** The query of a signed link. */
  link = '';

  private constructor(worker: TestWorker, client: TestClient, receiver: Receiver) {
    this.worker = worker;
    this.client = client;
    this.receiver = receiver;
  }

  static async start(): Promise<ApiWorld> {
    const receiver = await startReceiver();
    const worker = await startWorker({
      POLL_MIN_MS: '20',
      POLL_MAX_MS: '100',
      MAX_BODY_BYTES: String(MAX_BODY_BYTES),
    });
    const world = new ApiWorld(worker, await worker.createClient(), receiver);
    await world.fill();
    return world;
  }

  /** Makes one of everything. */
  async fill(): Promise<void> {
    await this.refill('/admin/clients/');
    await this.refill('/admin/samples');
    await this.refill('/datasets/');
    await this.refill('/hooks/');
    await this.refill('/schedules/');
    const datasetId = this.ids['dataset_id'];
    const started = await this.#json<{ id: string }>('POST', `/datasets/${datasetId}/imports`, {
      source: 'explorer',
      event_ids: [this.ids['event_id']],
      callback: { url: this.receiver.url },
    });
    await ended(this.worker.url, this.client.key, started.id);
    const deliveries = `/imports/${started.id}/deliveries`;
    await until('its webhook to be delivered', async () => {
      const found = await this.#json<{ deliveries: unknown[] }>('GET', deliveries);
      return found.deliveries.length > 0;
    });
    const accept = { accept: 'application/json' };
    const answer = await this.call('GET', `/datasets/${datasetId}/export`, undefined, accept);
    const { pathname, search } = new URL(((await answer.json()) as { url: string }).url);
    this.link = search.slice(1);
    Object.assign(this.ids, {
      file_id: pathname.split('/').at(-1),
      source: 'explorer',
      'imports/id': started.id,
    });
  }

  /** Makes what a deletion took away. @param path that was deleted */
  async refill(path: string): Promise<void> {
    if (path.startsWith('/admin/clients/')) {
      this.ids['clients/id'] = (await this.worker.createClient()).id;
    } else if (path.startsWith('/schedules/')) {
      const made = await this.#json<{ id: string }>('POST', '/schedules', {
        name: 'a schedule',
        cron: '0 3 * * *',
        dataset_id: this.ids['dataset_id'],
        import: { source: 'explorer', where: null, incremental: true },
      });
      this.ids['schedules/id'] = made.id;
    } else if (path.startsWith('/hooks/')) {
      const hook = await this.#json<{ id: string; secret: string }>('POST', '/hooks', {
        name: 'a hook',
        dataset_id: this.ids['dataset_id'],
        import: { source: 'explorer', where: null },
        verify: 'bearer',
      });
      this.ids['hooks/id'] = hook.id;
      this.#hookSecret = hook.secret;
    } else if (path.startsWith('/datasets/')) {
      const name = { name: 'a dataset' };
      this.ids['dataset_id'] = (await this.#json<{ id: string }>('POST', '/datasets', name)).id;
    } else {
      this.ids['event_id'] = (await this.#eventIds())[0] ?? '';
    }
  }

  /** Calls a path with the key of the client, or another. */
  call(
    method: string,
    path: string,
    body?: object | string,
    headers: Record<string, string> = {},
    key: string | null = this.client.key,
  ): Promise<Response> {
    // A server that has answered before it read all of the body closes: no other request must be on its way there.
    const alone = { connection: 'close', ...this.here(headers) };
    return send(this.worker.url + path, key, method, this.here(body), alone);
  }

  /** The path of an operation with ids filled in. @param own ids that are not the world's, by parameter */
  pathOf({ path }: Documented, own: Record<string, string> = {}): string {
    return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const resource = /\/(\w+)\/\{id\}/.exec(path)?.[1] ?? '';
      return own[name] ?? this.ids[name === 'id' ? `${resource}/id` : name] ?? '';
    });
  }

  /** The key that an operation asks for. */
  keyOf({ security }: Documented): string | null {
    const [needed] = security;
    if (needed === undefined) return null;
    if ('hookSecret' in needed) return this.#hookSecret;
    return 'adminKey' in needed ? ADMIN_KEY : this.client.key;
  }

  /** An example with the ids of this world; its webhooks stay in the house. */
  here<T extends object | string | undefined>(value: T): T {
    if (value === undefined) return value;
    const isText = typeof value === 'string';
    const text = (isText ? value : JSON.stringify(value))
      .replaceAll(EXAMPLE_CALLBACK, this.receiver.url)
      .replaceAll(EVENT_ID, this.ids['event_id'] ?? EVENT_ID)
      .replaceAll(DATASET_ID, this.ids['dataset_id'] ?? DATASET_ID);
    return (isText ? text : JSON.parse(text)) as T;
  }

  async dispose(): Promise<void> {
    await this.worker.dispose();
    this.receiver.close();
  }

  /** The ids of all events; where there are none a chat makes one. */
  async #eventIds(): Promise<string[]> {
    const find = () => this.#json<{ ids: string[] }>('POST', '/events/ids', {});
    const { ids } = await find();
    if (ids.length > 0) return ids;
    await this.#json('POST', '/chat', { prompt: 'Hello' });
    return until('a chat to be recorded', async () => {
      const found = await find();
      return found.ids.length > 0 && found.ids;
    });
  }

  async #json<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await this.call(method, path, body);
    if (!answer.ok) throw new Error(`${path} ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }
}
