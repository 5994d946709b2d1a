import type { KeyGrant } from './clients.ts';

/** Short beside the minute that KV itself takes to spread a change. */
const LIFE_MS = 10_000;
const MAX_GRANTS = 1000;

/**
 * Grants that this isolate has read lately, by key: hashing it and reading KV cost a request more than all else that
 * Windsock does with it. Keys are held in memory only, and no longer than their grants. A change made in this isolate
 * shows at once, one made elsewhere after ten seconds more than KV takes for it.
 */
export class GrantCache {
  readonly #grants = new Map<string, { keyHash: string; grant: KeyGrant; readAt: number }>();

  /** @param now milliseconds since the epoch */
  get(key: string, now: number): KeyGrant | null {
    const found = this.#grants.get(key);
    if (found === undefined) return null;
    if (now - found.readAt < LIFE_MS) return found.grant;
    this.#grants.delete(key);
    return null;
  }

  set(key: string, keyHash: string, grant: KeyGrant, now: number): void {
    if (this.#grants.size >= MAX_GRANTS) this.#grants.clear();
    this.#grants.set(key, { keyHash, grant, readAt: now });
  }

  /** Forgets the grant of a key, known by its hash alone. */
  delete(keyHash: string): void {
    for (const [key, held] of this.#grants) {
      if (held.keyHash === keyHash) this.#grants.delete(key);
    }
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
