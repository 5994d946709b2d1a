import { checkLine, LINE_FEED, LINE_TOO_LONG, linesOf, MAX_LINE_BYTES } from './jsonl.ts';

/** A line that is not as it should be. */
export interface LineMistake {
  /** Counted from 1; blank lines count. */
  line: number;
  reason: string;
}

/** So many mistakes are told; what comes after them is not looked at. */
export const MAX_MISTAKES = 20;

/** A byte order mark before the longest line, and the carriage return of a CRLF after it. */
const FRAME_BYTES = 4;
const MAX_HELD_BYTES = MAX_LINE_BYTES + FRAME_BYTES;
const FIRST_HELD_BYTES = 4096;

/**
 * Checks a dataset file as it comes, cut anywhere. Of a line that is not all there it keeps the bytes, of one that is
 * too long none: what is held is bounded, however long the file or a line.
 */
export class JsonlCheck {
  readonly #mistakes: LineMistake[] = [];
  #held = new Uint8Array();
  /** So much of `#held` is in use. */
  #size = 0;
  #isOverlong = false;
  #lines = 0;
  #rows = 0;

  /** The first lines that are wrong, in their order; {@link MAX_MISTAKES} at most. */
  get mistakes(): readonly LineMistake[] {
    return this.#mistakes;
  }

  /** True once there are as many mistakes as are told. */
  get isFull(): boolean {
    return this.#mistakes.length >= MAX_MISTAKES;
  }

  /** Memory that is kept for a line without its end, in bytes. */
  get heldBytes(): number {
    return this.#held.byteLength;
  }

  /** Takes the next bytes; they are not kept. */
  push(bytes: Uint8Array): void {
    let start = 0;
    while (!this.isFull) {
      const feed = bytes.indexOf(LINE_FEED, start);
      if (feed === -1) {
        this.#hold(bytes.subarray(start));
        return;
      }
      this.#endLine(bytes.subarray(start, feed));
      start = feed + 1;
    }
  }

  /** The file is over: what came after the last line end is a line too. A file without a single row is a mistake. */
  end(): void {
    if (this.#size > 0 || this.#isOverlong) this.#endLine(new Uint8Array());
    if (this.#rows > 0 || this.#mistakes.length > 0) return;
    this.#mistakes.push({ line: 1, reason: 'is missing: there is no row at all' });
  }

  #hold(bytes: Uint8Array): void {
    const size = this.#size + bytes.byteLength;
    if (this.#isOverlong || size > MAX_HELD_BYTES) {
      this.#isOverlong = true;
      this.#held = new Uint8Array();
      this.#size = 0;
      return;
    }
    if (size > this.#held.byteLength) {
      const room = Math.max(size, this.#held.byteLength * 2, FIRST_HELD_BYTES);
      const larger = new Uint8Array(Math.min(room, MAX_HELD_BYTES));
      larger.set(this.#held.subarray(0, this.#size));
      this.#held = larger;
    }
    this.#held.set(bytes, this.#size);
    this.#size = size;
  }

  #endLine(rest: Uint8Array): void {
    let whole = rest;
    if (this.#size > 0 || this.#isOverlong) {
      this.#hold(rest);
      whole = this.#held.subarray(0, this.#size);
    }
    this.#lines++;
    if (this.#isOverlong) this.#mistaken(LINE_TOO_LONG);
    // One line at most: there is no line end in it. What is cut off are a byte order mark and a carriage return.
    for (const { bytes } of linesOf(whole, this.#lines === 1, true)) {
      const check = checkLine(bytes);
      if (check === 'blank') continue;
      if (check.ok) this.#rows++;
      else this.#mistaken(check.reason);
    }
    this.#size = 0;
    this.#isOverlong = false;
  }

  #mistaken(reason: string): void {
    this.#mistakes.push({ line: this.#lines, reason });
  }
}
