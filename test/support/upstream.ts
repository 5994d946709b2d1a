import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the upstream saw it. */
export interface SeenRequest {
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingMessage['headers'];
  rawHeaders: string[];
  body: Buffer;
  /** Set once the connection of this request was closed before its answer had ended. */
  wasAborted: boolean;
}

export type Script = (request: SeenRequest, response: ServerResponse) => void | Promise<void>;

/** Stands where Mistral would be; a test scripts its answers. */
export interface ScriptedUpstream {
  url: string;
  seen: SeenRequest[];
  /** Answers every request from now on. */
  script: (script: Script) => void;
  close: () => void;
}

export async function startUpstream(): Promise<ScriptedUpstream> {
  const seen: SeenRequest[] = [];
  let current: Script = (_, response) => void response.writeHead(500).end();
  const http = createServer((request, response) => {
    const parts: Buffer[] = [];
    const record: SeenRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      body: Buffer.alloc(0),
      wasAborted: false,
    };
    response.on('close', () => (record.wasAborted = !response.writableFinished));
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      record.body = Buffer.concat(parts);
      seen.push(record);
      void current(record, response);
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    script: (script) => (current = script),
    close: () => {
      http.close();
      http.closeAllConnections();
    },
  };
}

/** Answers JSON. */
export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
