/**
 * The name that a mistyped word was probably meant to be: the same but for case, or one slip away (two for names from
 * nine letters). A slip is a letter too many, too few, wrong, or swapped with its neighbour.
 * @returns null where no name is that near
 */
export function nearest(word: string, names: readonly string[]): string | null {
  const lower = word.toLowerCase();
  let best: string | null = null;
  let fewest = Infinity;
  for (const name of names) {
    const allowed = name.length < 3 ? 0 : name.length < 9 ? 1 : 2;
    // Says no to a word of any length at once.
    if (Math.abs(lower.length - name.length) > allowed) continue;
    const slips = slipsBetween(lower, name.toLowerCase());
    if (slips <= allowed && slips < fewest) {
      best = name;
      fewest = slips;
    }
  }
  return best;
}

/** Optimal string alignment distance. */
function slipsBetween(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      const isSwapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      current.push(
        Math.min(
          (last[column] ?? Infinity) + 1,
          (current[column - 1] ?? Infinity) + 1,
          (last[column - 1] ?? Infinity) + (same ? 0 : 1),
          isSwapped ? (beforeLast[column - 2] ?? Infinity) + 1 : Infinity,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? Infinity;
}
