import { DATASET_ID, EVENT_ID } from '../../../src/http/openapi/examples.ts';
import type { Documented, Media } from '../openapi/document.ts';
import { until } from '../until.ts';
import { ADMIN_KEY, ended, send, type TestWorker } from '../worker.ts';
import type { Curl } from './markdown.ts';
import type { Scene } from './scenes.ts';

/** The parameter of a path → the variable of the page. */
const VARIABLES: Record<string, string> = {
  dataset_id: 'DATASET',
  event_id: 'EVENT',
  'imports/id': 'IMPORT',
  'clients/id': 'CLIENT',
  'hooks/id': 'HOOK',
  'schedules/id': 'SCHEDULE',
};

/** Ids in the document's examples → what was kept under the name. */
const IN_EXAMPLES = { event: EVENT_ID, dataset: DATASET_ID };

/** Makes the calls of the page, one after the other. */
export class Stage {
  readonly #worker: TestWorker;
  readonly #receiver: string;
  readonly #kept: Record<string, string> = {};
  #chats = 0;
  #recorded = 0;

  /** @param receiver the URL that stands in for that of the examples */
  constructor(worker: TestWorker, receiver: string) {
    this.#worker = worker;
    this.#receiver = receiver;
  }

  /** Makes a call, once what it needs has happened. Its curl line has variables in place of ids and keys. */
  async play(
    operation: Documented,
    scene: Scene,
  ): Promise<{ curl: Curl; response: Response; text: string }> {
    await this.#ready(scene);
    const { method } = operation;
    const body = this.#bodyOf(operation, scene);
    const headers = { ...body.headers, ...scene.headers };
    const query = this.#queryOf(operation, scene);
    const variable = variableOf(operation);
    const key =
      variable === null
        ? null
        : variable === 'ADMIN_KEY'
          ? ADMIN_KEY
          : this.#keptAs(variable.toLowerCase());
    const path = this.#pathOf(operation, (name) => this.#idOf(name)) + query;
    const sent = JSON.parse(this.#here(JSON.stringify({ body: body.value, headers }))) as {
      body?: object | string;
      headers: Record<string, string>;
    };
    const url = this.#worker.url + path;
    const response = await send(url, key, method, sent.body, sent.headers);
    const text = await response.text();
    if (operation.operationId === 'chat') {
      this.#chats++;
      if (scene.headers?.['windsock-capture'] === undefined) this.#recorded++;
    }
    this.#keep(scene, text);
    const shown = this.#pathOf(operation, (name) => `$${VARIABLES[name] ?? ''}`) + query;
    const isRaw = !Object.values(VARIABLES).some((name) => shown.includes(`$${name}`));
    return {
      curl: { method, path: isRaw ? path : shown, key: variable, headers, body: sent.body },
      response,
      text,
    };
  }

  async #ready({ after }: Scene): Promise<void> {
    const key = after === undefined ? '' : this.#keptAs('key');
    const read = async (path: string) =>
      (await (await send(this.#worker.url + path, key, 'GET')).json()) as Record<string, unknown[]>;
    if (after === 'chats') {
      await until('the chats to be counted', async () => {
        const { recent } = await read('/usage');
        return recent?.length === this.#chats;
      });
      const post = () => send(`${this.#worker.url}/events/ids`, key, 'POST', {});
      await until('the chats to be recorded', async () => {
        const { count } = (await (await post()).json()) as { count: number };
        return count === this.#recorded;
      });
    } else if (after === 'import') {
      await ended(this.#worker.url, key, this.#keptAs('import'));
    } else if (after === 'delivery') {
      await until('the webhook to be delivered', async () => {
        const { deliveries } = await read(`/imports/${this.#keptAs('import')}/deliveries`);
        return deliveries?.length === 1;
      });
    } else if (after === 'run') {
      await until('the run to end', async () => {
        const { runs = [] } = await read(`/schedules/${this.#keptAs('schedule')}/runs`);
        return JSON.stringify(runs).includes('"status":"completed"');
      });
    } else if (after === 'call') {
      await until('the call to be noted', async () => {
        const { calls } = await read(`/hooks/${this.#keptAs('hook')}/calls`);
        return calls?.length === 1;
      });
    } else if (after === 'copy') {
      await until('the list to know of the end', async () => {
        const { imports = [] } = await read('/imports?status=completed');
        return JSON.stringify(imports).includes('"status":"delivered"');
      });
    }
  }

  #bodyOf({ bodies, call }: Documented, { example }: Scene) {
    if (example === undefined) return { value: undefined, headers: {} };
    const [type, media] =
      Object.entries(bodies).find(([, one]: [string, Media]) => one.examples?.[example]) ?? [];
    const value = media?.examples?.[example]?.value as object | string | undefined;
    if (type === undefined || value === undefined) throw new Error(`${call} has no ${example}.`);
    return { value, headers: { 'content-type': type } };
  }

  #queryOf({ parameters, path }: Documented, { query = [] }: Scene): string {
    if (path.startsWith('/downloads/')) return new URL(this.#keptAs('link')).search;
    const given = parameters.filter((one) => one.in === 'query' && query.includes(one.name));
    const pairs = given.map(
      ({ name, example }) => `${name}=${encodeURIComponent(String(example))}`,
    );
    return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
  }

  #pathOf({ path, method }: Documented, idOf: (name: string) => string): string {
    return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const resource = /\/(\w+)\/\{id\}/.exec(path)?.[1] ?? '';
      if (name === 'source') return 'explorer';
      if (name === 'file_id') return new URL(this.#keptAs('link')).pathname.split('/').at(-1) ?? '';
      if (method === 'DELETE' && resource === 'clients') return this.#keptAs('other client');
      return idOf(name === 'id' ? `${resource}/id` : name);
    });
  }

  #idOf(name: string): string {
    return this.#keptAs(VARIABLES[name]?.toLowerCase() ?? name);
  }

  #keep({ keeps = {} }: Scene, text: string): void {
    for (const [name, at] of Object.entries(keeps)) {
      const value = at
        .split('.')
        .reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], JSON.parse(text));
      if (typeof value !== 'string') throw new Error(`No ${at} in ${text}`);
      this.#kept[name] = value;
    }
  }

  #keptAs(name: string): string {
    return this.#kept[name] ?? fail(`Nothing was kept as ${name}.`);
  }

  /** An example with this run's ids and its receiver. */
  #here(text: string): string {
    const own = Object.entries(IN_EXAMPLES).reduce(
      (put, [name, example]) => put.replaceAll(example, this.#kept[name] ?? example),
      text,
    );
    return own.replaceAll('https://example.com/hook', this.#receiver);
  }
}

/** The variable of the page that holds the key of a call; null without one. */
function variableOf({ security: [needed] }: Documented): string | null {
  if (needed === undefined) return null;
  if ('adminKey' in needed) return 'ADMIN_KEY';
  return 'hookSecret' in needed ? 'SECRET' : 'KEY';
}

function fail(message: string): never {
  throw new Error(message);
}
