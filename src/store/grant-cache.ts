import type { KeyGrant } from './clients.ts';

/** Short beside the minute that KV itself takes to spread a change. */
const LIFE_MS = 10_000;
const MAX_GRANTS = 1000;

/**
 * Grants that this isolate has read lately, by the hash of their key: a KV read costs a request more than all else that
 * Windsock does with it. A change made in this isolate shows at once, one made elsewhere after ten seconds more than KV
 * takes for it.
 */
export class GrantCache {
  readonly #grants = new Map<string, { grant: KeyGrant; readAt: number }>();

  /** @param now milliseconds since the epoch */
  get(keyHash: string, now: number): KeyGrant | null {
    const found = this.#grants.get(keyHash);
    return found !== undefined && now - found.readAt < LIFE_MS ? found.grant : null;
  }

  set(keyHash: string, grant: KeyGrant, now: number): void {
    if (this.#grants.size >= MAX_GRANTS) this.#grants.clear();
    this.#grants.set(keyHash, { grant, readAt: now });
  }

  delete(keyHash: string): void {
    this.#grants.delete(keyHash);
  }
}

const caches = new WeakMap<KVNamespace, GrantCache>();

/** The cache of a KV namespace in this isolate. */
export function grantCacheOf(kv: KVNamespace): GrantCache {
  let cache = caches.get(kv);
  if (cache === undefined) {
    cache = new GrantCache();
    caches.set(kv, cache);
  }
  return cache;
}
