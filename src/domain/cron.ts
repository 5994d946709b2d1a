import { Cron } from 'croner';

interface Field {
  name: string;
  min: number;
  max: number;
  /** How many there are; of weekdays fewer than numbers, as Sunday has two. */
  size: number;
  /** Names by their number, the first for `min`. */
  names: readonly string[];
}

const FIELDS: readonly Field[] = [
  { name: 'minute', min: 0, max: 59, size: 60, names: [] },
  { name: 'hour', min: 0, max: 23, size: 24, names: [] },
  { name: 'day of month', min: 1, max: 31, size: 31, names: [] },
  {
    name: 'month',
    min: 1,
    max: 12,
    size: 12,
    names: 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' '),
  },
  { name: 'weekday', min: 0, max: 7, size: 7, names: 'SUN MON TUE WED THU FRI SAT'.split(' ') },
];

const MAX_LENGTH = 200;

/** The mistake in a cron expression, naming the field at fault; null when there is none. */
export function cronMistake(cron: string): string | null {
  if (cron.length > MAX_LENGTH) return `has at most ${MAX_LENGTH} characters`;
  const parts = fieldsOf(cron);
  if (parts.length !== FIELDS.length) {
    const names = FIELDS.map(({ name }) => name).join(', ');
    return `needs five fields (${names}), not ${parts.length}`;
  }
  for (const [index, field] of FIELDS.entries()) {
    const problem = fieldMistake(parts[index] ?? '', field);
    if (problem !== null) return `has a mistake in the field ${field.name}: ${problem}`;
  }
  const comes = nextTimes(cron, 'UTC', 0, 1).length > 0;
  return comes ? null : 'has a day of month that never comes in its months';
}

/** Whether there is such a time zone in the IANA database; an offset such as `+01:00` is none. */
export function isTimezone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
  } catch {
    return false;
  }
}

/**
 * The next times of a cron expression after a time, in milliseconds since the epoch; fewer than asked for only where no
 * more come. Where day of month and weekday are both restricted, either is enough.
 *
 * When clocks change: with minutes and hours that are numbers, ranges or lists, a time that the change leaves out comes
 * at the first moment after it, and one that there is twice comes the first time only. With `*` or a step in either,
 * it comes whenever the clock shows it: not in the gap, twice in the doubled hour.
 * @param cron one without a {@link cronMistake}
 */
export function nextTimes(cron: string, timezone: string, after: number, count: number): number[] {
  return reader(cron, timezone)
    .nextRuns(count, new Date(after))
    .map((date) => date.getTime());
}

/** Of the times that are due the last; how many there are in all, counted up to {@link MAX_COUNTED}. */
export interface DueTimes {
  latest: number;
  count: number;
}

export const MAX_COUNTED = 500;

/** @param first the first that is due, not after `now`; milliseconds since the epoch as `now` */
export function dueTimes(cron: string, timezone: string, first: number, now: number): DueTimes {
  const times = reader(cron, timezone);
  let latest = first;
  for (let count = 1; count < MAX_COUNTED; count++) {
    const next = times.nextRun(new Date(latest))?.getTime();
    if (next === undefined || next > now) return { latest, count };
    latest = next;
  }
  // `previousRuns` leaves out the moment itself.
  const last = times.previousRuns(1, new Date(now + 1))[0]?.getTime() ?? latest;
  return { latest: Math.max(latest, last), count: MAX_COUNTED };
}

function reader(cron: string, timezone: string): Cron {
  return new Cron(fieldsOf(cron).join(' '), {
    mode: '5-part',
    timezone,
    paused: true,
    fixedTimeRule: 'no-wildcard',
  });
}

function fieldsOf(cron: string): string[] {
  return cron.split(/\s+/).filter((part) => part !== '');
}

function fieldMistake(text: string, field: Field): string | null {
  for (const item of text.split(',')) {
    const problem = itemMistake(item, field);
    if (problem !== null) return problem;
  }
  return null;
}

/** One of a list: `*`, `5`, `MON`, `1-5`, each range also with a step such as `10-50/20`. */
function itemMistake(item: string, field: Field): string | null {
  if (item === '') return 'an item of the list is empty';
  const [range = '', step, ...rest] = item.split('/');
  if (rest.length > 0) return `"${item}" has more than one step`;
  const [from = '', to, ...more] = range.split('-');
  if (more.length > 0) return `"${item}" is no range`;
  if (step !== undefined) {
    const { size } = field;
    if (!/^\d{1,2}$/.test(step) || Number(step) < 1 || Number(step) > size) {
      return `the step of "${item}" must be a whole number from 1 to ${size}`;
    }
    if (range !== '*' && to === undefined) {
      return `a step follows * or a range: write ${range}-${field.max}/${step} for "${item}"`;
    }
  }
  if (range === '*') return null;
  const low = valueOf(from, field);
  if (low === null) return notAValue(from, field);
  if (to === undefined) return null;
  const high = valueOf(to, field);
  if (high === null) return notAValue(to, field);
  // Sunday ends a week as well as it begins one.
  const isWeekEnd = high === 0 && to.toUpperCase() === 'SUN';
  if (isWeekEnd && low === 0) return `"${range}" may be one day or seven: write SUN or *`;
  return low <= (isWeekEnd ? 7 : high) ? null : `the range "${range}" goes backwards`;
}

function valueOf(text: string, { min, max, names }: Field): number | null {
  const named = names.indexOf(text.toUpperCase());
  if (named !== -1) return named + min;
  if (!/^\d{1,2}$/.test(text)) return null;
  const value = Number(text);
  return value >= min && value <= max ? value : null;
}

function notAValue(text: string, { min, max, names }: Field): string {
  const named = names.length === 0 ? '' : ` or ${names[0]}–${names.at(-1)}`;
  return `"${text}" is not a value; it takes ${min}–${max}${named}`;
}
