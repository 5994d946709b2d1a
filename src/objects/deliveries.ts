import type { Config } from '../config.ts';
import { importView } from '../domain/import-view.ts';
import type { ImportEvent, ImportState } from '../domain/import.ts';
import { nextAttemptAt } from '../domain/retry.ts';
import { webhookBody } from '../domain/webhook-payload.ts';
import { newId } from '../platform/ids.ts';
import { logError } from '../platform/log.ts';
import { Clients, currentSigningSecrets } from '../store/clients.ts';
import { attemptDelivery, type Attempt } from '../webhook/deliver.ts';
import type { OutboxRow, OutboxStore } from './outbox.sql.ts';

const GONE = 410;
/** An attempt that failed on our side is made again after this. */
const UNSENT_RETRY_MS = 5000;

/** Sends the webhooks of one import out of its outbox: each until a 2xx, along the retry schedule. */
export class Deliveries {
  readonly #outbox: OutboxStore;
  readonly #env: Env;
  readonly #config: Config;

  constructor(outbox: OutboxStore, env: Env, config: Config) {
    this.#outbox = outbox;
    this.#env = env;
    this.#config = config;
  }

  /**
   * Puts a webhook into the outbox, if the callback asks for it and its receiver is not gone; to be called in the
   * transaction of what it reports.
   * @returns whether it did
   */
  enqueue(event: ImportEvent, state: ImportState, now: number): boolean {
    if (!state.callback?.events.includes(event) || this.#outbox.isGone()) return false;
    const dueAt = nextAttemptAt(0, this.#config.webhookRetryS, now, Math.random()) ?? now;
    const summary = { ...this.#outbox.summary(), status: 'pending' as const, nextAttemptAt: dueAt };
    const body = webhookBody(event, importView(state, summary), state.origin, now);
    this.#outbox.add(newId('msg'), event, body, dueAt, now);
    return true;
  }

  /**
   * Begins every attempt that is due and waits for none: a hanging receiver must not hold up a poll.
   * @returns one promise an attempt, done when it is noted; none of them fails
   */
  begin(state: ImportState): Promise<void>[] {
    const { callback } = state;
    if (callback === null) return [];
    return this.#outbox.due(Date.now()).map((row) => {
      this.#outbox.begin(row.id);
      return this.#attempt(row, state, callback.url).catch((error: unknown) => {
        this.#outbox.putOff(row.id, Date.now() + UNSENT_RETRY_MS);
        logError('delivery_failed', error, { import_id: state.id, delivery_id: row.id });
      });
    });
  }

  async #attempt(row: OutboxRow, state: ImportState, url: string): Promise<void> {
    const client = await new Clients(this.#env.KV).get(state.clientId);
    const secrets = client === null ? [] : currentSigningSecrets(client, Date.now());
    const attempt = await attemptDelivery(
      { id: row.id, url, body: row.body, secrets },
      { allowPrivate: this.#config.callbackAllowPrivate, ownOrigin: state.origin },
      this.#config.webhookTimeoutMs,
      this.#config.secrets,
    );
    const next = attempt.error === null ? null : this.#nextAttemptAt(row, attempt, state);
    const status = attempt.error === null ? 'delivered' : next === null ? 'failed' : 'pending';
    this.#outbox.note({ id: row.id, attempt: row.attempts + 1 }, attempt, status, next);
    if (attempt.status === GONE) this.#outbox.giveUp();
  }

  #nextAttemptAt(row: OutboxRow, attempt: Attempt, state: ImportState): number | null {
    if (attempt.status === GONE || this.#outbox.isGone()) return null;
    const latest = state.createdAt + this.#config.importDeadlineMs;
    const request =
      attempt.retryAfterMs === null ? null : { afterMs: attempt.retryAfterMs, latest };
    const { webhookRetryS } = this.#config;
    return nextAttemptAt(row.round_attempts + 1, webhookRetryS, Date.now(), Math.random(), request);
  }
}
