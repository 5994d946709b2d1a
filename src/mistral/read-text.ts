import { TimedOut, within } from '../platform/within.ts';

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
      const { done, value } = await within(reader.read(), silenceMs);
      if (done) return finish('whole');
      const taken = value.subarray(0, left);
      text += decoder.decode(taken, { stream: true });
      left -= taken.byteLength;
      if (taken.byteLength < value.byteLength) {
        await giveUp();
        return finish('too_large');
      }
    }
  } catch (error) {
    if (!(error instanceof TimedOut)) return finish('broken');
    await giveUp();
    return finish('silent');
  }
}
