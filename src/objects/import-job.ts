import { DurableObject } from 'cloudflare:workers';
import { configOf, type Config } from '../config.ts';
import type { AttemptView } from '../domain/attempt-view.ts';
import type { Observation } from '../domain/import-advance.ts';
import { outcomeOf, type ImportOutcome } from '../domain/import-outcome.ts';
import { observe } from '../domain/import-schedule.ts';
import { needsTurn, pollStep, startStep, type PollStep } from '../domain/import-steps.ts';
import { importView, type ImportView } from '../domain/import-view.ts';
import { isTerminal, newImport, type ImportState } from '../domain/import.ts';
import type { ImportsClient } from '../mistral/imports.ts';
import { logError } from '../platform/log.ts';
import { importsClient } from '../relay/backends.ts';
import { ImportCopies } from '../store/imports.ts';
import { Background } from './background.ts';
import { Deliveries } from './deliveries.ts';
import { ImportCopy } from './import-copy.ts';
import { ImportStore } from './import-job.sql.ts';
import { pollTasks } from './import-polls.ts';
import type { RedeliverResult, StartOrder, StartResult } from './import-calls.ts';
import { ImportStarts, type StepOutcome } from './import-starts.ts';
import { OutboxStore } from './outbox.sql.ts';
import { tellSchedule } from './schedule-notice.ts';
import { Watchers } from './watchers.ts';

/**
 * The alarm that stands in for the exact one while work is going on, should the object die in it: so late is it then
 * taken up again. An alarm that comes due while another is at work waits for its end, and is set anew there.
 */
