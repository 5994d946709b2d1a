import { WORD } from './code-points.ts';

/** What stands on one side of a place in a text, as far as assertions care. */
export type Side = 'edge' | 'newline' | 'word' | 'other';

/** Whether an assertion holds between two sides. */
export type Assertion = (before: Side, after: Side) => boolean;

const NEWLINE = 0x0a;

/** The side that a code point makes. */
export function sideOf(codePoint: number): Side {
  if (codePoint === NEWLINE) return 'newline';
  return WORD(codePoint) ? 'word' : 'other';
}

const endsLine = (side: Side) => side === 'edge' || side === 'newline';

export const TEXT_START: Assertion = (before) => before === 'edge';
export const TEXT_END: Assertion = (_before, after) => after === 'edge';
export const LINE_START: Assertion = (before) => endsLine(before);
export const LINE_END: Assertion = (_before, after) => endsLine(after);

/** The assertions that are written as escapes, by their letter. */
export const ESCAPED_ASSERTIONS: ReadonlyMap<string, Assertion> = new Map<string, Assertion>([
  ['A', TEXT_START],
  ['z', TEXT_END],
  ['b', (before, after) => (before === 'word') !== (after === 'word')],
  ['B', (before, after) => (before === 'word') === (after === 'word')],
]);
