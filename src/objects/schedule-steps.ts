import type { Config } from '../config.ts';
import { planImport, type ImportPlan } from '../domain/import-body.ts';
import { isTerminal, type ImportStatus, type MatchReport } from '../domain/import.ts';
import { runOrder } from '../domain/schedule-order.ts';
import {
  incrementalFilters,
  isIncremental,
  windowAt,
  type Run,
  type ScheduleState,
} from '../domain/schedule.ts';
import { isForGood, type UpstreamFailure } from '../mistral/answer.ts';
import { sha256Bytes } from '../platform/crypto.ts';
import { derivedId, tokenOf } from '../platform/ids.ts';
import { importsClient } from '../relay/backends.ts';
import { Clients } from '../store/clients.ts';
import type { OpenRun, ScheduleStore } from './schedule.sql.ts';

/** What a search came to: ids, a refusal for good, or a failure that may pass. */
export type Found =
  | { kind: 'found'; ids: string[] }
  | { kind: 'failed'; message: string }
  | { kind: 'hindered'; message: string; retryAfterMs: number | null };

/** What a start came to. */
export type Started =
  | { kind: 'started'; importId: string; isTerminal: boolean }
  | { kind: 'refused'; message: string };

/** What a run would find; `uncountable` where only the upstream knows what a source holds. */
export type Counted =
  | { kind: 'counted'; report: MatchReport }
  | { kind: 'uncountable' }
  | { kind: 'refused'; failure: UpstreamFailure };

/**
 * Why a schedule may not run, null when it may: a run is made in the name of its client and signed with its secret, and
 * starts nothing that the client could not start by itself.
 */
export async function forbiddance(env: Env, { clientId }: ScheduleState): Promise<string | null> {
  const client = await new Clients(env.KV).get(clientId);
  if (client === null) return 'The client that this schedule belongs to is gone.';
  if (client.scopes.includes('observability:write')) return null;
  return 'The client of this schedule lacks the scope observability:write.';
}

/** Looks for the events of an incremental run's window. */
export async function findEvents(
  env: Env,
  config: Config,
  settings: ScheduleState,
  { id, from, asOf }: Run,
): Promise<Found> {
  const read = incrementalFilters(whereOf(settings), { from: from ?? asOf, to: asOf });
  if (!read.ok) return { kind: 'failed', message: read.message };
  const caller = { origin: settings.origin, requestId: id };
  const found = await importsClient(config, env, caller).searchIds(read.filters);
  if (found.ok) return { kind: 'found', ids: inOrder(found.value) };
  const { message, retryAfterMs } = found.failure;
  return isForGood(found.failure)
    ? { kind: 'failed', message }
    : { kind: 'hindered', message, retryAfterMs };
}

/**
 * Starts the import of a run. Its id follows from the run's name, so that a start that is repeated meets the import of
 * the first.
 * @param ids of the events that are new; null where the import is not incremental
 */
export async function startImport(
  env: Env,
  { run, settings }: OpenRun,
  ids: readonly string[] | null,
): Promise<Started> {
  const digest = await sha256Bytes(`schedule\n${run.id}`);
  const importId = derivedId('imp', digest);
  const planned = runOrder(settings, run, { importId, requestHash: tokenOf(digest) }, ids);
  if (!planned.ok) return { kind: 'refused', message: planned.message };
  const result = await env.IMPORT_JOB.getByName(importId).start(planned.order);
  switch (result.kind) {
    case 'accepted': {
      const { status } = JSON.parse(result.view) as { status: ImportStatus };
      return { kind: 'started', importId, isTerminal: isTerminal(status) };
    }
    case 'refused':
      return { kind: 'refused', message: result.failure.message };
    case 'conflict':
      return { kind: 'refused', message: 'Another import has the id of this run.' };
  }
}

/** Counts what a run would find now. */
export async function countMatches(
  env: Env,
  config: Config,
  store: ScheduleStore,
  settings: ScheduleState,
  now: number,
): Promise<Counted> {
  const isWindow = isIncremental(settings);
  const plan = isWindow ? windowPlan(settings, now) : planImport(settings.template, now);
  if (!plan.ok) return { kind: 'uncountable' };
  const { search } = plan;
  if (search === null) {
    const { source } = settings.template;
    if (source === 'campaign' || source === 'file') return { kind: 'uncountable' };
    const count = plan.parts.reduce((sum, { weight }) => sum + weight, 0);
    return { kind: 'counted', report: { matched: count, new: count, duplicate: 0 } };
  }
  const caller = { origin: settings.origin, requestId: settings.id };
  const found = await importsClient(config, env, caller).searchIds(search.filters);
  if (!found.ok) return { kind: 'refused', failure: found.failure };
  const ids = inOrder(found.value);
  const fresh = isWindow ? store.notImported(ids).length : ids.length;
  const report = { matched: ids.length, new: fresh, duplicate: ids.length - fresh };
  return { kind: 'counted', report };
}

/** The search of an incremental run that would begin now. */
function windowPlan(settings: ScheduleState, now: number): ImportPlan {
  const read = incrementalFilters(whereOf(settings), windowAt(settings, now));
  return read.ok ? { ok: true, parts: [], search: { filters: read.filters } } : read;
}

/** The oldest first where the upstream lists the newest first, as the built-in one does; each once. */
function inOrder(ids: readonly string[]): string[] {
  return [...new Set(ids)].toReversed();
}

function whereOf({ template }: ScheduleState): unknown {
  return template.source === 'explorer' ? template.where : null;
}
