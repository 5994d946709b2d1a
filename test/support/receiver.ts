import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A webhook as it came. */
export interface ReceivedWebhook {
  headers: IncomingHttpHeaders;
  body: string;
  at: number;
}

/** A receiver of webhooks on loopback. */
export interface Receiver {
  url: string;
  received: ReceivedWebhook[];
  close: () => void;
}

/** @param answer answers the attempt of the given number, counted from 1; 204 when left out */
export async function startReceiver(
  answer: (response: ServerResponse, attempt: number) => void = (response) =>
    response.writeHead(204).end(),
): Promise<Receiver> {
  const received: ReceivedWebhook[] = [];
  const http = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      received.push({ headers: request.headers, body, at: Date.now() });
      answer(response, received.length);
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    close: () => {
      http.close();
      http.closeAllConnections();
    },
  };
}
