/** One event as it goes over the wire; `data` must be one line. */
export function eventFrame(data: string, fields: { id?: string; event?: string } = {}): string {
  const id = fields.id === undefined ? '' : `id: ${fields.id}\n`;
  const event = fields.event === undefined ? '' : `event: ${fields.event}\n`;
  return `${id}${event}data: ${data}\n\n`;
}

/** A comment frame: keeps idle timers of proxies and clients from running out, and is no event. */
export const KEEPALIVE = ': keepalive\n\n';

/** Whether an answer's headers declare a stream of server-sent events. */
export function isEventStream(headers: Headers): boolean {
  return /^text\/event-stream\s*(?:;|$)/i.test(headers.get('content-type') ?? '');
}
