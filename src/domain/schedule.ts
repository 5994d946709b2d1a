import { dueTimes, MAX_COUNTED, nextTimes } from './cron.ts';
import type { ImportTemplate } from './import-body.ts';
import type { ImportOutcome } from './import-outcome.ts';
import type { Callback, MatchReport, TerminalStatus } from './import.ts';
import { doubled, type PollBounds } from './poll.ts';
import { iso } from './time.ts';
import { readWhere, type ReadWhere } from './where.ts';

/** What a client says of a schedule; times in milliseconds. */
export interface ScheduleSettings {
  name: string;
  cron: string;
  /** IANA. */
  timezone: string;
  datasetId: string;
  template: ImportTemplate;
  callback: Callback | null;
  /** So late may an event be found and is still imported. */
  overlapMs: number;
  /** Whether a run with nothing new makes an import, which is notified of. */
  notifyEmpty: boolean;
  /** Where the client reached us, for links: scheme, host and port. */
  origin: string;
}

/** A schedule; times in milliseconds since the epoch. */
export interface ScheduleState extends ScheduleSettings {
  id: string;
  clientId: string;
  backfillFrom: number | null;
  createdAt: number;
  updatedAt: number;
  nextDueAt: number | null;
  /** Events before it were imported; null before the first run that completed. */
  watermark: number | null;
  /** The ledger knows every imported event from then on; what is earlier is never looked at again. */
  floor: number;
  /** Where the window of a run that failed began, until one completes; null, or left out, when none has. */
  owedFrom?: number | null;
}

export type RunStatus = 'running' | 'skipped' | TerminalStatus;

/** One run of a schedule; times in milliseconds since the epoch. */
export interface Run {
  id: string;
  scheduledAt: number;
  startedAt: number;
  finishedAt: number | null;
  status: RunStatus;
  importId: string | null;
  message: string | null;
  /** Of an incremental run that has searched. */
  report: (MatchReport & { imported: number }) | null;
  /** The time that relative times count from, and the end of the window. */
  asOf: number;
  /** The beginning of the window; null where the import is not incremental. */
  from: number | null;
}

/** A schedule before its first run. @param now milliseconds since the epoch */
export function newSchedule(
  id: string,
  clientId: string,
  settings: ScheduleSettings,
  backfillFrom: number | null,
  now: number,
): ScheduleState {
  return {
    ...settings,
    id,
    clientId,
    backfillFrom,
    createdAt: now,
    updatedAt: now,
    nextDueAt: nextDue(settings, now),
    watermark: null,
    floor: backfillFrom ?? now - settings.overlapMs,
  };
}

/** A schedule with other settings. The ledger stays: what it does not reach back to is not looked at again. */
export function changed(
  state: ScheduleState,
  change: Partial<ScheduleSettings>,
  now: number,
): ScheduleState {
  const next = { ...state, ...change, updatedAt: now };
  const isFirst = state.watermark === null && state.backfillFrom === null;
  const isMoved = next.cron !== state.cron || next.timezone !== state.timezone;
  return {
    ...next,
    nextDueAt: isMoved ? nextDue(next, now) : state.nextDueAt,
    floor: isFirst ? state.createdAt - next.overlapMs : state.floor,
  };
}

function nextDue({ cron, timezone }: ScheduleSettings, after: number): number | null {
  return nextTimes(cron, timezone, after, 1)[0] ?? null;
}

/** The run that is due, and when the next one is. */
export interface DueRun {
  scheduledAt: number;
  nextDueAt: number | null;
  message: string | null;
}

/**
 * What a tick finds due: one run for all times up to now, named by the last of them; null when nothing is, as for a
 * tick that comes again or late.
 * @param now milliseconds since the epoch
 */
export function dueRun(state: ScheduleState, now: number): DueRun | null {
  if (state.nextDueAt === null || state.nextDueAt > now) return null;
  const { latest, count } = dueTimes(state.cron, state.timezone, state.nextDueAt, now);
  const missed = count >= MAX_COUNTED ? `${MAX_COUNTED - 1} or more` : String(count - 1);
  const message = count === 1 ? null : `Catches up ${missed} missed since ${iso(state.nextDueAt)}.`;
  return { scheduledAt: latest, nextDueAt: nextDue(state, Math.max(now, latest)), message };
}

/**
 * A run as it begins. While another is open it is skipped, and says why.
 * @param asOf the time of the tick, or of the call that asked for it
 * @param clock what the time is now
 */
