import { quoted } from '../filter.ts';
import { WhereMistake } from './mistake.ts';

/**
 * A token of the Explorer language. `position` and `text` are of the source, in UTF-16 units; `value` is what a
 * string stands for. The end has no text.
 */
export type Token =
  | {
      kind: 'word' | 'symbol' | 'number' | 'open' | 'close' | 'other' | 'end';
      position: number;
      text: string;
    }
  | { kind: 'string'; position: number; text: string; value: string };

const WHITE_SPACE = /\s*/y;
const SHAPES = [
  ['word', /[A-Za-z_][A-Za-z0-9_.-]*/y],
  ['symbol', /[=!<>~&|]+/y],
  // All that hangs together, so that 1.2.3 or 7d is one mistake.
  ['number', /[-+.0-9][A-Za-z0-9_.+-]*/y],
  ['open', /\(/y],
  ['close', /\)/y],
  ['other', /./suy],
] as const;

const PLAIN = /[^"\\]*/y;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['n', '\n'],
  ['t', '\t'],
]);

/** Cuts a text into tokens, one at a time and each character once. */
export class Tokens {
  readonly #source: string;
  #position = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /**
   * The next token; after the last one always the end.
   * @throws {WhereMistake} in a string
   */
  next(): Token {
    this.#take(WHITE_SPACE);
    const position = this.#position;
    if (position === this.#source.length) return { kind: 'end', position, text: '' };
    if (this.#source[position] === '"') return this.#string();
    for (const [kind, shape] of SHAPES) {
      const text = this.#take(shape);
      if (text !== '') return { kind, position, text };
    }
    throw new Error('Every character is a token.');
  }

  #string(): Token {
    const position = this.#position++;
    let value = '';
    for (;;) {
      value += this.#take(PLAIN);
      const at = this.#position;
      const escaped = this.#source[at + 1];
      if (this.#source[at] === '"') {
        this.#position++;
        return { kind: 'string', position, text: this.#source.slice(position, at + 1), value };
      }
      if (escaped === undefined) {
        throw new WhereMistake(position, 'This text has no end; close it with a double quote (").');
      }
      const character = ESCAPES.get(escaped);
      if (character === undefined) {
        const escape = quoted(String.fromCodePoint(this.#source.codePointAt(at + 1) ?? 0));
        throw new WhereMistake(
          at,
          `There is no escape of ${escape}; after a backslash comes ", \\, n or t. A backslash itself is written \\\\.`,
        );
      }
      value += character;
      this.#position += 2;
    }
  }

  /** What stands here of this shape, possibly nothing. */
  #take(shape: RegExp): string {
    shape.lastIndex = this.#position;
    const text = shape.exec(this.#source)?.[0] ?? '';
    this.#position += text.length;
    return text;
  }
}
