import { isObject } from './json.ts';

/** Stands where a text was cut. */
export const CUT_MARK = '… [cut by Windsock]';

const FIRST_CAP = 65_536;
const LAST_CAP = 64;

/**
 * The JSON text of a list of messages, of at most a given size in bytes. A list that is longer has its long
 * texts cut and marked, all by one measure; where that is not enough, messages in the middle give way to one that says
 * how many they were.
 */
export function boundedJson(messages: readonly unknown[], maxBytes: number): string {
  let text = JSON.stringify(messages);
  for (let cap = FIRST_CAP; exceeds(text, maxBytes) && cap >= LAST_CAP; cap /= 4) {
    text = JSON.stringify(messages.map((message) => cutTexts(message, cap)));
  }
  for (
    let kept = messages.length >> 1;
    exceeds(text, maxBytes) && kept >= 0;
    kept = kept > 0 ? kept >> 1 : -1
  ) {
    const first = messages.slice(0, Math.ceil(kept / 2));
    const last = messages.slice(messages.length - Math.floor(kept / 2));
    const left = messages.length - first.length - last.length;
    const mark = { role: 'system', content: `${left} messages ${CUT_MARK}` };
    text = JSON.stringify([...first, mark, ...last].map((message) => cutTexts(message, LAST_CAP)));
  }
  return exceeds(text, maxBytes) ? '[]' : text;
}

function exceeds(text: string, maxBytes: number): boolean {
  // A UTF-16 unit is one to three bytes of UTF-8; what is in doubt is counted.
  if (text.length > maxBytes) return true;
  return text.length * 3 > maxBytes && new TextEncoder().encode(text).byteLength > maxBytes;
}

const MAX_DEPTH = 64;

function cutTexts(value: unknown, cap: number, depth = 0): unknown {
  if (typeof value === 'string') {
    return value.length > cap ? value.slice(0, cap).toWellFormed() + CUT_MARK : value;
  }
  if (depth === MAX_DEPTH) return CUT_MARK;
  if (Array.isArray(value)) return value.map((item) => cutTexts(item, cap, depth + 1));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, cutTexts(item, cap, depth + 1)]),
  );
}
