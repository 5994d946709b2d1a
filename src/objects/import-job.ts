import { DurableObject } from 'cloudflare:workers';
import { configOf, type Config } from '../config.ts';
import { importView, type ImportView } from '../domain/import-view.ts';
import {
  advance,
  isTerminal,
  newImport,
  type ImportEvent,
  type ImportOrder,
  type ImportState,
  type Observation,
} from '../domain/import.ts';
import { nextPollAt } from '../domain/poll.ts';
import { nextAttemptAt } from '../domain/retry.ts';
import { webhookBody } from '../domain/webhook-payload.ts';
import { DatasetsClient, type UpstreamFailure } from '../mistral/datasets.ts';
import { newId } from '../platform/ids.ts';
import { logError } from '../platform/log.ts';
import { observabilityUpstream } from '../relay/backends.ts';
import { Clients, currentSigningSecrets } from '../store/clients.ts';
import { ImportCopies } from '../store/imports.ts';
import { attemptDelivery } from '../webhook/deliver.ts';
import { ImportStore, type OutboxRow } from './import-job.sql.ts';
import { Watchers } from './watchers.ts';

/**
 * What came of a start: the import (an `ImportView` as JSON, because RPC's types take no open object), the upstream's
 * refusal (and then no import), or a conflict with another request under the same id.
 */
export type StartResult =
  | { kind: 'accepted'; view: string; replayed: boolean }
  | { kind: 'refused'; failure: UpstreamFailure }
  | { kind: 'conflict' };

/**
 * The alarm that stands in for the exact one while work is going on, should the object die in it: so late is it then
 * taken up again. An alarm that comes due while another is at work waits for its end, and is set anew there.
 */
const FALLBACK_ALARM_MS = 1000;
/** KV takes one write a second per key. */
const COPY_INTERVAL_MS = 1000;
/** An attempt that has not been noted so long after its time-out died with the object that made it. */
const LEASE_MARGIN_MS = 5000;
const START_RETRY_MS = 5000;

/**
 * One import: starts the upstream task, polls it by alarm, keeps the truth in SQLite and a copy in KV, and notifies.
 * It only executes; what an observation means, when to poll and when to try again is decided in `domain/`.
 */
