import {
  type Assertion,
  ESCAPED_ASSERTIONS,
  LINE_END,
  LINE_START,
  TEXT_END,
  TEXT_START,
} from './assertions.ts';
import {
  type CodePointSet,
  complement,
  ignoringCase,
  range,
  SHORTHANDS,
  unicodeClass,
  union,
} from './code-points.ts';

/** A parsed pattern. Sets are numbers into {@link Syntax.sets}; `max` may be infinite. */
export type Node =
  | { kind: 'one'; set: number }
  | { kind: 'assertion'; holds: Assertion }
  | { kind: 'sequence'; parts: readonly Node[] }
  | { kind: 'choice'; options: readonly Node[] }
  | { kind: 'repeat'; body: Node; min: number; max: number; position: number };

export interface Syntax {
  root: Node;
  sets: readonly CodePointSet[];
  /** How many members the sets have together, at most. */
  memberCount: number;
}

/** Why a source is not a pattern. `position` in UTF-16 units from 0. */
export class PatternSyntaxError extends Error {
  readonly position: number;

  constructor(position: number, message: string) {
    super(message);
    this.name = 'PatternSyntaxError';
    this.position = position;
  }
}

const MAX_DEPTH = 200;
const MAX_COUNT = 1000;
const FLAGS = ['i', 'm', 's'];

const QUANTIFIER = /[*+?]|\{(?<min>\d+)(?<comma>,(?<max>\d*))?\}/y;
const CAPTURING_HEAD = /\((?!\?)|\(\?P?<[A-Za-z_]\w*>/y;
const FLAGS_HEAD = /\(\?(?!\))(?<on>[A-Za-z]*)(?:-(?<off>[A-Za-z]+))?[:)]/y;
const LOOK_AROUND = /\(\?<?[=!]/y;
const POSIX_CLASS = /\[:\^?[a-z]+:\]/y;
/** A hyphen that stands last in a class is itself. */
const RANGE_HYPHEN = /-(?=[^\]])/y;
const SHORTHAND = /\\([dsw])/iy;
const UNICODE_CLASS = /\\(?<letter>[pP])(?:\{(?<not>\^?)(?<name>[\w=]+)\}|(?<short>[A-Z]))/y;
const SURROGATE_PAIR = /\\u(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})/iy;
const HEXADECIMAL = /\\x([\da-f]{2})|\\[xu]\{([\da-f]{1,6})\}|\\u([\da-f]{4})/iy;
const CONTROL = /\\([tnrfv]|0(?!\d))/y;
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13, f: 12, v: 11, 0: 0 };
const ESCAPED_MARK = /\\([^\p{L}\p{N}])/uy;
const MAX_CODE_POINT = 0x10ffff;
const NEWLINE = range(0x0a);

/** Reads a pattern, or throws a {@link PatternSyntaxError}. */
export function parse(source: string): Syntax {
  const parser = new Parser(source);
  return { root: parser.parse(), sets: parser.sets, memberCount: source.length };
}

class Parser {
  readonly sets: CodePointSet[] = [];
  readonly #source: string;
  readonly #setsBySource = new Map<string, number>();
  #position = 0;
  #depth = 0;
  /** The letters of the flags that are set here. */
  #flags = '';

  constructor(source: string) {
    this.#source = source;
  }

  parse(): Node {
    const root = this.#choice();
    if (this.#position < this.#source.length) {
      throw new PatternSyntaxError(
        this.#position,
        'this ) closes no group: remove it or write \\)',
      );
    }
    return root;
  }

