import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from './upstream.ts';

/** An upload as it came, or as far as it came. */
export interface SeenUpload {
  headers: IncomingMessage['headers'];
  /** How many bytes have come so far. */
  size: number;
  body: Buffer[];
  /** The body has ended as it should; false too where the connection broke. */
  isWhole: boolean;
  isBroken: boolean;
}

/** Decides how an upload is answered; by default with a file, once it is whole. */
export type UploadScript = (
  request: IncomingMessage,
  response: ServerResponse,
  upload: SeenUpload,
) => void;

/** Stands where Mistral would be for an import: datasets, files and tasks. */
export interface FilesUpstream {
  url: string;
  uploads: SeenUpload[];
  deleted: string[];
  /** Bodies of the calls that start an import. */
  starts: unknown[];
  /** How often a dataset was asked for. */
  datasetCalls: number;
  /** Sees an upload when its headers have come. */
  onUpload: UploadScript;
  /** Answers a start; with a running task where left alone. */
  onStart: (response: ServerResponse) => void;
  /** Answers the question for a dataset; with one where left alone. */
  onDataset: (response: ServerResponse) => void;
  /** Forgets what it saw, and answers as at first. */
  reset: () => void;
  close: () => void;
}

export async function startFilesUpstream(): Promise<FilesUpstream> {
  let files = 0;
  let tasks = 0;
  const http = createServer((request, response) => {
    // A connection that the Worker breaks is part of these tests.
    request.on('error', () => undefined);
    const { method = '', url = '' } = request;
    if (method === 'POST' && url === '/v1/files') return takeUpload(request, response);
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => answer(method, url, Buffer.concat(parts).toString(), response));
  });

  function takeUpload(request: IncomingMessage, response: ServerResponse): void {
    const upload: SeenUpload = {
      headers: request.headers,
      size: 0,
      body: [],
      isWhole: false,
      isBroken: false,
    };
    upstream.uploads.push(upload);
    request.on('close', () => (upload.isBroken = !upload.isWhole));
    upstream.onUpload(request, response, upload);
  }

  function answer(method: string, url: string, body: string, response: ServerResponse): void {
    if (method === 'DELETE') {
      upstream.deleted.push(url);
      return json(response, 200, { id: url.split('/').at(-1), object: 'file', deleted: true });
    }
    if (url.endsWith('/imports/from-file')) {
      upstream.starts.push(JSON.parse(body));
      return upstream.onStart(response);
    }
    if (/\/tasks\/[^/]+$/.test(url)) return json(response, 200, task(url.split('/').at(-1) ?? ''));
    if (/\/tasks(?:\?|$)/.test(url)) {
      return json(response, 200, { tasks: { results: [], count: 0, next: null, previous: null } });
    }
    upstream.datasetCalls++;
    upstream.onDataset(response);
  }

  function untouched(): Omit<FilesUpstream, 'url' | 'reset' | 'close'> {
    return {
      uploads: [],
      deleted: [],
      starts: [],
      datasetCalls: 0,
      onUpload: (request, response, upload) =>
        read(request, upload, () => json(response, 200, { id: `file-${++files}`, object: 'file' })),
      onStart: (response) => json(response, 202, task(`task-${++tasks}`)),
      onDataset: (response) => json(response, 200, { id: 'any', name: 'a dataset' }),
    };
  }

  const upstream: FilesUpstream = {
    url: '',
    ...untouched(),
    reset: () => void Object.assign(upstream, untouched()),
    close: () => {
      http.close();
      http.closeAllConnections();
    },
  };
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  upstream.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return upstream;
}

/** Reads an upload to its end. */
export function read(request: IncomingMessage, upload: SeenUpload, whole: () => void): void {
  request.on('data', (part: Buffer) => {
    upload.size += part.byteLength;
    upload.body.push(part);
  });
  request.on('end', () => {
    upload.isWhole = true;
    whole();
  });
}

function task(id: string): object {
  const at = new Date().toISOString();
  return { id, status: 'RUNNING', progress: 0, message: null, created_at: at, updated_at: at };
}
