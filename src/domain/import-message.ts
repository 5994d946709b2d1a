/** Ids that an import did not take, for one reason: how many, and the first few. */
export interface SkippedIds {
  reason: 'unknown' | 'too_large';
  count: number;
  first: readonly string[];
}

/** What a task says of the ids that it skipped; null when there are none. */
export function skippedMessage(skipped: readonly SkippedIds[]): string | null {
  if (skipped.length === 0) return null;
  const parts = skipped.map(({ reason, count, first }) => {
    const what = reason === 'unknown' ? 'unknown' : 'too large for a record';
    const more = count > first.length ? ', …' : '';
    return `${count} ${what}: ${first.join(', ')}${more}`;
  });
  return `Skipped ${parts.join('; ')}.`;
}
