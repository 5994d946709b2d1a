import { DEFAULT_EVENTS, type ImportEvent, type ImportOrder } from '../domain/import.ts';

/** A callback as it is kept: each event once, the terminal ones where it names none; null for none. */
export function keptCallback(
  given: { url: string; events?: readonly ImportEvent[] | null | undefined } | null | undefined,
): ImportOrder['callback'] {
  if (!given) return null;
  return { url: given.url, events: [...new Set(given.events ?? DEFAULT_EVENTS)] };
}
