import { DurableObject } from 'cloudflare:workers';
import type { HookCall, HookChanges, HookDefinition, Verification } from '../domain/hook.ts';
import { sha256Hex } from '../platform/crypto.ts';
import { newWebhookSecret, randomToken } from '../platform/ids.ts';
import { HookStore } from './hook.sql.ts';

/** What is needed to answer a call; `hook` is a `HookDefinition` as JSON, because RPC's types take no open object. */
export interface OpenHook {
  hook: string;
  /** What its calls are signed with now, the newest first; of tokens their SHA-256 in hexadecimal. */
  secrets: string[];
}

/** One hook: what it starts, the secrets of its callers, and a log of its latest calls. */
export class Hook extends DurableObject<Env> {
  readonly #store: HookStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new HookStore(ctx.storage.sql);
  }

  /** Makes the hook. @returns its secret, which is shown this once */
  async create(hook: HookDefinition): Promise<string> {
    const { shown, kept } = await newSecret(hook.verify);
    this.ctx.storage.transactionSync(() => {
      this.#store.save(hook);
      this.#store.addSecret(kept, hook.createdAt, hook.createdAt);
    });
    return shown;
  }

  /** The hook (a `HookDefinition` as JSON); null when there is none or it is another client's. */
  read(clientId: string): string | null {
    const hook = this.#owned(clientId);
    return hook === null ? null : JSON.stringify(hook);
  }

  /** Changes the hook. @returns as {@link read} */
  update(clientId: string, changes: HookChanges): string | null {
    const hook = this.#owned(clientId);
    if (hook === null) return null;
    const changed = { ...hook, ...changes, updatedAt: Date.now() };
    this.#store.save(changed);
    return JSON.stringify(changed);
  }

  /** Deletes the hook and all that is stored of it. @returns whether there was one of this client */
  async remove(clientId: string): Promise<boolean> {
    if (this.#owned(clientId) === null) return false;
    await this.ctx.storage.deleteAll();
    this.#store.close();
    return true;
  }

  /**
   * Gives the hook a new secret; the old ones hold for `overlapMs` more.
   * @returns the secret, which is shown this once; null as for {@link read}
   */
  async rotate(clientId: string, overlapMs: number): Promise<string | null> {
    const { verify } = this.#owned(clientId) ?? {};
    if (verify === undefined) return null;
    const { shown, kept } = await newSecret(verify);
    // It may have been deleted meanwhile.
    if (this.#owned(clientId) === null) return null;
    const now = Date.now();
    this.ctx.storage.transactionSync(() => this.#store.addSecret(kept, now + overlapMs, now));
    return shown;
  }

  /** The latest calls, the newest first; null as for {@link read}. */
  calls(clientId: string): HookCall[] | null {
    return this.#owned(clientId) === null ? null : this.#store.calls();
  }

  /** What a call needs, whoever makes it; null when there is no such hook. */
  open(): OpenHook | null {
    const hook = this.#store.load();
    if (hook === null) return null;
    return { hook: JSON.stringify(hook), secrets: this.#store.secrets(Date.now()) };
  }

  /** Takes a call into the log. */
  note(call: HookCall): void {
    if (this.#store.load() !== null) this.#store.note(call);
  }

  #owned(clientId: string): HookDefinition | null {
    const hook = this.#store.load();
    return hook?.clientId === clientId ? hook : null;
  }
}

/** A token is kept as its hash only; what signatures are verified with has to be kept as it is. */
async function newSecret(verify: Verification): Promise<{ shown: string; kept: string }> {
  const shown = verify === 'standard-webhooks' ? newWebhookSecret() : randomToken(32);
  return { shown, kept: verify === 'bearer' ? await sha256Hex(shown) : shown };
}
