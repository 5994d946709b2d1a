import type { ImportView } from '../domain/import-view.ts';
import { eventFrame, KEEPALIVE } from '../domain/sse.ts';

/** The open event streams of one import. */
export class Watchers {
  readonly #heartbeatMs: number;
  readonly #writers = new Map<WritableStreamDefaultWriter<Uint8Array>, number>();
  readonly #encoder = new TextEncoder();

  /** @param heartbeatMs a comment is sent so often; it also shows which clients have gone */
  constructor(heartbeatMs: number) {
    this.#heartbeatMs = heartbeatMs;
  }

  /** Opens a stream. @param first what the client has not seen yet; null when it is up to date */
  add(first: ImportView | null): ReadableStream<Uint8Array> {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    const timer = setInterval(() => this.#write(writer, KEEPALIVE), this.#heartbeatMs);
    this.#writers.set(writer, timer);
    if (first !== null) {
      this.#write(writer, frameOf(first));
      if (first.finished_at !== null) this.#end(writer);
    }
    return readable;
  }

  /** Tells everyone of a change, and ends the streams after the last one. */
  push(view: ImportView, isLast: boolean): void {
    for (const writer of this.#writers.keys()) {
      this.#write(writer, frameOf(view));
      if (isLast) this.#end(writer);
    }
  }

  #write(writer: WritableStreamDefaultWriter<Uint8Array>, text: string): void {
    writer.write(this.#encoder.encode(text)).catch(() => this.#drop(writer));
  }

  #end(writer: WritableStreamDefaultWriter<Uint8Array>): void {
    // Closing waits for what was written; it fails only where the client has gone already.
    writer.close().catch(() => undefined);
    this.#drop(writer);
  }

  #drop(writer: WritableStreamDefaultWriter<Uint8Array>): void {
    clearInterval(this.#writers.get(writer) ?? null);
    this.#writers.delete(writer);
  }
}

function frameOf(view: ImportView): string {
  return eventFrame(JSON.stringify(view), { id: String(view.sequence), event: 'import' });
}
