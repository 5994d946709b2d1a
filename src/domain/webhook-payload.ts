import type { ImportView } from './import-view.ts';
import { iso } from './time.ts';
import type { ImportEvent } from './import.ts';

/** Receivers and queues commonly cut at 20 kB (Standard Webhooks: "Payload size"). */
const MAX_BYTES = 20_000;

/**
 * The body of an import webhook, minified JSON of less than 20 kB: `{type, timestamp, data}`.
 * `data` is the import without `callback.url`, which may hold a secret of the receiver, plus `links`.
 * What would not fit goes: first `metadata` (then `metadata_omitted`), then the tail of `tasks` (`tasks_omitted`).
 * @param at when it happened, milliseconds since the epoch
 * @param origin scheme, host and port of Windsock, for `links.self`
 */
export function webhookBody(
  type: ImportEvent,
  view: ImportView,
  origin: string,
  at: number,
): string {
  const { callback, ...rest } = view;
  const data = {
    ...rest,
    callback: callback === null ? null : { events: callback.events },
    links: { self: `${origin}/imports/${view.id}` },
  };
  const body = (part: object) => JSON.stringify({ type, timestamp: iso(at), data: part });
  const whole = body(data);
  if (fits(whole)) return whole;
  const hasMetadata = Object.keys(data.metadata).length > 0;
  const slim = { ...data, metadata: {}, ...(hasMetadata && { metadata_omitted: true }) };
  const withTasks = (kept: number) =>
    body({
      ...slim,
      tasks: slim.tasks.slice(0, kept),
      ...(kept < slim.tasks.length && { tasks_omitted: slim.tasks.length - kept }),
    });
  let low = 0;
  let high = slim.tasks.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(withTasks(middle))) low = middle;
    else high = middle - 1;
  }
  return withTasks(low);
}

function fits(text: string): boolean {
  return new TextEncoder().encode(text).byteLength < MAX_BYTES;
}

/** The body of a `webhook.test`. @param at milliseconds since the epoch */
export function testWebhookBody(clientId: string, at: number): string {
  const data = { object: 'test', client_id: clientId };
  return JSON.stringify({ type: 'webhook.test', timestamp: iso(at), data });
}
