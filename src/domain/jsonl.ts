import { isObject } from './json.ts';

/** One row of a dataset file, whichever generation of the format it was written in. */
export interface DatasetRow {
  payload: Record<string, unknown>;
  properties: Record<string, unknown>;
}

/** A row, or what is wrong with the line. */
export type RowCheck = { ok: true; row: DatasetRow } | { ok: false; reason: string };

/** Longest line that is taken, in bytes; a record has to fit in one SQLite row. */
export const MAX_LINE_BYTES = 2_000_000;

/**
 * Checks one line of a dataset file and reads it. Two generations of the format are in use:
 * `{"messages":[…],"properties":{…}}` and `{"payload":{…},"properties":{…}}`; `properties` may be left out.
 * @param line without its line end
 */
export function checkRow(line: string): RowCheck {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { ok: false, reason: 'is not JSON' };
  }
  if (!isObject(value)) return { ok: false, reason: 'is not a JSON object' };
  const properties = value['properties'] ?? {};
  if (!isObject(properties))
    return { ok: false, reason: 'has "properties" that are not an object' };
  const { payload, messages } = value;
  if (payload !== undefined) {
    if (!isObject(payload)) return { ok: false, reason: 'has a "payload" that is not an object' };
    return { ok: true, row: { payload, properties } };
  }
  if (messages === undefined) return { ok: false, reason: 'has neither "messages" nor "payload"' };
  if (!Array.isArray(messages) || !messages.every(isObject)) {
    return { ok: false, reason: 'has "messages" that are not a list of objects' };
  }
  return { ok: true, row: { payload: { messages }, properties } };
}

/** What is wrong with a line above {@link MAX_LINE_BYTES}. */
export const LINE_TOO_LONG = `is longer than ${MAX_LINE_BYTES} bytes`;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Checks one line of a dataset file as its bytes; a blank one is read over.
 * @param bytes without line end and byte order mark
 */
export function checkLine(bytes: Uint8Array): RowCheck | 'blank' {
  if (bytes.byteLength > MAX_LINE_BYTES) return { ok: false, reason: LINE_TOO_LONG };
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { ok: false, reason: 'is not UTF-8' };
  }
  return text.trim() === '' ? 'blank' : checkRow(text);
}

/** Ends a line, alone or after a carriage return. */
export const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/** A line found in a slice of a file; `end` is the offset in the slice where the next line begins. */
export interface Line {
  bytes: Uint8Array;
  end: number;
}

/**
 * The whole lines of a slice, without their line ends (LF or CRLF).
 * @param first the slice is the beginning of the file: a byte order mark is dropped
 * @param last the slice ends where the file does: the rest counts as a line even without a line end
 */
export function* linesOf(slice: Uint8Array, first: boolean, last: boolean): Generator<Line> {
  let start = first && BYTE_ORDER_MARK.every((byte, index) => slice[index] === byte) ? 3 : 0;
  while (start < slice.byteLength) {
    const feed = slice.indexOf(LINE_FEED, start);
    if (feed === -1 && !last) return;
    const stop = feed === -1 ? slice.byteLength : feed;
    const end = feed === -1 ? slice.byteLength : feed + 1;
    const cut = stop > start && slice[stop - 1] === CARRIAGE_RETURN ? stop - 1 : stop;
    yield { bytes: slice.subarray(start, cut), end };
    start = end;
  }
}
