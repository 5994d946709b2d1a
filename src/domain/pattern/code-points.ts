import { fold } from '../fold.ts';

/** Tells whether a code point belongs to a set. */
export type CodePointSet = (codePoint: number) => boolean;

/** The code points from the first to the last, both included. */
export function range(first: number, last = first): CodePointSet {
  return (codePoint) => codePoint >= first && codePoint <= last;
}

/** What is in any of the sets. */
export function union(sets: readonly CodePointSet[]): CodePointSet {
  return (codePoint) => sets.some((set) => set(codePoint));
}

/** What is not in the set. */
export function complement(set: CodePointSet): CodePointSet {
  return (codePoint) => !set(codePoint);
}

const DIGIT = range(0x30, 0x39);

/** `[0-9A-Za-z_]`, as everywhere in RE2. */
export const WORD = union([range(0x61, 0x7a), range(0x41, 0x5a), DIGIT, range(0x5f)]);

/** The sets of `\d`, `\s` and `\w`: ASCII, and without the vertical tab, as in RE2. */
export const SHORTHANDS: ReadonlyMap<string, CodePointSet> = new Map([
  ['d', DIGIT],
  ['s', union([range(0x09, 0x0a), range(0x0c, 0x0d), range(0x20)])],
  ['w', WORD],
]);

/**
 * The set of `\p{name}`: a general category, a binary property, a script by its bare name as in RE2, or `Script=Greek`.
 * Null where the runtime knows no such name. The runtime's own expression only ever sees one code point.
 */
export function unicodeClass(name: string): CodePointSet | null {
  for (const property of [name, `Script=${name}`]) {
    try {
      const expression = new RegExp(`\\p{${property}}`, 'u');
      return (codePoint) => expression.test(String.fromCodePoint(codePoint));
    } catch {
      // Not a name of this kind.
    }
  }
  return null;
}

/** The set, and every code point that differs only in case from one in it. */
export function ignoringCase(set: CodePointSet): CodePointSet {
  return (codePoint) => set(codePoint) || caseVariants(codePoint).some(set);
}

/** A pattern asks all its sets about one code point before it goes on to the next. */
let latest: { codePoint: number; variants: readonly number[] } = { codePoint: -1, variants: [] };

/** The code points with the same fold, perhaps with the given one. */
export function caseVariants(codePoint: number): readonly number[] {
  if (latest.codePoint !== codePoint) {
    const folded = fold(String.fromCodePoint(codePoint));
    const spellings = [folded, folded.toLowerCase(), ...(irregularSpellings().get(folded) ?? [])];
    const variants = spellings.flatMap((spelling) => soleCodePoint(spelling) ?? []);
    latest = { codePoint, variants };
  }
  return latest.variants;
}

function soleCodePoint(text: string): number | null {
  const codePoint = text.codePointAt(0);
  return codePoint !== undefined && String.fromCodePoint(codePoint) === text ? codePoint : null;
}

/** Where Unicode has letters that are neither their own fold nor the lower case of it: `ſ`, `ς`, the Kelvin sign. */
const IRREGULAR_BLOCKS = [
  [0x80, 0x2200],
  [0xfb00, 0xfb10],
] as const;

let irregular: Map<string, string[]> | null = null;

/** By fold, the spellings that no mapping of the fold leads to. Found when first needed: it takes about 1 ms. */
function irregularSpellings(): ReadonlyMap<string, readonly string[]> {
  if (irregular !== null) return irregular;
  irregular = new Map();
  for (const [first, end] of IRREGULAR_BLOCKS) {
    for (let codePoint = first; codePoint < end; codePoint += 1) {
      const spelling = String.fromCodePoint(codePoint);
      const folded = fold(spelling);
      if (spelling === folded || spelling === folded.toLowerCase()) continue;
      irregular.set(folded, [...(irregular.get(folded) ?? []), spelling]);
    }
  }
  return irregular;
}
