// Receives the webhooks of imports in a process of its own, and tells its parent its port, then each that came.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A webhook as it came. */
export interface Arrival {
  body: string;
  /** Milliseconds since the epoch. */
  at: number;
}

const http = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const at = Date.now();
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => (body += text));
  request.on('end', () => {
    const arrival: Arrival = { body, at };
    process.send?.(arrival);
    response.writeHead(204).end();
  });
});
http.listen(0, '127.0.0.1', () => process.send?.((http.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
