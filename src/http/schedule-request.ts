import { Refusal } from '../domain/failures.ts';
import { planImport, type ImportTemplate } from '../domain/import-body.ts';
import { incrementalFilters } from '../domain/schedule.ts';
import { invalidFilter } from './refusals.ts';

/** An object keeps it in one row of SQLite, which holds 2 MB. */
const MAX_TEMPLATE_LENGTH = 500_000;

/**
 * Checks what a schema cannot tell of an import that is to be made again and again.
 * @param now milliseconds since the epoch
 * @param backfillFrom where a first run is to begin, or null
 * @throws {Refusal} `invalid_filter` or `invalid_request`
 */
export function refuseBadTemplate(
  template: ImportTemplate,
  now: number,
  backfillFrom: number | null,
): void {
  const isIncremental = template.source === 'explorer' && template.incremental === true;
  if (JSON.stringify(template).length > MAX_TEMPLATE_LENGTH) {
    throw invalid('/import', `must have at most ${MAX_TEMPLATE_LENGTH} characters as JSON`);
  }
  const plan = isIncremental
    ? incrementalFilters(template.where, { from: backfillFrom ?? now, to: now })
    : planImport(template, now);
  if (!plan.ok) throw invalidFilter(plan, '/import/where');
  if (backfillFrom === null) return;
  if (!isIncremental) {
    throw invalid('/backfill', 'is of no use unless the import is incremental');
  }
  if (backfillFrom > now) throw invalid('/backfill/from', 'must not be in the future');
}

function invalid(path: string, message: string): Refusal {
  return new Refusal({
    code: 'invalid_request',
    message: 'The body is not as it should be; see details.',
    details: [{ path, message }],
  });
}