export function newRun(
  state: ScheduleState,
  open: Run | null,
  due: Pick<DueRun, 'scheduledAt' | 'message'>,
  asOf: number,
  clock: number,
): Run {
  const skipped =
    open === null ? null : `Skipped: the run of ${iso(open.scheduledAt)} was still open.`;
  const window = isIncremental(state) && open === null ? windowAt(state, asOf) : null;
  return {
    id: runId(state.id, due.scheduledAt),
    scheduledAt: due.scheduledAt,
    startedAt: clock,
    finishedAt: open === null ? null : clock,
    status: open === null ? 'running' : 'skipped',
    importId: null,
    message: joined(due.message, skipped),
    report: null,
    asOf: window?.to ?? asOf,
    from: window?.from ?? null,
  };
}

/** A run is named by its schedule and its scheduled time: `sch_x` at noon → `run_x_20260301T120000Z`. */
function runId(scheduleId: string, scheduledAt: number): string {
  const time = iso(scheduledAt).replace(/\.000|[-:.]/g, '');
  return `run_${scheduleId.slice(scheduleId.indexOf('_') + 1)}_${time}`;
}

/** Whether runs import only what no run before them has. */
export function isIncremental({ template }: ScheduleSettings): boolean {
  return template.source === 'explorer' && template.incremental === true;
}

/**
 * The events that an incremental run looks at: from (inclusive) the watermark less the overlap, to (exclusive) the time
 * of the run. What a failed run has left comes along, even if the overlap was made shorter since. Never before what the
 * ledger knows, and never to before the watermark, whatever clocks do.
 */
export function windowAt(state: ScheduleState, asOf: number): { from: number; to: number } {
  const { watermark, floor, overlapMs, owedFrom } = state;
  const from = watermark === null ? floor : Math.max(floor, watermark - overlapMs);
  return { from: Math.min(from, owedFrom ?? from), to: Math.max(asOf, watermark ?? floor) };
}

/** The filter tree of an incremental run: the `where` within a window. */
export function incrementalFilters(
  where: unknown,
  window: { from: number; to: number },
): ReadWhere {
  const read = readWhere(where, window.to);
  if (!read.ok) return read;
  const { filters } = read;
  const rest = filters === null ? [] : 'AND' in filters ? filters.AND : [filters];
  const within = [
    { field: 'timestamp', op: 'gte', value: iso(window.from) },
    { field: 'timestamp', op: 'lt', value: iso(window.to) },
  ];
  // Read again: with the window it must be within the bounds of a filter too.
  const whole = readWhere({ AND: [...within, ...rest] }, window.to);
  return whole.ok ? whole : { ...whole, path: '' };
}

/**
 * When a step of a run that failed is taken again: later with each failure, as polls are, and not before what the
 * upstream asked for with `Retry-After`, but at the latest when the run is given up.
 * @param failures of the step before this one
 * @param givenUpAt milliseconds since the epoch, as `now`; Infinity for a step that is never given up
 * @returns milliseconds since the epoch; null when it is given up now
 */
export function stepAgainAt(
  failures: number,
  { minMs, maxMs }: PollBounds,
  retryAfterMs: number | null,
  givenUpAt: number,
  now: number,
): number | null {
  if (now >= givenUpAt) return null;
  const backoff = Math.min(maxMs, doubled(minMs, failures));
  return Math.min(givenUpAt, now + Math.max(backoff, retryAfterMs ?? 0));
}

/** What the end of a run changes. */
export interface Settled {
  state: ScheduleState;
  run: Run;
  /** The parts whose events were imported; they go into the ledger, whatever became of the others. */
  imported: number[];
}

/**
 * Takes in how the import of a run came out. Only when all of it completed the watermark moves, to the end of the
 * window or to when the run began, whichever is earlier; otherwise the next run looks at the same time again, and the
 * ledger keeps it from what was imported.
 * @param now milliseconds since the epoch
 */
export function settle(
  state: ScheduleState,
  run: Run,
  outcome: ImportOutcome & { status: TerminalStatus },
  now: number,
): Settled {
  const { report } = run;
  const ended: Run = {
    ...run,
    status: outcome.status,
    finishedAt: now,
    message: joined(run.message, outcome.message),
    report: report && { ...report, imported: outcome.imported },
  };
  const imported = outcome.ends.flatMap((end, position) => (end === 'completed' ? [position] : []));
  if (run.from === null) return { state, run: ended, imported };
  if (outcome.status !== 'completed') {
    const owedFrom = Math.min(run.from, state.owedFrom ?? run.from);
    return { state: { ...state, owedFrom }, run: ended, imported };
  }
  // A tick may be told a time that is yet to come: what happens until then is still to be looked for.
  const seen = Math.min(run.asOf, run.startedAt);
  const watermark = Math.max(seen, state.watermark ?? seen);
  const floor = Math.max(state.floor, watermark - state.overlapMs);
  return { state: { ...state, watermark, floor, owedFrom: null }, run: ended, imported };
}

function joined(...messages: (string | null)[]): string | null {
  const said = messages.filter((message) => message !== null);
  return said.length === 0 ? null : said.join(' ');
}
