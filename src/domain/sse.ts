const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Follows the bytes of an event stream and tells whether the place reached lies between two events: at the
 * start, or after a blank line (WHATWG HTML, "9.2.5 Parsing an event stream"; LF, CRLF and CR end a line).
 */
export class EventBoundary {
  #lineEnds = 2;
  #afterCarriageReturn = false;

  /** Takes the next bytes, cut anywhere. */
  push(bytes: Uint8Array): void {
    for (const byte of bytes.subarray(-4)) {
      if (byte === CARRIAGE_RETURN) {
        this.#lineEnds++;
      } else if (byte === LINE_FEED) {
        if (!this.#afterCarriageReturn) this.#lineEnds++;
      } else {
        this.#lineEnds = 0;
      }
      this.#afterCarriageReturn = byte === CARRIAGE_RETURN;
    }
  }

  /** True where a comment can be put in without breaking an event. */
  get between(): boolean {
    return this.#lineEnds >= 2;
  }
}

/** One event as it goes over the wire; `data` must be one line. */
export function eventFrame(data: string, fields: { id?: string; event?: string } = {}): string {
  const id = fields.id === undefined ? '' : `id: ${fields.id}\n`;
  const event = fields.event === undefined ? '' : `event: ${fields.event}\n`;
  return `${id}${event}data: ${data}\n\n`;
}

/** A comment frame: keeps idle timers of proxies and clients from running out, and is no event. */
export const KEEPALIVE = ': keepalive\n\n';
