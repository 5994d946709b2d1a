import { DEFAULT_EVENTS, type Callback, type ImportEvent } from '../domain/import.ts';

/** A callback as it is kept: each event once, the terminal ones where it names none; null for none. */
export function keptCallback(
  given: { url: string; events?: readonly ImportEvent[] | null | undefined } | null | undefined,
): Callback | null {
  if (!given) return null;
  return { url: given.url, events: [...new Set(given.events ?? DEFAULT_EVENTS)] };
}
