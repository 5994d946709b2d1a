/** An open JSON object. */
export type JsonObject = Record<string, unknown>;

/** Whether a value is a JSON object, neither null nor a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether objects and lists are nested more than so many levels deep in a value. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}

/** The value of a JSON text, or undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An integer that may be too long for a number to hold. */
const LONG_INTEGER = /(?:^|[^\d.])\d{16}/;

/**
 * As {@link parseJson}, for a value that is only handed on: an integer that a number cannot hold keeps its digits when
 * it is written again. Until then it is an object without meaning.
 */
export function parseToHandOn(text: string): unknown {
  // To look at each value takes three times as long, and ends where the stack does.
  if (!LONG_INTEGER.test(text)) return parseJson(text);
  try {
    return JSON.parse(text, withDigits);
  } catch {
    return parseJson(text);
  }
}

function withDigits(_key: string, value: unknown, { source }: { source?: string }): unknown {
  const isLost = Number.isInteger(value) && !Number.isSafeInteger(value);
  return isLost && source !== undefined ? JSON.rawJSON(source) : value;
}

declare global {
  /** https://github.com/tc39/proposal-json-parse-with-source, which TypeScript does not know yet. */
  interface JSON {
    parse(text: string, reviver: typeof withDigits): unknown;
    rawJSON(text: string): object;
  }
}

/** Whether a `content-type` declares JSON, in itself or as a suffix (RFC 6839). */
export function isJsonType(contentType: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType);
}
