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

/** Longest event whose data is read, in UTF-16 units; of a longer one nothing is. */
const MAX_DATA_LENGTH = 8 * 1024 * 1024;

/** Reads the `data` of events out of the bytes of a stream, cut anywhere (WHATWG HTML, 9.2.6). */
export class EventDataReader {
  readonly #decoder = new TextDecoder();
  #line = '';
  #data: string[] = [];
  #length = 0;
  #endedInCarriageReturn = false;

  /** Takes the next bytes and returns the data of each event that they complete. */
  push(bytes: Uint8Array): string[] {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return [];
    if (this.#endedInCarriageReturn && text.startsWith('\n')) text = text.slice(1);
    this.#endedInCarriageReturn = text.endsWith('\r');
    const lines = (this.#line + text).split(/\r\n|\r|\n/);
    this.#line = lines.pop() ?? '';
    if (this.#line.length > MAX_DATA_LENGTH) {
      this.#line = '';
      this.#length = Infinity;
    }
    const found: string[] = [];
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0 && this.#length <= MAX_DATA_LENGTH)
          found.push(this.#data.join('\n'));
        this.#data = [];
        this.#length = 0;
      } else if (line.startsWith('data:')) {
        this.#length += line.length;
        if (this.#length <= MAX_DATA_LENGTH) this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
      }
    }
    return found;
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
