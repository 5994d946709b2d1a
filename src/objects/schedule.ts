import { DurableObject } from 'cloudflare:workers';
import { configOf, type Config } from '../config.ts';
import type { ImportOutcome } from '../domain/import-outcome.ts';
import { isTerminal } from '../domain/import.ts';
import { runView, scheduleView } from '../domain/schedule-view.ts';
import {
  changed,
  dueRun,
  newRun,
  settle,
  stepAgainAt,
  type Run,
  type ScheduleSettings,
  type ScheduleState,
} from '../domain/schedule.ts';
import { logError } from '../platform/log.ts';
import {
  countMatches,
  findEvents,
  forbiddance,
  startImport,
  type Counted,
} from './schedule-steps.ts';
import { seqPage } from './seq-page.ts';
import { ScheduleStore, type OpenRun, type RunStep } from './schedule.sql.ts';

/** A page of runs as JSON, `{runs, next_cursor}`, and its cursor. */
export interface RunsPage {
  body: string;
  cursor: string | null;
}

/**
 * The alarm that stands in for the exact one while work is going on, should the object die in it. One that comes due
 * while another is at work waits for its end, and is set anew there.
 */
const FALLBACK_ALARM_MS = 1000;

/**
 * One schedule: its settings, its runs, and the ledger of what they have imported. A tick only records that a run is
 * due; what the run does is done by alarm, one step after the other, each of which may be taken twice.
 * It only executes; what is due and what an outcome means is decided in `domain/schedule`.
 */
