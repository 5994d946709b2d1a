// A push parser for multipart/form-data (RFC 7578 over RFC 2046, 5.1), for bodies too large to be held: bytes in, cut
// anywhere, events out; it keeps no more than a delimiter's length, or the headers of one part.

import { concat } from './bytes.ts';

/** A part begins, as its headers describe it. */
export interface PartHead {
  name: string;
  filename: string | null;
  contentType: string;
}

export type MultipartEvent =
  | { kind: 'part'; head: PartHead }
  | { kind: 'data'; bytes: Uint8Array }
  | { kind: 'malformed'; message: string };

const CR = 0x0d;
const LF = 0x0a;
const HYPHEN = 0x2d;
const MAX_HEAD_BYTES = 16_384;
const LINE_END_BYTES = 2;
const HEAD_END = new TextEncoder().encode('\r\n\r\n');

/** The boundary in a `content-type` of multipart/form-data, or null. */
export function boundaryOf(contentType: string): string | null {
  if (!/^multipart\/form-data\s*;/i.test(contentType)) return null;
  const boundary = parameters(contentType).get('boundary');
  return boundary !== undefined && boundary.length > 0 && boundary.length <= 200 ? boundary : null;
}

/** Follows one body. After a `malformed` event nothing more comes of it. */
export class MultipartParser {
  readonly #delimiter: Uint8Array;
  // Begins as if after a line end, because the first delimiter may be the very first line.
  #rest: Uint8Array = Uint8Array.of(CR, LF);
  /** Bytes of the line end after the headers that still stand before the data. */
  #headEndBytes = 0;
  #state: 'preamble' | 'delimiter' | 'head' | 'data' | 'epilogue' | 'malformed' = 'preamble';

  constructor(boundary: string) {
    this.#delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
  }

  /** True once the closing delimiter has come: the body is whole. */
  get isComplete(): boolean {
    return this.#state === 'epilogue';
  }

  /** Takes the next bytes. `data` events are views of what was given. */
  *push(bytes: Uint8Array): Generator<MultipartEvent> {
    let buffer = this.#rest.byteLength === 0 ? bytes : concat([this.#rest, bytes]);
    for (;;) {
      switch (this.#state) {
        case 'epilogue':
        case 'malformed':
          this.#rest = new Uint8Array();
          return;
        case 'preamble':
        case 'data': {
          const found = find(buffer, this.#delimiter);
          const end = found === -1 ? heldBack(buffer, this.#delimiter.byteLength) : found;
          if (this.#state === 'data' && end > 0) {
            const data = buffer.subarray(this.#headEndBytes, end);
            this.#headEndBytes = 0;
            if (data.byteLength > 0) yield { kind: 'data', bytes: data };
          }
          if (found === -1) {
            this.#rest = buffer.slice(end);
            return;
          }
          buffer = buffer.subarray(found + this.#delimiter.byteLength);
          this.#state = 'delimiter';
          break;
        }
        case 'delimiter': {
          const feed = buffer.indexOf(LF);
          const isClosing = buffer[0] === HYPHEN && buffer[1] === HYPHEN;
          if (isClosing) {
            this.#state = 'epilogue';
          } else if (feed === -1 && buffer.byteLength <= MAX_HEAD_BYTES) {
            this.#rest = buffer.slice();
            return;
          } else if (feed === -1 || !/^[ \t]*\r$/.test(text(buffer.subarray(0, feed)))) {
            yield* this.#fail('A delimiter is not followed by a line end');
          } else {
            // Keeps the line end: the headers may be empty, and then it is half of their end.
            buffer = buffer.subarray(feed - 1);
            this.#state = 'head';
          }
          break;
        }
        case 'head': {
          const end = find(buffer, HEAD_END);
          if (end === -1 && buffer.byteLength <= MAX_HEAD_BYTES) {
            this.#rest = buffer.slice();
            return;
          }
          const head = end === -1 ? null : readHead(text(buffer.subarray(0, end)));
          if (head === null) {
            yield* this.#fail('A part has no content-disposition with a name');
            break;
          }
          yield { kind: 'part', head };
          // The line end that ends the headers stays: in a part without content it begins the next delimiter.
          buffer = buffer.subarray(end + LINE_END_BYTES);
          this.#headEndBytes = LINE_END_BYTES;
          this.#state = 'data';
          break;
        }
      }
    }
  }

  *#fail(message: string): Generator<MultipartEvent> {
    this.#state = 'malformed';
    yield { kind: 'malformed', message };
  }
}

function readHead(lines: string): PartHead | null {
  const headers = new Map<string, string>();
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0)
      headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const disposition = headers.get('content-disposition') ?? '';
  if (!/^form-data\s*;/i.test(disposition)) return null;
  const fields = parameters(disposition);
  const name = fields.get('name');
  if (name === undefined) return null;
  return {
    name: unescaped(name),
    filename: filenameOf(fields),
    contentType: headers.get('content-type') ?? 'application/octet-stream',
  };
}

function filenameOf(fields: ReadonlyMap<string, string>): string | null {
  const extended = /^UTF-8'[^']*'(.*)$/i.exec(fields.get('filename*') ?? '')?.[1];
  if (extended !== undefined) {
    try {
      return decodeURIComponent(extended);
    } catch {
      // A malformed extended name counts for nothing; the plain one may still be there.
    }
  }
  const plain = fields.get('filename');
  return plain === undefined ? null : unescaped(plain);
}

/** Browsers and `FormData` write these three characters so (WHATWG HTML, "multipart form data"). */
function unescaped(value: string): string {
  return value.replaceAll('%22', '"').replaceAll('%0D', '\r').replaceAll('%0A', '\n');
}

/** The parameters of a header value, names in lower case, quoted strings without their quotes (RFC 9110, 5.6.6). */
function parameters(value: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', quoted, token] of value.matchAll(
    /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g,
  )) {
    found.set(name.toLowerCase(), quoted?.replaceAll(/\\(["\\])/g, '$1') ?? token ?? '');
  }
  return found;
}

function find(bytes: Uint8Array, wanted: Uint8Array): number {
  const [first = CR] = wanted;
  for (let at = bytes.indexOf(first); at !== -1; at = bytes.indexOf(first, at + 1)) {
    if (at + wanted.byteLength > bytes.byteLength) return -1;
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

/** From where on the bytes may be the beginning of a delimiter that is not all there. */
function heldBack(bytes: Uint8Array, delimiterLength: number): number {
  const from = Math.max(0, bytes.byteLength - delimiterLength + 1);
  const start = bytes.indexOf(CR, from);
  return start === -1 ? bytes.byteLength : start;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
