// What the filter language means, written a second time from its description and without a look at the source: one
// condition at a time, nothing precompiled. Wire form in, truth out.

/** A condition or a group as it is sent. */
export type Wire =
  | { field: string; op: string; value: unknown }
  | { AND?: Wire[] | null; OR?: Wire[] | null };

/** Values by field; a time is ISO 8601 text. */
export type Sample = Record<string, unknown>;

export function holds(filter: Wire | null, sample: Sample): boolean {
  if (filter === null) return true;
  if ('field' in filter) return condition(filter, sample[filter.field] ?? null);
  const or = filter.OR ?? [];
  return (
    (filter.AND ?? []).every((one) => holds(one, sample)) &&
    (or.length === 0 || or.some((one) => holds(one, sample)))
  );
}

function condition(
  { field, op, value }: { field: string; op: string; value: unknown },
  held: unknown,
): boolean {
  const opposite: Record<string, string> = {
    neq: 'eq',
    notcontains: 'contains',
    inotcontains: 'icontains',
    excludes: 'includes',
  };
  const positive = opposite[op];
  if (positive !== undefined) return !condition({ field, op: positive, value }, held);
  if (op === 'isnull') return (held === null) === value;
  if (op === 'eq' && value === null) return held === null;
  if (held === null || held === undefined) return false;
  if (field === 'timestamp') {
    return ordered(op, Date.parse(held as string) - Date.parse(value as string));
  }
  if (op === 'includes') {
    return Array.isArray(held) ? held.includes(value) : Object.keys(held).includes(String(value));
  }
  if (op === 'len_eq') {
    if (typeof held === 'string') return Array.from(held).length === value;
    return Object.values(held).length === value;
  }
  if (['eq', 'lt', 'lte', 'gt', 'gte'].includes(op)) {
    if (typeof held === 'string') return ordered(op, byCodePoint(held, String(value)));
    return ordered(op, Number(held) - Number(value));
  }
  const items = (Array.isArray(held) ? held : [held]) as string[];
  return items.some((item) => part(op, item, String(value)));
}

function ordered(op: string, difference: number): boolean {
  if (op === 'eq') return difference === 0;
  if (op === 'lt') return difference < 0;
  if (op === 'lte') return difference <= 0;
  return op === 'gt' ? difference > 0 : difference >= 0;
}

function byCodePoint(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

const caseless = (text: string) => text.toLowerCase().toUpperCase();

function part(op: string, held: string, wanted: string): boolean {
  if (op === 'matches') return new RegExp(wanted, 'u').test(held);
  if (op.startsWith('i')) return part(op.slice(1), caseless(held), caseless(wanted));
  if (op === 'contains') return held.split(wanted).length > 1 || wanted === '';
  if (op === 'startswith') return held.slice(0, wanted.length) === wanted;
  return held.slice(held.length - wanted.length) === wanted && held.length >= wanted.length;
}
