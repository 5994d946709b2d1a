import type { Scope } from '../domain/scopes.ts';
import { newId, newWebhookSecret, randomToken } from '../platform/ids.ts';
import { sha256Hex } from '../platform/crypto.ts';
import { pause } from '../platform/pause.ts';
import { grantCacheOf, type GrantCache } from './grant-cache.ts';
import { listPage } from './list-page.ts';
import { CLIENT_PREFIX, clientKey, grantKey } from './keys.ts';

/** What the edge needs to know about the bearer of a key, in one read. */
export interface KeyGrant {
  clientId: string;
  scopes: readonly Scope[];
  rateLimit: number | null;
  /** Milliseconds since the epoch; null while the key is the current one. */
  expiresAt: number | null;
}

interface Secret {
  value: string;
  expiresAt: number | null;
}

/** A client as it is stored; keys only as SHA-256. The newest key and secret come first. */
export interface ClientRecord {
  id: string;
  name: string;
  scopes: readonly Scope[];
  rateLimit: number | null;
  createdAt: number;
  keyHashes: Secret[];
  signingSecrets: Secret[];
}

/** A client as lists show it. */
export type ClientSummary = Omit<ClientRecord, 'keyHashes' | 'signingSecrets'>;

/** What can be set on a client. */
export interface ClientSettings {
  name: string;
  scopes: readonly Scope[];
  rateLimit: number | null;
}

/** The least time that KV keeps an entry for. */
const MIN_TTL_S = 60;
/** KV takes one write a second per key, and refuses one that follows a change of the same client at once. */
const REFUSED_WRITE_MS = 1100;

/**
 * The clients, in KV. A change reaches other places within about a minute: until then a deleted client or an old
 * scope may still be honoured there.
 */
export class Clients {
  readonly #kv: KVNamespace;
  readonly #cache: GrantCache;

  constructor(kv: KVNamespace) {
    this.#kv = kv;
    this.#cache = grantCacheOf(kv);
  }

  /** Makes a client; `key` is in no other answer and is stored only as its hash. */
  async create(
    settings: ClientSettings,
    now: number,
  ): Promise<{ client: ClientRecord; key: string; signingSecret: string }> {
    const key = newKey();
    const signingSecret = newWebhookSecret();
    const client: ClientRecord = {
      id: newId('cl'),
      ...settings,
      createdAt: now,
      keyHashes: [{ value: await sha256Hex(key), expiresAt: null }],
      signingSecrets: [{ value: signingSecret, expiresAt: null }],
    };
    await this.#put(client, now);
    return { client, key, signingSecret };
  }

  async get(clientId: string): Promise<ClientRecord | null> {
    return this.#kv.get<ClientRecord>(clientKey(clientId), 'json');
  }

  /** One page of clients; `cursor` is null after the last. */
  async list(
    limit: number,
    cursor: string | null,
  ): Promise<{ clients: ClientSummary[]; cursor: string | null } | 'bad_cursor'> {
    const page = await listPage<ClientSummary>(this.#kv, { prefix: CLIENT_PREFIX, limit, cursor });
    if (page === 'bad_cursor') return page;
    return {
      clients: page.keys.flatMap((key) => (key.metadata === undefined ? [] : [key.metadata])),
      cursor: page.list_complete ? null : page.cursor,
    };
  }

  async update(
    client: ClientRecord,
    settings: Partial<ClientSettings>,
    now: number,
  ): Promise<ClientRecord> {
    const updated = { ...client, ...settings };
    await this.#put(updated, now);
    return updated;
  }

  /** Takes a client's keys from it: what follows is done in nobody's way. */
  async revokeKeys({ keyHashes }: ClientRecord): Promise<void> {
    await Promise.all(keyHashes.map((hash) => this.#forget(hash.value)));
  }

  /** @param client one without keys, by {@link revokeKeys} */
  async delete(client: ClientRecord): Promise<void> {
    await this.#kv.delete(clientKey(client.id));
  }

  /** Gives a client a new key; the old ones hold for `overlapMs` more. */
  async rotateKey(client: ClientRecord, overlapMs: number, now: number): Promise<string> {
    const key = newKey();
    const retired = retire(client.keyHashes, overlapMs, now);
    const kept = retired.filter((hash) => isValid(hash, now));
    await Promise.all(
      retired.filter((hash) => !isValid(hash, now)).map((hash) => this.#forget(hash.value)),
    );
    const keyHashes = [{ value: await sha256Hex(key), expiresAt: null }, ...kept];
    await this.#put({ ...client, keyHashes }, now);
    return key;
  }

  /** Gives a client a new signing secret; webhooks are signed with the old ones too for `overlapMs` more. */
  async rotateSigningSecret(client: ClientRecord, overlapMs: number, now: number): Promise<string> {
    const value = newWebhookSecret();
    const kept = retire(client.signingSecrets, overlapMs, now).filter((one) => isValid(one, now));
    await this.#put({ ...client, signingSecrets: [{ value, expiresAt: null }, ...kept] }, now);
    return value;
  }

  /** What a key admits to, or null when it is unknown or has expired. */
  async grantOf(key: string, now: number): Promise<KeyGrant | null> {
    let grant = this.#cache.get(key, now);
    if (grant === null) {
      const keyHash = await sha256Hex(key);
      grant = await this.#kv.get<KeyGrant>(grantKey(keyHash), 'json');
      // Of two rotations at once KV keeps one: the other's key is in no record, and must not outlive its client.
      if (grant === null || (await this.get(grant.clientId)) === null) return null;
      this.#cache.set(key, keyHash, grant, now);
    }
    return grant !== null && isValid(grant, now) ? grant : null;
  }

  async #forget(keyHash: string): Promise<void> {
    this.#cache.delete(keyHash);
    await this.#kv.delete(grantKey(keyHash));
  }

  async #put(client: ClientRecord, now: number): Promise<void> {
    const { keyHashes, signingSecrets: _, ...summary } = client;
    await Promise.all([
      this.#write(clientKey(client.id), JSON.stringify(client), { metadata: summary }),
      ...keyHashes
        .filter((hash) => isValid(hash, now))
        .map((hash) => {
          const grant: KeyGrant = {
            clientId: client.id,
            scopes: client.scopes,
            rateLimit: client.rateLimit,
            expiresAt: hash.expiresAt,
          };
          this.#cache.delete(hash.value);
          const ttlS = hash.expiresAt === null ? null : Math.ceil((hash.expiresAt - now) / 1000);
          return this.#write(
            grantKey(hash.value),
            JSON.stringify(grant),
            ttlS === null ? {} : { expirationTtl: Math.max(MIN_TTL_S, ttlS) },
          );
        }),
    ]);
  }

  async #write(key: string, value: string, options: KVNamespacePutOptions): Promise<void> {
    try {
      await this.#kv.put(key, value, options);
    } catch {
      await pause(REFUSED_WRITE_MS);
      await this.#kv.put(key, value, options);
    }
  }
}

/** The secrets that webhooks of a client are signed with now, the newest first. */
export function currentSigningSecrets(client: ClientRecord, now: number): string[] {
  return client.signingSecrets.filter((secret) => isValid(secret, now)).map(({ value }) => value);
}

function newKey(): string {
  return `wsk_${randomToken(32)}`;
}

function isValid(secret: { expiresAt: number | null }, now: number): boolean {
  return secret.expiresAt === null || secret.expiresAt > now;
}

function retire(secrets: readonly Secret[], overlapMs: number, now: number): Secret[] {
  return secrets.map((secret) => ({
    ...secret,
    expiresAt: Math.min(secret.expiresAt ?? Infinity, now + overlapMs),
  }));
}
