import { ChatTextReader } from '../domain/simple-chat.ts';

/**
 * The text of a chat's event stream, each piece as soon as its event is complete. A stream that ends without `[DONE]`,
 * or that reports an error, errors: its text must not pass for whole. The copying outlives the handler: hold `done`
 * with `waitUntil`. A client that leaves cancels `events`.
 */
export function textStream(events: ReadableStream<Uint8Array>): {
  body: ReadableStream<Uint8Array>;
  done: Promise<void>;
} {
  const { readable, writable } = new IdentityTransformStream();
  return { body: readable, done: pump(events.getReader(), writable.getWriter()) };
}

async function pump(
  events: ReadableStreamDefaultReader<Uint8Array>,
  client: WritableStreamDefaultWriter<Uint8Array>,
): Promise<void> {
  const text = new ChatTextReader();
  const encoder = new TextEncoder();
  try {
    while (text.state === 'open') {
      const { done, value } = await events.read();
      if (done) throw new Error('The answer ended before it was whole.');
      const piece = text.push(value);
      if (piece !== '') await client.write(encoder.encode(piece));
    }
    if (text.state === 'broken') throw new Error('The answer broke off.');
    await client.close();
    // What may follow is no text, but who counts the stream wants to see its end.
    while (!(await events.read()).done);
  } catch (error) {
    // Either side may be gone already; what matters is that both end.
    await Promise.allSettled([events.cancel(error), client.abort(error)]);
  }
}