export class Schedule extends DurableObject<Env> {
  readonly #store: ScheduleStore;
  readonly #config: Config;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new ScheduleStore(ctx.storage.sql);
    this.#config = configOf(env);
  }

  /** Begins to be that schedule. @returns its view as JSON */
  async create(state: ScheduleState): Promise<string> {
    if (this.#store.load() === null) this.#store.save(state, false);
    // Nothing is waited for in between: the two are stored together, or a crash would leave what nobody registers.
    await this.ctx.storage.setAlarm(Date.now() + FALLBACK_ALARM_MS);
    await this.#register();
    await this.#rearm();
    return this.#view(this.#store.load() ?? state);
  }

  /** Its view as JSON; null when there is none or it is another client's. */
  read(clientId: string): string | null {
    const state = this.#owned(clientId);
    return state && this.#view(state);
  }

  /** Changes settings. @returns as {@link read} */
  async update(clientId: string, change: Partial<ScheduleSettings>): Promise<string | null> {
    const state = this.#owned(clientId);
    if (state === null) return null;
    const next = changed(state, change, Date.now());
    this.#store.save(next, next.nextDueAt === state.nextDueAt);
    await this.ctx.storage.setAlarm(Date.now() + FALLBACK_ALARM_MS);
    await this.#register();
    await this.#rearm();
    // It may have been deleted meanwhile.
    const kept = this.#store.load();
    return kept && this.#view(kept);
  }

  /** Ends it; an import that a run has started goes on. @returns false as {@link read} is null */
  async remove(clientId: string): Promise<boolean> {
    const state = this.#owned(clientId);
    if (state === null) return false;
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#store.close();
    await this.#registry().remove(state.id);
    return true;
  }

  /** Has it run now. @returns the run as JSON, `skipped` while another is open; null as for {@link read} */
  async run(clientId: string): Promise<string | null> {
    const state = this.#owned(clientId);
    if (state === null) return null;
    const now = Date.now();
    const run = this.#begin(state, { scheduledAt: now, message: null }, now);
    await this.ctx.storage.setAlarm(now);
    return JSON.stringify(runView(run));
  }

  /** What a run would find now; imports nothing. @returns null as for {@link read} */
  async dryRun(clientId: string): Promise<Counted | null> {
    const state = this.#owned(clientId);
    if (state === null) return null;
    const counted = await countMatches(this.env, this.#config, this.#store, state, Date.now());
    // It may have been deleted meanwhile.
    return this.#owned(clientId) === null ? null : counted;
  }

  /** Its runs, the newest first. @param cursor as the page before gave it @returns null as for {@link read} */
  runs(clientId: string, limit: number, cursor: string | null): RunsPage | 'bad_cursor' | null {
    if (this.#owned(clientId) === null) return null;
    const page = seqPage(limit, cursor, (before, most) => this.#store.runs(before, most));
    if (page === 'bad_cursor') return page;
    const runs = page.rows.map(({ run }) => runView(run));
    return { body: JSON.stringify({ runs, next_cursor: page.cursor }), cursor: page.cursor };
  }

  /**
   * Records the run that is due, if one is: once, however often it is called.
   * @param now the time of the tick, milliseconds since the epoch
   * @returns when it is due next; `gone` when there is no such schedule
   */
  async tick(now: number): Promise<number | null | 'gone'> {
    const state = this.#store.load();
    if (state === null) return 'gone';
    const due = dueRun(state, now);
    if (due === null) return state.nextDueAt;
    const next = { ...state, nextDueAt: due.nextDueAt };
    this.ctx.storage.transactionSync(() => {
      this.#store.save(next, true);
      this.#begin(next, due, now);
    });
    await this.ctx.storage.setAlarm(Date.now());
    return due.nextDueAt;
  }

  /** Takes in how the import of a run came out. A run that has ended stays as it is. */
  async importEnded(runId: string, importId: string, outcome: ImportOutcome): Promise<void> {
    const open = this.#store.openRun();
    if (open?.run.id !== runId) return;
    this.#settle(open, importId, outcome);
    await this.#rearm();
  }

  override async alarm(): Promise<void> {
    if (this.#store.load() === null) return;
    await this.ctx.storage.setAlarm(Date.now() + FALLBACK_ALARM_MS);
    try {
      await this.#work();
    } catch (error) {
      // A throw would use up the platform's retries; the step is tried again.
      logError('schedule_alarm_failed', error, { schedule_id: this.ctx.id.name ?? '' });
      const open = this.#store.openRun();
      if (open !== null) this.#hindered(open, 'The run could not be made; see the log.', null);
    }
    await this.#rearm();
  }

  async #work(): Promise<void> {
    await this.#register();
    for (;;) {
      const open = this.#store.openRun();
      if (open === null || open.stepAt > Date.now()) return;
      const forbidden = open.step === 'watch' ? null : await forbiddance(this.env, open.settings);
      if (forbidden !== null) {
        if (this.#isAt(open)) this.#fail(open, forbidden);
        continue;
      }
      switch (open.step) {
        case 'find':
          await this.#find(open);
          break;
        case 'start':
          await this.#start(open);
          break;
        case 'watch':
          await this.#watch(open);
          break;
      }
    }
  }

  #begin(state: ScheduleState, due: { scheduledAt: number; message: string | null }, asOf: number) {
    const clock = Date.now();
    const open = this.#store.openRun()?.run ?? null;
    const run = newRun(state, open, due, asOf, clock);
    const step = run.status === 'skipped' ? null : run.from === null ? 'start' : 'find';
    this.#store.addRun(run, step, state);
    this.#store.pruneRuns(clock - this.#config.retentionMs);
    return this.#store.run(run.id) ?? run;
  }

  /** Looks for the events of the window, and keeps those that are new. */
  async #find(open: OpenRun): Promise<void> {
    const { run, settings } = open;
    const found = await findEvents(this.env, this.#config, settings, run);
    if (!this.#isAt(open)) return;
    if (found.kind === 'failed') return this.#fail(open, found.message);
    if (found.kind === 'hindered') return this.#hindered(open, found.message, found.retryAfterMs);
    this.ctx.storage.transactionSync(() => {
      const report = this.#store.keepNew(found.ids);
      const searched = { ...run, report: { ...report, imported: 0 } };
      this.#store.saveRun(searched);
      if (report.new > 0 || settings.notifyEmpty) return this.#next('start');
      const nothing = {
        status: 'completed' as const,
        message: 'Nothing new.',
        imported: 0,
        ends: [],
      };
      this.#settle({ ...open, run: searched }, null, nothing);
    });
  }

  /** Starts the import of the run; the same again where it had been started already. */
  async #start(open: OpenRun): Promise<void> {
    const ids = open.run.from === null ? null : this.#store.runIds();
    const started = await startImport(this.env, open, ids);
    if (!this.#isAt(open)) return;
    if (started.kind === 'refused') return this.#fail(open, started.message);
    this.ctx.storage.transactionSync(() => {
      this.#store.saveRun({ ...open.run, importId: started.importId });
      this.#next('watch', started.isTerminal ? 0 : this.#watchMs());
    });
  }

  /** Asks how the import came out, should its own word not have arrived. */
  async #watch(open: OpenRun): Promise<void> {
    const { importId } = open.run;
    const outcome = importId && (await this.env.IMPORT_JOB.getByName(importId).outcome());
    if (!this.#isAt(open)) return;
    const gone = { status: 'lost' as const, message: 'The import is gone.', imported: 0, ends: [] };
    if (!outcome || isTerminal(outcome.status)) this.#settle(open, importId, outcome || gone);
    else this.#next('watch', this.#watchMs());
  }

  /** Whether the run is still where it was before something was waited for. */
  #isAt({ run, step }: OpenRun): boolean {
    const now = this.#store.openRun();
    return now?.run.id === run.id && now.step === step;
  }

  #fail(open: OpenRun, message: string): void {
    this.#settle(open, null, { status: 'failed', message, imported: 0, ends: [] });
  }

  #settle(open: OpenRun, importId: string | null, { status, ...outcome }: ImportOutcome): void {
    const state = this.#store.load();
    if (state === null || !isTerminal(status)) return;
    const run = { ...open.run, importId };
    const settled = settle(state, run, { status, ...outcome }, Date.now());
    this.ctx.storage.transactionSync(() => {
      if (run.from !== null) {
        for (const position of settled.imported) this.#store.enter(position, run.asOf);
      }
      this.#store.saveRun(settled.run);
      this.#store.save(settled.state, true);
      if (settled.state.floor > state.floor) this.#store.pruneLedger(settled.state.floor);
    });
  }

  #next(step: RunStep, afterMs = 0): void {
    this.#store.setStep(step, Date.now() + afterMs, 0);
  }

  /**
   * Puts the step off after a failure. When that has gone on for too long the run fails, so that the next one is not
   * skipped; but an import that was started is waited for.
   */
  #hindered(open: OpenRun, message: string, retryAfterMs: number | null): void {
    const { pollMinMs, pollMaxMs, importDeadlineMs } = this.#config;
    const { run, step, failures } = open;
    const bounds = { minMs: pollMinMs, maxMs: pollMaxMs };
    const givenUpAt = step === 'watch' ? Infinity : run.startedAt + importDeadlineMs;
    const at = stepAgainAt(failures, bounds, retryAfterMs, givenUpAt, Date.now());
    if (at === null) return this.#fail(open, message);
    this.#store.setStep(step, at, failures + 1);
  }

  #watchMs(): number {
    return 2 * this.#config.pollMaxMs;
  }

  /** Tells the registry when it is due, where that was changed; if it fails, the alarm comes for it. */
  async #register(): Promise<void> {
    const state = this.#store.load();
    if (state === null || this.#store.isRegistered()) return;
    try {
      await this.#registry().put(state.id, state.clientId, state.nextDueAt);
      const isStill = this.#store.load()?.nextDueAt === state.nextDueAt;
      if (isStill) this.#store.markRegistered();
    } catch (error) {
      logError('schedule_not_registered', error, { schedule_id: state.id });
    }
  }

  #registry() {
    return this.env.REGISTRY.getByName('schedules');
  }

  async #rearm(): Promise<void> {
    const state = this.#store.load();
    if (state === null) return;
    const open = this.#store.openRun();
    const times = [
      this.#store.isRegistered() ? null : Date.now() + FALLBACK_ALARM_MS,
      open?.stepAt ?? null,
    ].filter((time) => time !== null);
    if (times.length === 0) await this.ctx.storage.deleteAlarm();
    else await this.ctx.storage.setAlarm(Math.min(...times));
  }

  #owned(clientId: string): ScheduleState | null {
    const state = this.#store.load();
    return state?.clientId === clientId ? state : null;
  }

  #view(state: ScheduleState): string {
    const last: Run | null = this.#store.runs(Number.MAX_SAFE_INTEGER, 1)[0]?.run ?? null;
    return JSON.stringify(scheduleView(state, last, Date.now()));
  }
}
