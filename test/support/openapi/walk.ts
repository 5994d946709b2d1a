import { broken, randomFrom } from '../contract/fuzz.ts';
import type { Sent } from '../contract/operation.ts';
import type { ApiDocument, Documented, Json } from './document.ts';
import { Values } from './values.ts';
import type { ApiWorld } from './world.ts';

/** A request that the walker makes. */
export interface Step {
  operation: Documented;
  kind: 'valid' | 'example' | 'broken';
  sent: Sent & { headers: Record<string, string> };
}

const ACCEPTS = ['', '*/*', 'application/json', 'text/plain', 'text/html;q=0, */*;q=x', 'nonsense'];
const HEADER_VALUES = ['', 'x', '0', '-1', '99999999999999999999', '{', '[]', '{"a":1}', ',,', 'é'];
const KEYS = ['key-1', 'key-2', 'key-3', 'k'.repeat(256)];

/** Walks over the operations of a document, with the same requests for the same seed. */
export class Walker {
  readonly #world: ApiWorld;
  readonly #random: () => number;
  readonly #values: Values;

  constructor(document: ApiDocument, world: ApiWorld, seed: number) {
    this.#world = world;
    this.#random = randomFrom(seed);
    this.#values = new Values(document, this.#random);
  }

  /** The next request to an operation. */
  step(operation: Documented): Step {
    const isExample = this.#values.chance(0.4);
    const good = this.#good(operation, isExample);
    const headers = this.#headers(operation, good.contentType);
    if (this.#values.chance(0.5)) {
      return { operation, kind: isExample ? 'example' : 'valid', sent: { ...good, headers } };
    }
    const names = operation.parameters.flatMap((one) => (one.in === 'path' ? [one.name] : []));
    const sent = broken(this.#random, good, names);
    return { operation, kind: 'broken', sent: { ...sent, headers } };
  }

  /** Makes the request, and gives its answer. */
  async make({ operation, sent }: Step): Promise<Response> {
    const { ids = {}, query, body, contentType, headers } = sent;
    const path = this.#world.pathOf(operation, ids) + (query ? `?${query}` : '');
    const type = contentType === undefined ? {} : { 'content-type': contentType };
    const key = this.#values.chance(0.97) ? this.#world.keyOf(operation) : 'nonsense';
    return this.#world.call(
      operation.method,
      path,
      body as object | string | undefined,
      { ...headers, ...type },
      key,
    );
  }

  #good(operation: Documented, isExample: boolean): Sent {
    const asked = operation.parameters.filter((one) => one.in === 'query');
    const pairs = asked
      .filter(() => this.#values.chance(0.4))
      .map(({ name, schema, example }) => {
        const value = isExample ? example : this.#values.of(schema);
        return `${name}=${encodeURIComponent(String(value).toWellFormed())}`;
      });
    const isLink = operation.path.startsWith('/downloads/') && this.#values.chance(0.7);
    const query = isLink ? this.#world.link : this.#world.here(pairs.join('&'));
    const bodies = Object.entries(operation.bodies);
    if (bodies.length === 0) return { query };
    const [contentType, { schema, examples = {}, 'x-item-schema': item }] =
      this.#values.pick(bodies);
    const named = Object.values(examples).map(({ value }) => value);
    const value = isExample ? this.#values.pick(named) : this.#made(schema ?? {}, item);
    return { query, contentType, body: this.#world.here(value as object | string) };
  }

  /** A body; of one that has many lines some. */
  #made(schema: Json, item: Json | undefined): unknown {
    if (item === undefined) return this.#values.of(schema);
    const length = this.#values.below(4);
    return Array.from({ length }, () => JSON.stringify(this.#values.of(item))).join('\n');
  }

  #headers({ parameters }: Documented, contentType: string | undefined): Record<string, string> {
    const some = parameters
      .filter((one) => one.in === 'header' && this.#values.chance(0.3))
      .map(({ name, example }) => [name, this.#header(name, example)]);
    return {
      ...(Object.fromEntries(some) as Record<string, string>),
      ...(contentType !== undefined && { 'content-type': contentType }),
      ...(this.#values.chance(0.3) && { accept: this.#values.pick(ACCEPTS) }),
    };
  }

  #header(name: string, example: unknown): string {
    if (name === 'idempotency-key') return this.#values.pick(KEYS);
    const value =
      this.#values.chance(0.5) && typeof example === 'string'
        ? example
        : this.#values.pick(HEADER_VALUES);
    return Buffer.from(value).toString('latin1');
  }
}
