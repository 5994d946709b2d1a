import { DurableObject } from 'cloudflare:workers';
import { configOf, type Config } from '../config.ts';
import type { AttemptView } from '../domain/attempt-view.ts';
import { advance, type Observation } from '../domain/import-advance.ts';
import type { ImportPart } from '../domain/import-parts.ts';
import { schedule } from '../domain/import-schedule.ts';
import { pollStep, startStep } from '../domain/import-steps.ts';
import { outcomeOf, type ImportOutcome } from '../domain/import-outcome.ts';
import { importView, type ImportView } from '../domain/import-view.ts';
import { isTerminal, newImport, type ImportOrder, type ImportState } from '../domain/import.ts';
import type { RawAnswer, UpstreamFailure } from '../mistral/call.ts';
import { DatasetsClient } from '../mistral/datasets.ts';
import { logError } from '../platform/log.ts';
import { observabilityUpstream } from '../relay/backends.ts';
import { ImportCopies } from '../store/imports.ts';
import { Deliveries } from './deliveries.ts';
import { ImportCopy } from './import-copy.ts';
import { ImportStore } from './import-job.sql.ts';
import { pollTasks } from './import-polls.ts';
import { ImportStarts, type StepOutcome } from './import-starts.ts';
import { OutboxStore } from './outbox.sql.ts';
import { tellSchedule } from './schedule-notice.ts';
import { Watchers } from './watchers.ts';

/**
 * What came of a start: the import (an `ImportView` as JSON, because RPC's types take no open object), the upstream's
 * failure (and then no import, unless `isKept`), or a conflict with another request under the same id.
 * `answer` is the upstream's own, for an import that came on a `/v1` path; null while it is not known.
 */
export type StartResult =
  | { kind: 'accepted'; view: string; isReplayed: boolean; answer: RawAnswer | null }
  | { kind: 'refused'; failure: UpstreamFailure; isKept: boolean }
  | { kind: 'conflict' };

/** An order with its start calls; `headers` are those of the client's own request that go along with the first. */
export interface StartOrder extends ImportOrder {
  parts: ImportPart[];
  headers: Record<string, string>;
}

/** What came of asking for a webhook once more; `view` is the import as JSON. */
export type RedeliverResult =
  | { kind: 'accepted'; view: string }
  | { kind: 'no_callback' }
  | { kind: 'nothing_sent' };

/**
 * The alarm that stands in for the exact one while work is going on, should the object die in it: so late is it then
 * taken up again. An alarm that comes due while another is at work waits for its end, and is set anew there.
 */
const FALLBACK_ALARM_MS = 1000;
/** The same while attempts are being made, which may take their whole time-out. */
const ATTEMPT_CHECK_MS = 5000;

/**
 * One import: starts the upstream tasks, polls them by alarm, keeps the truth in SQLite and a copy in KV, and notifies.
 * It only executes; what an observation means, when to poll and when to try again is decided in `domain/`.
 */
export class ImportJob extends DurableObject<Env> {
  readonly #store: ImportStore;
  readonly #outbox: OutboxStore;
  readonly #deliveries: Deliveries;
  readonly #config: Config;
  readonly #copy: ImportCopy;
  readonly #watchers: Watchers;
  /** The first start while its client waits. */
  #first: Promise<StartResult> | null = null;
  /** The work on further starts while it goes on. */
  #starting: Promise<void> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new ImportStore(ctx.storage.sql);
    this.#outbox = new OutboxStore(ctx.storage.sql);
    this.#config = configOf(env);
    this.#deliveries = new Deliveries(this.#outbox, env, this.#config);
    this.#copy = new ImportCopy(this.#store, new ImportCopies(env.KV));
    this.#watchers = new Watchers(this.#config.streamHeartbeatMs);
    if (this.#store.isOpen) this.#outbox.resume();
  }

  /**
   * Starts the import, once: the same order again answers what the first one came to, another order under the same
   * id is a conflict. The intent is stored before the upstream is called, the copy in KV is there before the answer.
   */
  async start(order: StartOrder): Promise<StartResult> {
    const known = this.#store.load();
    if (known !== null) return this.#repeat(known, order);
    const weights = order.parts.map(({ weight }) => weight);
    const state = newImport(order, weights, Date.now());
    this.ctx.storage.transactionSync(() => {
      this.#store.save(state);
      this.#store.addParts(order.parts);
      const isEmpty = order.parts.length === 0 && order.search === null;
      if (isEmpty) this.#observe({ kind: 'searched', weights: [] });
    });
    this.#first = this.#startFirst(order.headers);
    try {
      return await this.#first;
    } finally {
      this.#first = null;
      this.#goOnStarting();
      await this.#rearm();
    }
  }