  #choice(): Node {
    const options = [this.#sequence()];
    while (this.#take(/\|/y)) options.push(this.#sequence());
    return { kind: 'choice', options };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#position < this.#source.length && !this.#isAt(/[|)]/y)) {
      if (!this.#isAt(/\(\?[\w-]+\)/y)) parts.push(this.#repeated());
      else this.#switchFlags();
    }
    return { kind: 'sequence', parts };
  }

  #repeated(): Node {
    if (this.#isAt(QUANTIFIER)) {
      throw new PatternSyntaxError(
        this.#position,
        'there is nothing to repeat here: write something before it, or \\ to mean the character itself',
      );
    }
    const body = this.#atom();
    const position = this.#position;
    const quantifier = this.#take(QUANTIFIER);
    if (quantifier === null) return body;
    // Lazy or greedy, the answer is the same.
    this.#take(/\?/y);
    if (this.#isAt(QUANTIFIER)) {
      const message = this.#isAt(/\+/y)
        ? 'possessive quantifiers are not supported: remove this +'
        : 'a quantifier cannot follow another: put the first into a group, as in (?:a*){2}';
      throw new PatternSyntaxError(this.#position, message);
    }
    return { kind: 'repeat', body, position, ...boundsOf(quantifier, position) };
  }

  #atom(): Node {
    const start = this.#position;
    switch (this.#source[start]) {
      case '(':
        return this.#group();
      case '[':
        return this.#one(start, this.#class());
      case '\\': {
        const letter = this.#take(/\\([AzbB])/y)?.[1];
        const holds = letter === undefined ? undefined : ESCAPED_ASSERTIONS.get(letter);
        return holds === undefined
          ? this.#one(start, this.#setOf(this.#escape()))
          : { kind: 'assertion', holds };
      }
      case '^':
        this.#position += 1;
        return { kind: 'assertion', holds: this.#flags.includes('m') ? LINE_START : TEXT_START };
      case '$':
        this.#position += 1;
        return { kind: 'assertion', holds: this.#flags.includes('m') ? LINE_END : TEXT_END };
      case '.':
        this.#position += 1;
        return this.#one(start, this.#flags.includes('s') ? () => true : complement(NEWLINE));
      default:
        return this.#one(start, this.#setOf(this.#character()));
    }
  }

  #group(): Node {
    const start = this.#position;
    const outerFlags = this.#flags;
    if (this.#depth === MAX_DEPTH) {
      throw new PatternSyntaxError(start, `groups nest at most ${MAX_DEPTH} deep: remove some`);
    }
    if (!this.#take(CAPTURING_HEAD)) this.#switchFlags();
    this.#depth += 1;
    const body = this.#choice();
    this.#depth -= 1;
    if (!this.#take(/\)/y)) {
      throw new PatternSyntaxError(start, 'this group has no end: add a ) or write \\(');
    }
    this.#flags = outerFlags;
    return body;
  }

  /** Takes `(?flags)` or the head of `(?flags:…)`. */
  #switchFlags(): void {
    const start = this.#position;
    if (this.#isAt(LOOK_AROUND)) {
      throw new PatternSyntaxError(
        start,
        'look-around is not supported: match the text around as well, or combine two filters',
      );
    }
    const { on = '', off = '' } = this.#take(FLAGS_HEAD)?.groups ?? {};
    if (this.#position === start) {
      throw new PatternSyntaxError(
        start,
        'this kind of group is not known: write (…), (?:…), (?<name>…) or flags such as (?i)',
      );
    }
    if (/[^ims]/.test(on + off)) {
      throw new PatternSyntaxError(start, 'this flag is not known: the flags are i, m and s');
    }
    this.#flags = FLAGS.filter((f) => (this.#flags + on).includes(f) && !off.includes(f)).join('');
  }

  /** Takes `[…]`. */
  #class(): CodePointSet {
    const start = this.#position;
    const isNegated = this.#take(/\[(\^?)/y)?.[1] === '^';
    const members: CodePointSet[] = [];
    // A ] that stands first is itself.
    do {
      if (this.#position >= this.#source.length) {
        throw new PatternSyntaxError(start, 'this class has no end: add a ] or write \\[');
      }
      members.push(this.#member());
    } while (!this.#take(/\]/y));
    return isNegated ? complement(union(members)) : union(members);
  }

  #member(): CodePointSet {
    const start = this.#position;
    if (this.#isAt(POSIX_CLASS)) {
      throw new PatternSyntaxError(
        start,
        'classes such as [:alpha:] are not supported: write \\p{L}, \\d or a range',
      );
    }
    const first = this.#memberBound();
    if (typeof first !== 'number' || !this.#take(RANGE_HYPHEN)) return this.#setOf(first);
    const last = this.#memberBound();
    if (typeof last !== 'number') {
      throw new PatternSyntaxError(
        start,
        'a range ends with one character: write \\- for a hyphen',
      );
    }
    if (last < first) {
      throw new PatternSyntaxError(start, 'this range is empty: swap its ends');
    }
    return this.#foldedIfAsked(range(first, last));
  }

  #memberBound(): number | CodePointSet {
    return this.#isAt(/\\/y) ? this.#escape() : this.#character();
  }

  #character(): number {
    return this.#take(/[^]/uy)?.[0].codePointAt(0) ?? 0;
  }

