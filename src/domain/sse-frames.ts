import { concat } from './bytes.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** An event that is longer is no event of a chat: whoever sends it is broken. */
export const MAX_EVENT_BYTES = 8 * 1024 * 1024;

/**
 * Cuts the bytes of an event stream at the ends of events, so that they can be forwarded whole: an event ends with a
 * blank line (WHATWG HTML, 9.2.5; LF, CRLF and CR end a line). It holds the bytes of one unfinished event and no more,
 * and copies only those.
 */
export class EventFramer {
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  // The two bytes before the next chunk: a blank line may be cut anywhere.
  #last = 0;
  #beforeLast = 0;

  /** Takes the next bytes, cut anywhere; returns those up to the last end of an event, or null when none ended. */
  push(bytes: Uint8Array): Uint8Array | null {
    const end = this.#lastEventEnd(bytes);
    const { byteLength } = bytes;
    if (byteLength > 1) this.#beforeLast = bytes[byteLength - 2] ?? 0;
    else if (byteLength === 1) this.#beforeLast = this.#last;
    if (byteLength > 0) this.#last = bytes[byteLength - 1] ?? 0;
    if (end === 0) {
      this.#hold(bytes);
      return null;
    }
    const head = end === byteLength ? bytes : bytes.subarray(0, end);
    const whole = this.#heldBytes === 0 ? head : concat([...this.#held, head]);
    this.#held = [];
    this.#heldBytes = 0;
    if (end < byteLength) this.#hold(bytes.slice(end));
    return whole;
  }

  /** Size of the unfinished event. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The bytes of the unfinished event. */
  get held(): Uint8Array {
    return concat(this.#held);
  }

  #hold(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    this.#held.push(bytes);
    this.#heldBytes += bytes.byteLength;
  }

  /** Where the last event that ends in these bytes ends; 0 when none does. */
  #lastEventEnd(bytes: Uint8Array): number {
    for (let at = bytes.byteLength - 1; at >= 0; at--) {
      const byte = bytes[at];
      if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) {
        // Most bytes are text: the next candidate is found without looking at each in turn.
        at = Math.max(bytes.lastIndexOf(LINE_FEED, at), bytes.lastIndexOf(CARRIAGE_RETURN, at)) + 1;
        continue;
      }
      const before = at > 0 ? bytes[at - 1] : this.#last;
      if (before === byte) return at + 1;
      if (byte !== LINE_FEED || before !== CARRIAGE_RETURN) continue;
      const beforeThat = at > 1 ? bytes[at - 2] : at === 1 ? this.#last : this.#beforeLast;
      if (beforeThat === LINE_FEED || beforeThat === CARRIAGE_RETURN) return at + 1;
    }
    return 0;
  }
}
