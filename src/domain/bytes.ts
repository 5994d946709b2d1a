/** One array with the bytes of many. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** The beginning of a text that has at most so many bytes as UTF-8; no character is cut in two. */
export function cutToBytes(text: string, maxBytes: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.byteLength <= maxBytes) return text;
  // As of a stream that goes on: the beginning of a character is held back, not replaced.
  return new TextDecoder().decode(bytes.subarray(0, maxBytes), { stream: true });
}
