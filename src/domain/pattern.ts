// The regular expressions of the filter operator `matches`: what users of RE2 write, without back-references and
// look-around. Matching never backtracks: its time grows with text × pattern at worst, and a budget bounds it.

import { Pattern } from './pattern/match.ts';
import { parse, PatternSyntaxError } from './pattern/parse.ts';
import { programOf } from './pattern/program.ts';

export { type Budget, type Pattern, PatternBudgetError } from './pattern/match.ts';

export type Compilation =
  | { ok: true; pattern: Pattern }
  /** `position` counts UTF-16 units of the source from 0; `message` says what to change. */
  | { ok: false; position: number; message: string };

const MAX_SOURCE_UNITS = 1000;

/** Makes a pattern of its source, which may have at most 1,000 UTF-16 units. */
export function compilePattern(source: string): Compilation {
  if (source.length > MAX_SOURCE_UNITS) {
    const message = `a pattern has at most ${MAX_SOURCE_UNITS} characters: shorten it`;
    return { ok: false, position: MAX_SOURCE_UNITS, message };
  }
  try {
    return { ok: true, pattern: new Pattern(programOf(parse(source))) };
  } catch (error) {
    if (!(error instanceof PatternSyntaxError)) throw error;
    return { ok: false, position: error.position, message: error.message };
  }
}
