/**
 * Folds a text so that two spellings which differ only in case become equal, in all of Unicode: `Σ`, `σ` and `ς`, the
 * Kelvin sign and `k`, `ß` and `SS`. Lower case first, because some capitals have no way to the common form otherwise.
 */
export function fold(text: string): string {
  return text.toLowerCase().toUpperCase();
}
