import { tokenOf } from '../platform/ids.ts';

/** The place of an event in the order of a search. */
export interface EventPlace {
  /** Milliseconds since the epoch. */
  createdAt: number;
  seq: number;
}

/** The cursor that goes on after an event. Opaque to clients. */
export function writeCursor({ createdAt, seq }: EventPlace): string {
  return tokenOf(new TextEncoder().encode(`${createdAt}.${seq}`));
}

/** Null where a text is no cursor of {@link writeCursor}. */
export function readCursor(cursor: string): EventPlace | null {
  let text: string;
  try {
    text = new TextDecoder().decode(Uint8Array.fromBase64(cursor, { alphabet: 'base64url' }));
  } catch {
    return null;
  }
  const [, createdAt, seq] = /^(\d{1,15})\.(\d{1,15})$/.exec(text) ?? [];
  return createdAt === undefined ? null : { createdAt: Number(createdAt), seq: Number(seq) };
}