  /** Takes an escape that stands for a code point or for a set of them. */
  #escape(): number | CodePointSet {
    const start = this.#position;
    const shorthand = this.#take(SHORTHAND)?.[1];
    if (shorthand !== undefined) {
      const lower = shorthand.toLowerCase();
      const set = this.#foldedIfAsked(SHORTHANDS.get(lower) ?? (() => false));
      return shorthand === lower ? set : complement(set);
    }
    const property = this.#take(UNICODE_CLASS)?.groups;
    if (property !== undefined) {
      const name = property.name ?? property.short ?? '';
      const known = unicodeClass(name);
      if (known === null) {
        throw new PatternSyntaxError(
          start,
          `the Unicode class ${name} is not known: write one such as \\p{L}, \\p{Lu} or \\p{Greek}`,
        );
      }
      const set = this.#foldedIfAsked(known);
      return (property.letter === 'P') === (property.not === '^') ? set : complement(set);
    }
    return this.#escapedCodePoint();
  }

  #escapedCodePoint(): number {
    const start = this.#position;
    const pair = this.#take(SURROGATE_PAIR);
    if (pair !== null) {
      const units = pair.slice(1).map((digits) => Number.parseInt(digits, 16));
      return String.fromCharCode(...units).codePointAt(0) ?? 0;
    }
    const hexadecimal = this.#take(HEXADECIMAL);
    if (hexadecimal !== null) {
      const codePoint = Number.parseInt(hexadecimal.slice(1).join(''), 16);
      if (codePoint <= MAX_CODE_POINT) return codePoint;
      throw new PatternSyntaxError(start, 'the largest code point is \\x{10FFFF}: write less');
    }
    const control = CONTROLS[this.#take(CONTROL)?.[1] ?? ''];
    if (control !== undefined) return control;
    const mark = this.#take(ESCAPED_MARK)?.[1]?.codePointAt(0);
    if (mark !== undefined) return mark;
    throw new PatternSyntaxError(start, unknownEscape(this.#source.slice(start + 1, start + 2)));
  }

  #setOf(member: number | CodePointSet): CodePointSet {
    return typeof member === 'number' ? this.#foldedIfAsked(range(member)) : member;
  }

  /** Case is ignored before a negation, so that `(?i)[^a]` and `(?i)[^\W]` mean what they say. */
  #foldedIfAsked(set: CodePointSet): CodePointSet {
    return this.#flags.includes('i') ? ignoringCase(set) : set;
  }

  /** One code point of a set; the set is the same wherever the same source stands under the same flags. */
  #one(start: number, set: CodePointSet): Node {
    const key = `${this.#flags} ${this.#source.slice(start, this.#position)}`;
    const known = this.#setsBySource.get(key);
    if (known !== undefined) return { kind: 'one', set: known };
    this.#setsBySource.set(key, this.sets.length);
    this.sets.push(set);
    return { kind: 'one', set: this.sets.length - 1 };
  }

  #take(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#position;
    const found = expression.exec(this.#source);
    if (found !== null) this.#position += found[0].length;
    return found;
  }

  #isAt(expression: RegExp): boolean {
    expression.lastIndex = this.#position;
    return expression.test(this.#source);
  }
}

function boundsOf(quantifier: RegExpExecArray, position: number): { min: number; max: number } {
  if (quantifier[0] === '?') return { min: 0, max: 1 };
  if (quantifier[0] === '*') return { min: 0, max: Infinity };
  if (quantifier[0] === '+') return { min: 1, max: Infinity };
  const { min: least = '', comma, max: most = '' } = quantifier.groups ?? {};
  const min = Number(least);
  const max = comma === undefined ? min : most === '' ? Infinity : Number(most);
  if (min > MAX_COUNT || (max > MAX_COUNT && max !== Infinity)) {
    throw new PatternSyntaxError(position, `a count is at most ${MAX_COUNT}: lower it`);
  }
  if (min > max) {
    throw new PatternSyntaxError(position, 'the counts are the wrong way round: swap them');
  }
  return { min, max };
}

/** @param character what follows the backslash, empty at the end of the source */
function unknownEscape(character: string): string {
  if (character === '') return 'a \\ at the end escapes nothing: write \\\\ to mean a backslash';
  if (character === '0') return '\\0 is not followed by a digit: write \\x{…} for a code point';
  if (/\d/.test(character)) return 'back-references are not supported: repeat the group itself';
  if (character === 'x') return '\\x takes two hexadecimal digits, or braces as in \\x{1F600}';
  if (character === 'u') return '\\u takes four hexadecimal digits, or braces as in \\u{1F600}';
  if (/p/i.test(character)) return `\\${character} takes a Unicode class, as in \\${character}{L}`;
  return `the escape \\${character} is not known here: write ${character} to mean the letter`;
}