const FALLBACK_ALARM_MS = 1000;
/** The same while attempts are being made, which may take their whole time-out. */
const ATTEMPT_CHECK_MS = 5000;
/** A Worker makes a thousand calls in one go, and a start takes a few of them; the rest is the next alarm's. */
const MAX_STEPS_AT_ONCE = 100;

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
  /** What is being done beside the alarm. */
  readonly #background: Background<'start' | 'poll'>;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new ImportStore(ctx.storage.sql);
    this.#outbox = new OutboxStore(ctx.storage.sql);
    this.#config = configOf(env);
    this.#background = new Background(ctx, (soonest) => this.#rearm(soonest));
    this.#deliveries = new Deliveries(this.#outbox, env, this.#config);
    this.#copy = new ImportCopy(this.#store, new ImportCopies(env.KV));
    this.#watchers = new Watchers(this.#config.streamHeartbeatMs);
    if (this.#store.isOpen && this.#outbox.resume()) this.#copy.want(true);
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
      this.#copy.want(true);
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
    // At once: an alarm would wait for one that is at work, and with it for the upstream.
    this.#deliverDue();
    await this.#rearm();
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
    if (needsTurn(state)) await this.wake();
    return needsTurn(state);
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
    this.#goOnPolling();
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
      if (kind === 'start_waiting') break;
      if (failure !== undefined && state.isRelayed) {
        await this.#writeCopy();
        return { kind: 'refused', failure, isKept: true };
      }
    }
    this.#deliverDue();
    await this.#writeCopy();
    return this.#accepted();
  }

  #goOnStarting(): void {
    if (this.#first !== null) return;
    const state = this.#store.load();
    if (state === null || startStep(state, Date.now()) === null) return;
    this.#background.run('start', () => this.#startRest());
  }

  #goOnPolling(): void {
    const state = this.#store.load();
    const step = state === null ? null : pollStep(state, Date.now());
    if (state !== null && step !== null)
      this.#background.run('poll', () => this.#poll(state, step));
  }

  async #poll(state: ImportState, step: PollStep): Promise<void> {
    const polled = await pollTasks(this.#upstream(state), state.datasetId, step);
    this.#observe(polled.observation, polled.retryAfterMs);
    this.#deliverDue();
    await this.#copyIfDue();
  }

  async #startRest(): Promise<void> {
    for (let step = 0; step < MAX_STEPS_AT_ONCE; step++) {
      const state = this.#store.load();
      const outcome = state === null ? null : await this.#takeStep(state, {});
      if (outcome === null) return;
      this.#takeIn(outcome);
      this.#deliverDue();
      await this.#copyIfDue();
    }
  }

  /** Takes the step that is due; null when none is. Whatever goes wrong on our side is as good as no answer. */
  async #takeStep(
    state: ImportState,
    headers: Readonly<Record<string, string>>,
  ): Promise<StepOutcome | null> {
    try {
      return await this.#tryStep(state, headers);
    } catch (error) {
      logError('import_start_failed', error, { import_id: state.id });
      const isSent = this.#store.load()?.openStart !== null;
      return {
        observation: isSent
          ? { kind: 'start_unknown', isAnswered: false }
          : { kind: 'start_hindered' },
      };
    }
  }

  async #tryStep(
    state: ImportState,
    headers: Readonly<Record<string, string>>,
  ): Promise<StepOutcome | null> {
    const step = startStep(state, Date.now());
    if (step === null) return null;
    const starts = new ImportStarts(this.#upstream(state), this.env, state);
    if (step.kind === 'end_turn') {
      await starts.endTurn(state.id, step.taskId);
      this.#store.save({ ...(this.#store.load() ?? state), turnEnd: null });
      return this.#tryStep(this.#store.load() ?? state, headers);
    }
    return starts.take(state, step, {
      headers,
      bodyOf: (position) => this.#store.part(position),
      sending: (position) => {
        this.#observe({ kind: 'sending', position });
        return this.#store.load()?.openStart?.position === position;
      },
    });
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
    const bounds = { minMs: this.#config.pollMinMs, maxMs: this.#config.pollMaxMs };
    const input = { bounds, retryAfterMs, now, random: Math.random() };
    const { state: next, effects } = observe(before, observation, input);
    const isNews = next.sequence !== before.sequence;
    this.ctx.storage.transactionSync(() => {
      this.#store.save(next);
      const queued = effects.filter(({ event }) => this.#deliveries.enqueue(event, next, now));
      if (isNews) this.#copy.want(next.status !== before.status || queued.length > 0);
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
    // The first start writes the copy itself, just before its answer.
    if (!this.#store.isOpen || this.#first !== null) return;
    const dueAt = this.#copy.dueAt();
    if (dueAt !== null && dueAt <= Date.now()) await this.#writeCopy();
  }

  #writeCopy(): Promise<void> {
    return this.#copy.write(() => {
      const state = this.#store.load();
      if (state === null) return null;
      const expiresAt = isTerminal(state.status) ? this.#forgottenAt(state) : null;
      return { state, view: this.#view(state), expiresAt };
    });
  }

  /** Sets the alarm to the next moment at which something is to be done. @param soonest not before then */
  async #rearm(soonest = 0): Promise<void> {
    const state = this.#store.load();
    if (state === null) return;
    const now = Date.now();
    const isStarting = this.#first !== null || this.#background.isBusy('start');
    const times = [
      isStarting || state.turnEnd !== null ? now + FALLBACK_ALARM_MS : state.nextStartAt,
      this.#background.isBusy('poll') ? now + FALLBACK_ALARM_MS : state.nextPollAt,
      this.#outbox.isAttempting() ? now + ATTEMPT_CHECK_MS : null,
      this.#outbox.nextBeginAt(now),
      this.#first === null ? this.#copy.dueAt() : null,
      isTerminal(state.status)
        ? this.#forgottenAt(state)
        : state.createdAt + this.#config.importDeadlineMs,
    ].filter((time) => time !== null);
    await this.ctx.storage.setAlarm(Math.max(soonest, Math.min(...times)));
  }

  async #forget(state: ImportState): Promise<void> {
    const starts = new ImportStarts(this.#upstream(state), this.env, state);
    await starts.endTurn(state.id, null);
    await this.#copy.delete(state, this.#view(state));
    // Takes the alarm along: cleared before it, a crash in between would leave an import that nothing wakes.
    const deleted = this.ctx.storage.deleteAll();
    this.#store.close();
    await deleted;
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

  #upstream(state: ImportState): ImportsClient {
    return importsClient(this.#config, this.env, { origin: state.origin, requestId: state.id });
  }
}
