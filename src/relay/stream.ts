import { EventBoundary, KEEPALIVE } from '../domain/sse.ts';
import { logError } from '../platform/log.ts';

/** Times of a relayed stream, in milliseconds. */
export interface StreamTimes {
  /** Silence after which a comment is sent; it also shows whether the client is still there. */
  heartbeatMs: number;
  /** Silence after which the upstream is given up. */
  idleTimeoutMs: number;
}

/** Sees an answer go by, each chunk after the client has got it. */
export interface AnswerObserver {
  chunk: (bytes: Uint8Array) => void;
  /** The answer has ended, whole or not. */
  end: () => Promise<void>;
}

/**
 * Relays a body of a known kind as it comes, for an observer's sake; without one the runtime does it better.
 * @param length bytes that the body has, where that is known: the client is told it
 */
export function relayBody(
  upstream: ReadableStream<Uint8Array>,
  length: number | null,
  observer: AnswerObserver,
  abort: AbortController,
): { body: ReadableStream<Uint8Array>; done: Promise<void> } {
  const { readable, writable } =
    length === null ? new IdentityTransformStream() : new FixedLengthStream(length);
  return { body: readable, done: pump(upstream, writable, null, observer, abort) };
}

/**
 * Relays an event stream, bytes unchanged, comments put in only between events. The copying has to outlive the
 * handler: hold `done` with `waitUntil`. A slow client slows the upstream, because each chunk is awaited.
 * @param abort closes the upstream; fired when the client has gone or the upstream is silent for too long
 */
export function relayStream(
  upstream: ReadableStream<Uint8Array>,
  times: StreamTimes,
  observer: AnswerObserver | null,
  abort: AbortController,
): { body: ReadableStream<Uint8Array>; done: Promise<void> } {
  const { readable, writable } = new IdentityTransformStream();
  return { body: readable, done: pump(upstream, writable, times, observer, abort) };
}

async function pump(
  upstream: ReadableStream<Uint8Array>,
  client: WritableStream<Uint8Array>,
  times: StreamTimes | null,
  observer: AnswerObserver | null,
  abort: AbortController,
): Promise<void> {
  const reader = upstream.getReader();
  const writer = client.getWriter();
  const boundary = new EventBoundary();
  const keepalive = new TextEncoder().encode(KEEPALIVE);
  let lastChunkAt = Date.now();
  let lastByteAt = lastChunkAt;
  let isWriting = false;

  // One timer a stream: it looks when the next moment to act comes, instead of being set anew with each chunk.
  let timer = times === null ? null : setTimeout(onSilence, times.heartbeatMs);
  function onSilence(): void {
    if (times === null) return;
    const now = Date.now();
    if (now - lastChunkAt >= times.idleTimeoutMs) {
      abort.abort(new Error('The upstream was silent for too long.'));
      return;
    }
    if (now - lastByteAt >= times.heartbeatMs && boundary.between && !isWriting) {
      lastByteAt = now;
      // A write to a client that has gone fails: that is how it is noticed on a silent stream.
      writer.write(keepalive).catch((error: unknown) => abort.abort(error));
    }
    const untilHeartbeat = lastByteAt + times.heartbeatMs - now;
    const untilIdle = lastChunkAt + times.idleTimeoutMs - now;
    const wait = untilHeartbeat > 0 ? Math.min(untilHeartbeat, untilIdle) : times.heartbeatMs;
    timer = setTimeout(onSilence, Math.max(1, wait));
  }

  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      lastChunkAt = lastByteAt = Date.now();
      boundary.push(value);
      isWriting = true;
      await writer.write(value);
      isWriting = false;
      observer?.chunk(value);
    }
    await writer.close();
  } catch (error) {
    // The upstream broke, or the client left. Either way both sides end, and the client's not as if all were well.
    abort.abort(error);
    await writer.abort(error).catch((abortError: unknown) => logError('stream_abort', abortError));
  } finally {
    clearTimeout(timer);
    await observer?.end();
  }
}
