import assert from 'node:assert/strict';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';

/** What an import of a JSONL body was answered. */
export interface JsonlAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  body: {
    id?: string;
    status?: string;
    callback?: unknown;
    error?: {
      code: string;
      message: string;
      details?: { path: string; message: string; line?: number }[];
      upstream?: { status: number };
    };
  };
}

/** An import whose body is being sent. */
export interface OpenImport {
  /** Sends bytes; resolves when the socket wants more. */
  write: (bytes: string | Uint8Array) => Promise<void>;
  end: () => void;
  /** Leaves in the middle. */
  leave: () => void;
  answer: Promise<JsonlAnswer>;
}

/** Begins an import, to send its body by and by. Without a `content-length` it is chunked. */
export function openImport(
  url: string,
  key: string,
  headers: Record<string, string | number> = {},
): OpenImport {
  const asked = request(url, {
    method: 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/x-ndjson',
      ...headers,
    },
  });
  const answer = answerOf(asked);
  // Who leaves does not wait for it.
  answer.catch(() => undefined);
  // Of a server that has answered and closes, what we still send makes an error here, after the answer.
  asked.once('socket', (socket) => socket.on('error', () => undefined));
  asked.flushHeaders();
  return {
    write: async (bytes) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (asked.destroyed || asked.write(bytes)) return;
      asked.once('drain', resolve).once('close', resolve);
      await promise;
      asked.off('drain', resolve).off('close', resolve);
    },
    end: () => void asked.end(),
    leave: () => void asked.destroy(),
    answer,
  };
}

/** Imports a body that is there at once. */
export function importJsonl(
  url: string,
  key: string,
  body: string | Uint8Array,
  headers: Record<string, string | number> = {},
): Promise<JsonlAnswer> {
  const open = openImport(url, key, { 'content-length': Buffer.byteLength(body), ...headers });
  void open.write(body);
  open.end();
  return open.answer;
}

async function answerOf(asked: ClientRequest): Promise<JsonlAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  asked.once('response', resolve);
  // A server that answers early may close while we still send: the answer counts, where there is one.
  asked.on('error', reject);
  const response = await promise;
  response.setEncoding('utf8');
  const text = (await response.toArray()).join('');
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: JSON.parse(text) as JsonlAnswer['body'],
  };
}

export function refusedWith(answer: JsonlAnswer, status: number, code: string): void {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.equal(answer.body.error?.code, code);
}