  /** The import as it stands (an `ImportView` as JSON); null when there is none or it is another client's. */
  read(clientId: string): string | null {
    const state = this.#owned(clientId);
    return state === null ? null : JSON.stringify(this.#view(state));
  }

  /** The attempts of its deliveries, the first first; null as for {@link read}. */
  attempts(clientId: string): AttemptView[] | null {
    return this.#owned(clientId) === null ? null : this.#outbox.attempts();
  }

  /**
   * Has its newest webhook delivered once more, under the same id and with the same bytes.
   * @returns null as for {@link read}
   */
  async redeliver(clientId: string): Promise<RedeliverResult | null> {
    const state = this.#owned(clientId);
    if (state === null) return null;
    if (state.callback === null) return { kind: 'no_callback' };
    if (!this.#outbox.restartNewest(Date.now())) return { kind: 'nothing_sent' };
    this.#copy.want(true);
    await this.ctx.storage.setAlarm(Date.now());
    return { kind: 'accepted', view: JSON.stringify(this.#view(state)) };
  }

  /**
   * A stream of the import's changes as server-sent events, ending after the terminal one.
   * @param seen the sequence the client has already, or null
   * @returns null as for {@link read}, `nothing_more` when the client has seen its end
   */
  watch(clientId: string, seen: number | null): ReadableStream<Uint8Array> | null | 'nothing_more' {
    const state = this.#owned(clientId);
    if (state === null) return null;
    const isNews = seen === null || seen < state.sequence;
    if (!isNews && isTerminal(state.status)) return 'nothing_more';
    return this.#watchers.add(isNews ? this.#view(state) : null);
  }

  /** How it came out, or stands, for the schedule that started it; null when there is no such import. */
  outcome(): ImportOutcome | null {
    const state = this.#store.load();
    return state === null ? null : outcomeOf(state);
  }

  /** Sees to it that an import that should have moved does. @returns whether there is one */
  async wake(): Promise<boolean> {
    if (this.#store.load() === null) return false;
    await this.ctx.storage.setAlarm(Date.now());
    return true;
  }

  /** Whether the import still needs its dataset's turn to start; if so it is woken, to be done with it. */
  async keepsTurn(): Promise<boolean> {
    const state = this.#store.load();
    if (state === null) return false;
    const needsTurn = state.turnEnd !== null || (!isTerminal(state.status) && state.hasTurn);
    if (needsTurn) await this.wake();
    return needsTurn;
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
      if (now >= this.#forgottenAt(state) && state.turnEnd === null) return this.#forget(state);
    } else if (now >= state.createdAt + this.#config.importDeadlineMs) {
      this.#observe({ kind: 'deadline' });
    }
    this.#goOnStarting();
    this.#deliverDue();
    const due = this.#store.load();
    const step = due === null ? null : pollStep(due, now);
    if (due !== null && step !== null) {
      const polled = await pollTasks(this.#upstream(due), due.datasetId, step);
      this.#observe(polled.observation, polled.retryAfterMs);
      this.#deliverDue();
    }
    await this.#copyIfDue();
  }

  async #repeat(known: ImportState, order: StartOrder): Promise<StartResult> {
    if (known.clientId !== order.clientId || known.requestHash !== order.requestHash) {
      return { kind: 'conflict' };
    }
    const result = this.#first === null ? this.#accepted() : await this.#first;
    return result.kind === 'accepted' ? { ...result, isReplayed: true } : result;
  }

  /** Takes the steps up to the first task's start, while the client waits. */
  async #startFirst(headers: Readonly<Record<string, string>>): Promise<StartResult> {
    await this.ctx.storage.setAlarm(Date.now() + FALLBACK_ALARM_MS);
    for (;;) {
      const state = this.#store.load();
      if (state === null || state.tasks.some((task) => task.id !== null)) break;
      const outcome = await this.#takeStep(state, headers);
      if (outcome === null) break;
      const { failure, observation } = outcome;
      const { kind } = observation;
      const isCertain = kind === 'start_refused' || kind === 'start_deferred';
      if (failure !== undefined && (kind === 'start_refused' || (state.isRelayed && isCertain))) {
        await this.#forget(state);
        return { kind: 'refused', failure, isKept: false };
      }
      this.#takeIn(outcome);
      if (failure !== undefined && state.isRelayed) {
        await this.#writeCopy();
        return { kind: 'refused', failure, isKept: true };
      }
    }
    this.#deliverDue();
    await this.#writeCopy();
    return this.#accepted();
  }

  /** Has what is due of the starts done beside polls and deliveries: waiting for the turn must not hold those up. */
  #goOnStarting(): void {
    if (this.#first !== null || this.#starting !== null) return;
    const state = this.#store.load();
    if (state === null || startStep(state, Date.now()) === null) return;
    this.#starting = this.#startRest()
      .catch((error: unknown) => logError('import_start_failed', error, { import_id: state.id }))
      .then(() => {
        this.#starting = null;
        return this.#rearm();
      });
    this.ctx.waitUntil(this.#starting);
  }

  async #startRest(): Promise<void> {
    for (;;) {
      const state = this.#store.load();
      const outcome = state === null ? null : await this.#takeStep(state, {});
      if (outcome === null) return;
      this.#takeIn(outcome);
      this.#deliverDue();
      await this.#copyIfDue();
    }
  }

  /** Takes the step that is due; null when none is. */
  async #takeStep(
    state: ImportState,
    headers: Readonly<Record<string, string>>,
  ): Promise<StepOutcome | null> {
    const step = startStep(state, Date.now());
    if (step === null) return null;
    const starts = new ImportStarts(this.#upstream(state), this.env, state);
    switch (step.kind) {
      case 'end_turn':
        await starts.endTurn(state.id, step.taskId);
        this.#endedTurn();
        return this.#takeStep(this.#store.load() ?? state, headers);
      case 'search':
        return starts.search(step.filters);
      case 'send': {
        const sending = () => this.#observe({ kind: 'sending', position: step.position });
        const body = this.#store.part(step.position);
        return starts.send(state, step, { body, headers, sending });
      }
      case 'look':
        return starts.look(state);
    }
  }

  #endedTurn(): void {
    const state = this.#store.load();
    if (state !== null) this.#store.save({ ...state, turnEnd: null });
  }

  #takeIn({ observation, retryAfterMs, parts, answer }: StepOutcome): void {
    this.ctx.storage.transactionSync(() => {
      if (parts !== undefined) this.#store.addParts(parts);
      if (answer !== undefined && this.#store.load()?.isRelayed) this.#store.keepAnswer(answer);
      if (observation.kind === 'started') this.#store.dropPart(observation.position);
      this.#observe(observation, retryAfterMs ?? null);
    });
  }

  /** Takes in what was learnt: the new state and the webhooks that report it are one transaction. */
  #observe(observation: Observation, retryAfterMs: number | null = null): void {
    const before = this.#store.load();
    if (before === null) return;
    const now = Date.now();
    const { state, effects } = advance(before, observation, now);
    const bounds = { minMs: this.#config.pollMinMs, maxMs: this.#config.pollMaxMs };
    const input = { bounds, retryAfterMs, now, random: Math.random() };
    const next = schedule(state, observation.kind, input);
    const isNews = next.sequence !== before.sequence;
    this.ctx.storage.transactionSync(() => {
      this.#store.save(next);
      for (const { event } of effects) this.#deliveries.enqueue(event, next, now);
      if (isNews) this.#copy.want(next.status !== before.status || effects.length > 0);
    });
    if (isNews) this.#watchers.push(this.#view(next), isTerminal(next.status));
    if (isNews && isTerminal(next.status)) this.ctx.waitUntil(tellSchedule(this.env, next));
  }

  #deliverDue(): void {
    const state = this.#store.load();
    if (state === null) return;
    for (const attempt of this.#deliveries.begin(state)) this.ctx.waitUntil(this.#noted(attempt));
  }

  async #noted(attempt: Promise<void>): Promise<void> {
    await attempt;
    this.#copy.want(true);
    await this.#copyIfDue();
    await this.#rearm();
  }

  async #copyIfDue(): Promise<void> {
    if (!this.#store.isOpen) return;
    const dueAt = this.#copy.dueAt();
    if (dueAt !== null && dueAt <= Date.now()) await this.#writeCopy();
  }

  async #writeCopy(): Promise<void> {
    const state = this.#store.load();
    if (state === null) return;
    const expiresAt = isTerminal(state.status) ? this.#forgottenAt(state) : null;
    await this.#copy.write(state, this.#view(state), expiresAt);
  }

  /** Sets the alarm to the next moment at which something is to be done. */
  async #rearm(): Promise<void> {
    const state = this.#store.load();
    if (state === null) return;
    const now = Date.now();
    const isStarting = this.#first !== null || this.#starting !== null;
    const times = [
      isStarting ? now + FALLBACK_ALARM_MS : state.turnEnd !== null ? now : state.nextStartAt,
      state.nextPollAt,
      this.#outbox.isAttempting() ? now + ATTEMPT_CHECK_MS : null,
      this.#outbox.nextAttemptAt(),
      this.#copy.dueAt(),
      isTerminal(state.status)
        ? this.#forgottenAt(state)
        : state.createdAt + this.#config.importDeadlineMs,
    ].filter((time) => time !== null);
    await this.ctx.storage.setAlarm(Math.min(...times));
  }

  async #forget(state: ImportState): Promise<void> {
    const starts = new ImportStarts(this.#upstream(state), this.env, state);
    await starts.endTurn(state.id, null);
    await this.#copy.delete(state, this.#view(state));
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#store.close();
  }

  #forgottenAt(state: ImportState): number {
    return (state.finishedAt ?? state.updatedAt) + this.#config.retentionMs;
  }

  #owned(clientId: string): ImportState | null {
    const state = this.#store.load();
    return state?.clientId === clientId ? state : null;
  }

  #accepted(): StartResult {
    const state = this.#store.load();
    if (state === null) throw new Error('There is no import.');
    const view = JSON.stringify(this.#view(state));
    return { kind: 'accepted', view, isReplayed: false, answer: this.#store.answer() };
  }

  #view(state: ImportState): ImportView {
    return importView(state, this.#outbox.summary());
  }

  #upstream(state: ImportState): DatasetsClient {
    const caller = { origin: state.origin, requestId: state.id };
    return new DatasetsClient(
      observabilityUpstream(this.#config, this.env, caller),
      this.#config.upstreamHeadersTimeoutMs,
      this.#config.secrets,
    );
  }
}
