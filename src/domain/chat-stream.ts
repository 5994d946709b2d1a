import { NO_USAGE, usageOf, type Usage } from './completion.ts';
import { isObject, parseJson } from './json.ts';
import { eventFrame } from './sse.ts';

/** Of the first event only the head is kept, for id and model. */
const MAX_HEAD_BYTES = 65_536;

const bytesOf = (text: string) => new TextEncoder().encode(text);
const DATA = bytesOf('data:');
const USAGE = bytesOf('"usage"');
const DONE = bytesOf('[DONE]');

/**
 * What a relay has to know of a chat's stream: whether it came to `[DONE]`, its usage, and what its chunks are called,
 * for the chunk that reports a break. It is given whole events, and decodes only those that it needs: to look at the
 * bytes of each is far cheaper than to make a text of it.
 */
export class ChatStreamFacts {
  #head: Uint8Array | null = null;
  readonly #decoder = new TextDecoder();
  #usage = NO_USAGE;
  #isDone = false;

  /** Takes the bytes of one or more whole events. */
  see(events: Uint8Array): void {
    if (this.#head === null && includes(events, DATA)) {
      this.#head = events.slice(0, MAX_HEAD_BYTES);
    }
    if (includes(events, USAGE)) {
      for (const data of this.#dataOf(events)) {
        const chunk = parseJson(data);
        this.#usage = (isObject(chunk) ? usageOf(chunk) : null) ?? this.#usage;
      }
    }
    if (!this.#isDone && includes(events, DONE)) {
      this.#isDone = this.#dataOf(events).includes('[DONE]');
    }
  }

  /** Whether the stream came to its proper end. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The last usage that the stream told; nulls when it told none. */
  get usage(): Usage {
    return this.#usage;
  }

  /**
   * The event that ends a stream that broke: a chunk that both SDKs parse, named as the stream's chunks are, with
   * `finish_reason: "error"`, and what happened beside it.
   * @param now milliseconds since the epoch
   */
  breakEvent(
    error: { code: 'upstream_interrupted' | 'idle_timeout'; message: string },
    { requestId, model }: { requestId: string; model: string },
    now: number,
  ): string {
    const head = this.#head === null ? [] : this.#dataOf(this.#head);
    const first = head.map(parseJson).find(isObject);
    const created = first?.['created'];
    return eventFrame(
      JSON.stringify({
        id: typeof first?.['id'] === 'string' ? first['id'] : requestId,
        object: 'chat.completion.chunk',
        created: typeof created === 'number' ? created : Math.floor(now / 1000),
        model: typeof first?.['model'] === 'string' ? first['model'] : model,
        choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
        error: { ...error, request_id: requestId },
      }),
    );
  }

  #dataOf(events: Uint8Array): string[] {
    return dataOf(this.#decoder.decode(events));
  }
}

function includes(bytes: Uint8Array, wanted: Uint8Array): boolean {
  const [first = 0, second] = wanted;
  const last = bytes.byteLength - wanted.byteLength;
  for (let at = bytes.indexOf(first); at !== -1 && at <= last; at = bytes.indexOf(first, at + 1)) {
    if (bytes[at + 1] === second && wanted.every((byte, index) => bytes[at + index] === byte)) {
      return true;
    }
  }
  return false;
}

/** The `data` of each event in a text of whole events. */
export function dataOf(events: string): string[] {
  return events.split(/\r\n\r\n|\n\n|\r\r|\n\r\n/).flatMap((event) => {
    const lines = event
      .split(/\r\n|\r|\n/)
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(line[5] === ' ' ? 6 : 5));
    return lines.length > 0 ? [lines.join('\n')] : [];
  });
}
