/** `Retry-After` in either form (RFC 9110, 10.2.3) → milliseconds from `now`, or null. */
export function retryAfterOf(value: string | null, now: number): number | null {
  if (value === null) return null;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  // An HTTP date begins with the name of a day; `Date.parse` takes much else for a date.
  const date = /^[A-Za-z]/.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
