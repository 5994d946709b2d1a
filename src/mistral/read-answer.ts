/** How the reading of a body came to its end, and the text until there. */
export interface ReadText {
  text: string;
  end: 'whole' | 'broken' | 'silent' | 'too_large';
}

/**
 * Reads a body as text, up to a size; what is not read is given up.
 * @param silenceMs a body that sends nothing for so long has ended `silent`
 */
export async function readText(
  answer: Response,
  maxBytes: number,
  silenceMs: number,
): Promise<ReadText> {
  if (answer.body === null) return { text: '', end: 'whole' };
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let left = maxBytes;
  const finish = (end: ReadText['end']) => ({ text: text + decoder.decode(), end });
  // What broke off already cannot be cancelled, and need not be.
  const giveUp = () => reader.cancel().catch(() => undefined);
  try {
    for (;;) {
      const read = await inTime(reader.read(), silenceMs);
      if (read === null) {
        await giveUp();
        return finish('silent');
      }
      if (read.done) return finish('whole');
      const taken = read.value.subarray(0, left);
      text += decoder.decode(taken, { stream: true });
      left -= taken.byteLength;
      if (taken.byteLength < read.value.byteLength) {
        await giveUp();
        return finish('too_large');
      }
    }
  } catch {
    return finish('broken');
  }
}

/** What a promise gives, or null when it takes longer. */
async function inTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T | null> {
  let timer: number | null = null;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
