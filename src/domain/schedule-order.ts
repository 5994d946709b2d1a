import { planImport } from './import-body.ts';
import { partsOfIds, startPath, type ImportPart } from './import-parts.ts';
import type { ImportOrder } from './import.ts';
import type { ReadWhere } from './where.ts';
import type { Run, ScheduleState } from './schedule.ts';

/** The order of a run's import, with its start calls; or the mistake in its `where`. */
export type RunOrder =
  | { ok: true; order: ImportOrder & { parts: ImportPart[]; headers: Record<string, string> } }
  | Extract<ReadWhere, { ok: false }>;

/**
 * What a run orders: the same each time, so that a repeated start meets the import of the first.
 * @param settings the schedule as it was when the run began
 * @param name id of the import and hash of the request, both made of the run's name
 * @param ids of the events that are new; null where the import is not incremental
 */
export function runOrder(
  settings: ScheduleState,
  run: Run,
  name: { importId: string; requestHash: string },
  ids: readonly string[] | null,
): RunOrder {
  const { template, datasetId } = settings;
  const plan =
    ids === null
      ? planImport(template, run.asOf)
      : { ok: true as const, parts: partsOfIds('explorer', ids), search: null };
  if (!plan.ok) return plan;
  const { report } = run;
  return {
    ok: true,
    order: {
      id: name.importId,
      clientId: settings.clientId,
      datasetId,
      source: template.source,
      isRelayed: false,
      startPath: startPath(datasetId, template.source),
      requestHash: name.requestHash,
      parts: plan.parts,
      search: plan.search,
      metadata: template.metadata ?? {},
      callback: settings.callback,
      origin: settings.origin,
      headers: {},
      run: { schedule: settings.id, run: run.id },
      report: report && { matched: report.matched, new: report.new, duplicate: report.duplicate },
    },
  };
}
