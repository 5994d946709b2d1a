/**
 * Relays bytes as they come. A source that breaks off or falls silent breaks the client's body too, so that half a file
 * never passes for a whole one; a client that leaves closes the source. The copying has to outlive the handler: hold
 * `done` with `waitUntil`.
 * @param idleTimeoutMs silence after which the source is given up
 * @param abort closes the source; fired by the client's leaving, or from here
 */
export function relayBytes(
  source: ReadableStream<Uint8Array>,
  idleTimeoutMs: number,
  abort: AbortController,
): { body: ReadableStream<Uint8Array>; done: Promise<void> } {
  const { readable, writable } = new IdentityTransformStream();
  const done = pump(source.getReader(), writable.getWriter(), idleTimeoutMs, abort);
  return { body: readable, done };
}

async function pump(
  source: ReadableStreamDefaultReader<Uint8Array>,
  client: WritableStreamDefaultWriter<Uint8Array>,
  idleTimeoutMs: number,
  abort: AbortController,
): Promise<void> {
  // A read that waits ends with `done` then, and the next write fails.
  const giveUp = () =>
    Promise.allSettled([source.cancel(abort.signal.reason), client.abort(abort.signal.reason)]);
  abort.signal.addEventListener('abort', () => void giveUp(), { once: true });
  let readingSince: number | null = Date.now();
  let timer = setTimeout(onSilence, idleTimeoutMs);
  function onSilence(): void {
    // While the client is slow to take what came, the source is not asked: that is no silence of its own.
    const left = (readingSince ?? Date.now()) + idleTimeoutMs - Date.now();
    if (left > 0) timer = setTimeout(onSilence, left);
    else abort.abort(new Error('The source was silent for too long.'));
  }
  try {
    for (;;) {
      readingSince = Date.now();
      const { done, value } = await source.read();
      readingSince = null;
      abort.signal.throwIfAborted();
      if (done) break;
      await client.write(value);
    }
    await client.close();
  } catch (error) {
    abort.abort(error);
    // It may have been aborted before there was a listener.
    await giveUp();
  } finally {
    clearTimeout(timer);
  }
}