export class ImportJob extends DurableObject<Env> {
  readonly #store: ImportStore;
  readonly #config: Config;
  readonly #copies: ImportCopies;
  readonly #watchers: Watchers;
  #starting: Promise<StartResult> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new ImportStore(ctx.storage.sql);
    this.#config = configOf(env);
    this.#copies = new ImportCopies(env.KV);
    this.#watchers = new Watchers(this.#config.streamHeartbeatMs);
  }

  /**
   * Starts the import, once: the same order again answers what the first one came to, another order under the same
   * id is a conflict. The intent is stored before the upstream is called, the copy in KV is there before the answer.
   */
  async start(order: ImportOrder): Promise<StartResult> {
    const known = this.#store.load();
    if (known !== null) {
      if (known.clientId !== order.clientId || known.requestHash !== order.requestHash) {
        return { kind: 'conflict' };
      }
      const result = this.#starting === null ? this.#accepted(known) : await this.#starting;
      return result.kind === 'accepted' ? { ...result, replayed: true } : result;
    }
    const state = newImport(order, Date.now());
    this.#store.save(state, true);
    this.#starting = this.#begin(state);
    try {
      return await this.#starting;
    } finally {
      this.#starting = null;
    }
  }

  /** The import as it stands (an `ImportView` as JSON); null when there is none or it is another client's. */
  read(clientId: string): string | null {
    const state = this.#store.load();
    return state?.clientId === clientId ? JSON.stringify(this.#view(state)) : null;
  }

  /**
   * A stream of the import's changes as server-sent events, ending after the terminal one.
   * @param seen the sequence the client has already, or null
   * @returns null when there is no such import, `nothing_more` when the client has seen its end
   */
  watch(clientId: string, seen: number | null): ReadableStream<Uint8Array> | null | 'nothing_more' {
    const state = this.#store.load();
    if (state === null || state.clientId !== clientId) return null;
    const isNews = seen === null || seen < state.sequence;
    if (!isNews && isTerminal(state.status)) return 'nothing_more';
    return this.#watchers.add(isNews ? this.#view(state) : null);
  }

  /** Sees to it that an import that should have moved does. */
  async wake(): Promise<void> {
    const state = this.#store.load();
    if (state !== null && this.#starting === null) await this.ctx.storage.setAlarm(Date.now());
  }

  override async alarm(): Promise<void> {
    if (this.#store.load() === null) return;
    await this.ctx.storage.setAlarm(Date.now() + FALLBACK_ALARM_MS);
    try {
      await this.#work();
      await this.#rearm();
    } catch (error) {
      // A throw would use up the platform's retries; the fallback alarm comes again without end.
      logError('import_alarm_failed', error, { import_id: this.ctx.id.name ?? '' });
    }
  }

  async #work(): Promise<void> {
    const state = this.#store.load();
    if (state === null) return;
    const now = Date.now();
    if (isTerminal(state.status)) {
      if (now >= this.#forgottenAt(state)) return this.#forget(state);
    } else if (now >= state.createdAt + this.#config.importDeadlineMs) {
      this.#observe({ kind: 'deadline' });
    } else if (state.status === 'starting') {
      await this.#resumeStart(state, now);
    } else if (state.nextPollAt !== null && state.nextPollAt <= now) {
      await this.#poll(state);
    }
    this.#deliverDue();
    await this.#copyIfDue();
  }

  /** Calls the upstream for a start whose intent is stored. */
  async #begin(state: ImportState): Promise<StartResult> {
    await this.ctx.storage.setAlarm(Date.now() + FALLBACK_ALARM_MS);
    const client = this.#upstream(state);
    const started = await client.startImport(state.datasetId, state.source, state.startBody);
    if (started.ok) {
      this.#observe({ kind: 'started', task: started.value });
    } else {
      const { failure } = started;
      if (failure.status === 429) {
        const later = Date.now() + (failure.retryAfterMs ?? START_RETRY_MS);
        this.#store.save({ ...state, nextPollAt: later }, true);
      } else if (failure.status !== null && failure.status < 500) {
        await this.#forget(state);
        return { kind: 'refused', failure };
      } else {
        // It may have been started; starting it again could import everything twice.
        const message = `Whether the upstream started the import is not known: ${failure.message}`;
        this.#observe({ kind: 'start_unknown', message });
      }
    }
    this.#deliverDue();
    await this.#copy();
    await this.#rearm();
    return this.#accepted(this.#store.load() ?? state);
  }

  async #resumeStart(state: ImportState, now: number): Promise<void> {
    if (this.#starting !== null) return;
    if (state.nextPollAt === null) {
      const message = 'Whether the upstream started the import is not known: Windsock stopped.';
      this.#observe({ kind: 'start_unknown', message });
    } else if (state.nextPollAt <= now) {
      const sent = { ...state, nextPollAt: null };
      this.#store.save(sent, false);
      const result = await this.#begin(sent);
      if (result.kind === 'refused') logError('import_refused_late', result.failure.message);
    }
  }

  async #poll(state: ImportState): Promise<void> {
    if (state.task === null) return;
    const polled = await this.#upstream(state).fetchTask(state.datasetId, state.task.id);
    if (polled.ok) return this.#observe({ kind: 'polled', task: polled.value });
    const { status, retryAfterMs } = polled.failure;
    if (status === 404) this.#observe({ kind: 'missing' });
    else if (status === 401 || status === 403) this.#observe({ kind: 'denied', status });
    else this.#observe({ kind: 'unavailable' }, retryAfterMs);
  }

  /** Takes in what was learnt: the new state and the webhooks that report it are one transaction. */
  #observe(observation: Observation, retryAfterMs: number | null = null): void {
    const before = this.#store.load();
    if (before === null) return;
    const now = Date.now();
    const { state, events } = advance(before, observation, now);
    const bounds = { minMs: this.#config.pollMinMs, maxMs: this.#config.pollMaxMs };
    const next = isTerminal(state.status)
      ? state
      : { ...state, nextPollAt: nextPollAt(state, bounds, retryAfterMs, now, Math.random()) };
    const changed = next.sequence !== before.sequence;
    this.ctx.storage.transactionSync(() => {
      this.#store.save(next, changed);
      for (const event of events) this.#enqueue(event, next, now);
    });
    if (changed) this.#watchers.push(this.#view(next), isTerminal(next.status));
  }

  #enqueue(event: ImportEvent, state: ImportState, now: number): void {
    if (state.callback === null || !state.callback.events.includes(event)) return;
    const dueAt = nextAttemptAt(0, this.#config.webhookRetryS, now, Math.random()) ?? now;
    const summary = { ...this.#store.summary(), status: 'pending' as const, nextAttemptAt: dueAt };
    const body = webhookBody(event, importView(state, summary), state.origin, now);
    this.#store.addToOutbox(newId('msg'), event, body, dueAt, now);
  }

  /** Begins every attempt that is due and waits for none: a hanging receiver must not hold up a poll. */
  #deliverDue(): void {
    const state = this.#store.load();
    if (state === null || state.callback === null) return;
    const now = Date.now();
    for (const row of this.#store.due(now)) {
      this.#store.lease(row.id, now + this.#config.webhookTimeoutMs + LEASE_MARGIN_MS);
      this.ctx.waitUntil(
        this.#deliver(row, state, state.callback.url).catch((error: unknown) =>
          logError('delivery_failed', error, { import_id: state.id, delivery_id: row.id }),
        ),
      );
    }
  }

  async #deliver(row: OutboxRow, state: ImportState, url: string): Promise<void> {
    const client = await new Clients(this.env.KV).get(state.clientId);
    const secrets = client === null ? [] : currentSigningSecrets(client, Date.now());
    const attempt = await attemptDelivery(
      { id: row.id, url, body: row.body, secrets },
      { allowPrivate: this.#config.callbackAllowPrivate, ownOrigin: state.origin },
      this.#config.webhookTimeoutMs,
    );
    const made = row.attempts + 1;
    const schedule = this.#config.webhookRetryS;
    const next =
      attempt.error === null ? null : nextAttemptAt(made, schedule, Date.now(), Math.random());
    const status = attempt.error === null ? 'delivered' : next === null ? 'failed' : 'pending';
    this.ctx.storage.transactionSync(() => {
      this.#store.noteAttempt({ id: row.id, attempt: made }, attempt, status, next);
      this.#store.markUncopied();
    });
    await this.#copyIfDue();
    await this.#rearm();
  }

  async #copyIfDue(): Promise<void> {
    const copy = this.#store.copy();
    if (!copy.isCurrent && Date.now() - copy.at >= COPY_INTERVAL_MS) await this.#copy();
  }

  async #copy(): Promise<void> {
    const state = this.#store.load();
    if (state === null) return;
    const view = this.#view(state);
    const expiresAt = isTerminal(state.status) ? this.#forgottenAt(state) : null;
    // Marked before the write: what changes while it is under way marks the copy as out of date again.
    this.#store.markCopied(Date.now());
    try {
      await this.#copies.put(state.clientId, view, state.status, expiresAt);
    } catch (error) {
      this.#store.markUncopied();
      logError('import_copy_failed', error, { import_id: state.id });
    }
  }

  /** Sets the alarm to the next moment at which something is to be done. */
  async #rearm(): Promise<void> {
    const state = this.#store.load();
    if (state === null) return;
    const copy = this.#store.copy();
    const isStartOpen = state.status === 'starting' && state.nextPollAt === null;
    const times = [
      isStartOpen ? Date.now() + FALLBACK_ALARM_MS : null,
      state.nextPollAt,
      this.#store.nextAttemptAt(),
      copy.isCurrent ? null : copy.at + COPY_INTERVAL_MS,
      isTerminal(state.status) ? this.#forgottenAt(state) : null,
      isTerminal(state.status) ? null : state.createdAt + this.#config.importDeadlineMs,
    ].filter((time) => time !== null);
    if (times.length > 0) await this.ctx.storage.setAlarm(Math.min(...times));
  }

  async #forget(state: ImportState): Promise<void> {
    await this.#copies.delete(state.clientId, this.#view(state));
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#store.close();
  }

  #forgottenAt(state: ImportState): number {
    return (state.finishedAt ?? state.updatedAt) + this.#config.retentionMs;
  }

  #accepted(state: ImportState): StartResult {
    return { kind: 'accepted', view: JSON.stringify(this.#view(state)), replayed: false };
  }

  #view(state: ImportState): ImportView {
    return importView(state, this.#store.summary());
  }

  #upstream(state: ImportState): DatasetsClient {
    const caller = { origin: state.origin, requestId: state.id };
    return new DatasetsClient(observabilityUpstream(this.#config, this.env, caller));
  }
}
