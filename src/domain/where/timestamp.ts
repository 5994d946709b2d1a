import type { FilterOperator } from '../filter-fields.ts';
import { quoted, timeOf } from '../filter.ts';
import { iso } from '../time.ts';

/** The one field whose values may be relative to now. */
export const TIMESTAMP_FIELD = 'timestamp';

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
]);

const RELATIVE = /^now(?:-(\d+)([smhdw]))?$/;
const YEAR_1 = Date.parse('0001-01-01T00:00:00Z');
const COMPARISONS: readonly FilterOperator[] = ['eq', 'neq', 'gt', 'gte', 'lt', 'lte'];

/**
 * Reads a text that `timestamp` is compared with. `now` and `now-7d` become ISO 8601 with `Z`; a time stays as it was
 * written, also where it has no zone or no time of day: whether that is enough is the upstream's to say.
 * @param now milliseconds since the epoch
 */
export function readTimestamp(
  text: string,
  op: FilterOperator,
  now: number,
): { value: string } | { problem: string } {
  if (/^\s*now/i.test(text)) return relativeTime(text, now);
  if (!COMPARISONS.includes(op) || isTime(text)) return { value: text };
  return {
    problem: `${quoted(text)} is not a time; write one like "2026-02-01T00:00:00Z", or one before now like "now-7d".`,
  };
}

function relativeTime(text: string, now: number): { value: string } | { problem: string } {
  const parts = RELATIVE.exec(text);
  if (parts === null) {
    return {
      problem: `${quoted(text)} is not a time; a time before now is "now-" with a whole number and one of s, m, h, d, w, like "now-7d".`,
    };
  }
  const [, count = '0', unit = 's'] = parts;
  const time = now - Number(count) * (UNIT_MS.get(unit) ?? NaN);
  if (!(time >= YEAR_1)) {
    return { problem: `${quoted(text)} is before the year 1; take fewer units.` };
  }
  return { value: iso(time) };
}

function isTime(text: string): boolean {
  return [text, `${text}Z`, `${text}T00:00Z`].some((full) => timeOf(full) !== null);
}
