import { EventFramer, MAX_EVENT_BYTES } from '../domain/sse-frames.ts';
import { KEEPALIVE } from '../domain/sse.ts';

/** Times of a relayed stream, in milliseconds. */
export interface StreamTimes {
  /** Silence after which a comment is sent; it also shows whether the client is still there. */
  heartbeatMs: number;
  /** Silence after which the upstream is given up. */
  idleTimeoutMs: number;
}

/**
 * Why a stream is over: the upstream ended it (`held` is what came after the last whole event), broke it, fell silent,
 * sent an event beyond all bounds, or the client has gone.
 */
export type StreamEnd =
  | { kind: 'ended'; held: Uint8Array }
  | { kind: 'broken' }
  | { kind: 'idle' }
  | { kind: 'too_large' }
  | { kind: 'client_left' };

/** Sees a stream go by and decides how it ends for the client. */
export interface StreamWatcher {
  /** One or more whole events, after the client has got them. */
  events: (bytes: Uint8Array) => void;
  /** The last bytes for the client; null where it should see the stream break. */
  lastWords: (end: StreamEnd) => Uint8Array | null;
}

/** What every event stream gets: what the upstream ended is passed on, what it broke is seen to break. */
export const PLAIN_STREAM: StreamWatcher = {
  events: () => undefined,
  lastWords: (end) => (end.kind === 'ended' ? end.held : null),
};

/**
 * Relays an event stream: bytes unchanged, each event whole and as soon as it is, comments only between events. The
 * copying has to outlive the handler: hold `done` with `waitUntil`. A slow client slows the upstream, because each
 * write is awaited, and nothing is held but the one event that is not complete.
 * @param signal fires when the client has gone
 * @param abort closes the upstream
 */
export function relayStream(
  upstream: ReadableStream<Uint8Array>,
  times: StreamTimes,
  watcher: StreamWatcher,
  signal: AbortSignal,
  abort: AbortController,
): { body: ReadableStream<Uint8Array>; done: Promise<StreamEnd> } {
  const { readable, writable } = new IdentityTransformStream();
  return { body: readable, done: pump(upstream, writable, times, watcher, signal, abort) };
}

const KEEPALIVE_BYTES = new TextEncoder().encode(KEEPALIVE);

async function pump(
  upstream: ReadableStream<Uint8Array>,
  client: WritableStream<Uint8Array>,
  times: StreamTimes,
  watcher: StreamWatcher,
  signal: AbortSignal,
  abort: AbortController,
): Promise<StreamEnd> {
  const reader = upstream.getReader();
  const writer = client.getWriter();
  const framer = new EventFramer();
  let lastChunkAt = Date.now();
  let lastWriteAt = lastChunkAt;
  let isWriting = false;
  let isCommenting = false;
  let isIdle = false;
  let hasLeft = false;

  // One timer a stream: it looks when the next moment to act comes, instead of being set anew with each chunk.
  let timer = setTimeout(onSilence, Math.min(times.heartbeatMs, times.idleTimeoutMs));
  function onSilence(): void {
    const now = Date.now();
    // While the client is slow to take an event, the upstream is not asked for the next: that is no silence of its own.
    if (isWriting) lastChunkAt = now;
    if (now - lastChunkAt >= times.idleTimeoutMs) {
      isIdle = true;
      abort.abort(new Error('The upstream was silent for too long.'));
      return;
    }
    if (now - lastWriteAt >= times.heartbeatMs && !isWriting && !isCommenting) {
      lastWriteAt = now;
      isCommenting = true;
      // A write to a client that has gone fails: that is how it is noticed on a silent stream.
      writer.write(KEEPALIVE_BYTES).then(
        () => (isCommenting = false),
        (error: unknown) => {
          hasLeft = true;
          abort.abort(error);
        },
      );
    }
    const untilHeartbeat = Math.max(1, lastWriteAt + times.heartbeatMs - now);
    const untilIdle = Math.max(1, lastChunkAt + times.idleTimeoutMs - now);
    timer = setTimeout(onSilence, Math.min(untilHeartbeat, untilIdle));
  }

  async function copy(): Promise<StreamEnd> {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { kind: 'ended', held: framer.held };
      lastChunkAt = Date.now();
      const whole = framer.push(value);
      if (framer.heldBytes > MAX_EVENT_BYTES) return { kind: 'too_large' };
      if (whole === null) continue;
      isWriting = true;
      try {
        await writer.write(whole);
      } catch {
        return { kind: 'client_left' };
      }
      isWriting = false;
      lastWriteAt = lastChunkAt;
      watcher.events(whole);
    }
  }

  // Whoever leaves or breaks off makes a read or a write fail; who it was is told by what is set then.
  const copied = await copy().catch((): StreamEnd => ({ kind: 'broken' }));
  clearTimeout(timer);
  const end: StreamEnd =
    signal.aborted || hasLeft ? { kind: 'client_left' } : isIdle ? { kind: 'idle' } : copied;
  if (end.kind !== 'ended') abort.abort(new Error(`The stream is over: ${end.kind}.`));
  await finish(writer, end.kind === 'client_left' ? null : watcher.lastWords(end));
  return end;
}

async function finish(
  writer: WritableStreamDefaultWriter<Uint8Array>,
  lastWords: Uint8Array | null,
): Promise<void> {
  try {
    if (lastWords === null) {
      await writer.abort(new Error('The stream broke off.'));
      return;
    }
    if (lastWords.byteLength > 0) await writer.write(lastWords);
    await writer.close();
  } catch {
    // The client has gone between its last event and this one: there is nobody left to tell.
  }
}
