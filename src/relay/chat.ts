import { ChatStreamFacts, dataOf } from '../domain/chat-stream.ts';
import { CompletionReader, type Usage } from '../domain/completion.ts';
import type { Outcome } from '../domain/usage.ts';
import type { StreamEnd, StreamWatcher } from './stream.ts';

/** A chat as it is known before its answer. */
export interface ChatRequest {
  requestId: string;
  /** The model that was asked for; empty when the body named none. */
  model: string;
}

/** A chat that is over. */
export interface ChatReport {
  outcome: Outcome;
  usage: Usage;
  /** When the first byte of the body was there, milliseconds since the epoch; null when none came. */
  firstByteAt: number | null;
  /** Bytes of the body that came from the upstream. */
  bytes: number;
}

/** Sees the content of an answer, for those who keep it. */
export interface ContentSink {
  /** The text of one or more whole events of a stream. */
  events: (text: string) => void;
  /** The text of an answer that was not streamed. */
  body: (text: string) => void;
}

const MESSAGES = {
  upstream_interrupted: 'The upstream broke off this stream; what came before is all there is.',
  idle_timeout: 'The upstream fell silent; this stream was given up.',
} as const;

/** Follows the answer to one chat: decides how its stream ends for the client, and reports how it went. */
export class ChatWatcher implements StreamWatcher {
  readonly #chat: ChatRequest;
  readonly #sink: ContentSink | null;
  readonly #facts = new ChatStreamFacts();
  readonly #decoder = new TextDecoder();
  #firstByteAt: number | null = null;
  #bytes = 0;

  constructor(chat: ChatRequest, sink: ContentSink | null) {
    this.#chat = chat;
    this.#sink = sink;
  }

  events(bytes: Uint8Array): void {
    this.#firstByteAt ??= Date.now();
    this.#bytes += bytes.byteLength;
    this.#facts.see(bytes);
    // Whole events hold whole characters: no state is carried from one to the next.
    this.#sink?.events(this.#decoder.decode(bytes));
  }

  lastWords(end: StreamEnd): Uint8Array | null {
    if (this.#isComplete(end)) return end.kind === 'ended' ? end.held : new Uint8Array();
    const code = end.kind === 'idle' ? 'idle_timeout' : 'upstream_interrupted';
    const event = this.#facts.breakEvent({ code, message: MESSAGES[code] }, this.#chat, Date.now());
    return new TextEncoder().encode(event);
  }

  /** How a stream went. @param isError the upstream's status was no success */
  streamReport(end: StreamEnd, isError: boolean): ChatReport {
    return {
      outcome: isError ? 'upstream_error' : this.#outcome(end),
      usage: this.#facts.usage,
      firstByteAt: this.#firstByteAt,
      bytes: this.#bytes,
    };
  }

  /** How an answer that was not streamed went. */
  bodyReport(bytes: Uint8Array, isError: boolean): ChatReport {
    const text = this.#decoder.decode(bytes);
    this.#sink?.body(text);
    const reader = new CompletionReader();
    if (!isError) reader.readBody(text);
    return {
      outcome: isError ? 'upstream_error' : 'completed',
      usage: reader.completion.usage,
      firstByteAt: Date.now(),
      bytes: bytes.byteLength,
    };
  }

  #outcome(end: StreamEnd): Outcome {
    if (this.#isComplete(end)) return 'completed';
    if (end.kind === 'client_left') return 'client_aborted';
    return end.kind === 'idle' ? 'idle_timeout' : 'upstream_cut';
  }

  /** After `[DONE]` nothing is missing, whatever comes then; a last line end may be all that did not come. */
  #isComplete(end: StreamEnd): boolean {
    if (this.#facts.isDone) return true;
    if (end.kind !== 'ended') return false;
    return dataOf(this.#decoder.decode(end.held)).includes('[DONE]');
  }
}
