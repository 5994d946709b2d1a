/** A client as `POST /admin/clients` answers it. */
export interface NewClient {
  id: string;
  key: string;
  signing_secret: string;
}

/** The parts of an Import that the examples show. */
export interface Import {
  id: string;
  status: string;
  progress: number;
  message: string | null;
  finished_at: string | null;
}

/**
 * Calls a path and returns its answer; throws a message for people when there is none, or it is no success.
 * @param body sent as JSON, bytes as JSONL; without one it is a GET
 */
export async function call<T>(url: string, key: string, body?: object): Promise<T> {
  const isJsonl = body instanceof Uint8Array;
  const response = await fetch(url, {
    headers: {
      authorization: `Bearer ${key}`,
      ...(body && { 'content-type': isJsonl ? 'application/jsonl' : 'application/json' }),
    },
    ...(body && { method: 'POST', body: isJsonl ? new Blob([body]) : JSON.stringify(body) }),
  }).catch((error: Error) => {
    const { message, code } = (error.cause ?? error) as NodeJS.ErrnoException;
    throw new Error(`Cannot reach ${url}: ${message || code}`, { cause: error });
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} from ${url}: ${text}`);
  return JSON.parse(text) as T;
}

/** The `data` of each event of a stream of server-sent events, as they come. */
export async function* events(response: Response): AsyncGenerator<string> {
  if (!response.ok || response.body === null) {
    throw new Error(`${response.status}: ${await response.text()}`);
  }
  let waiting = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    waiting += text;
    const whole = waiting.split('\n\n');
    waiting = whole.pop() ?? '';
    for (const event of whole) {
      const data = event.split('\n').find((line) => line.startsWith('data: '));
      if (data !== undefined) yield data.slice('data: '.length);
    }
  }
}

/**
 * Makes a dataset and starts the import of JSONL rows into it.
 * @param callbackUrl is told, signed, when the import ends
 */
export async function importFile(
  url: string,
  key: string,
  name: string,
  jsonl: Uint8Array<ArrayBuffer>,
  callbackUrl?: string,
): Promise<Import> {
  const dataset = await call<{ id: string }>(`${url}/datasets`, key, {
    name: `Import of ${name}`.slice(0, 50),
    description: 'Made by an example of Windsock',
  });
  const query = callbackUrl === undefined ? '' : `?callback_url=${encodeURIComponent(callbackUrl)}`;
  return call<Import>(`${url}/datasets/${dataset.id}/imports${query}`, key, jsonl);
}

/** Follows an import to its end, with a progress bar on the terminal. */
export async function showProgress(url: string, key: string, id: string): Promise<Import> {
  const headers = { authorization: `Bearer ${key}` };
  let last: Import | undefined;
  for await (const data of events(await fetch(`${url}/imports/${id}/events`, { headers }))) {
    last = JSON.parse(data) as Import;
    const filled = Math.round(last.progress / 2.5);
    const bar = '█'.repeat(filled).padEnd(40, '░');
    process.stdout.write(
      `\r  ${bar} ${String(last.progress).padStart(3)} %  ${last.status.padEnd(10)}`,
    );
  }
  process.stdout.write('\n');
  if (last === undefined) throw new Error('The stream of the import ended without an event.');
  return last;
}
