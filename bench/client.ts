// The client of the relay bench: asks one of several servers for a chat, and times what comes.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';

/** A server under measurement. */
export interface Target {
  name: string;
  /** Where chats are asked. */
  url: string;
  headers: Record<string, string>;
  /** The process whose CPU and memory count; null for the upstream itself. */
  pid: number | null;
}

/** What the upstream process tells: its port, then each connection closed too early. */
export type FromUpstream = { port: number } | { closed: string; at: number };

/** What the upstream answers: JSON, or a stream of events with a pause between them, under a name for its closing. */
export interface Wanted {
  events?: number;
  gapMs?: number;
  id?: string;
}

/** What a client saw; milliseconds since the request was sent. */
export interface Seen {
  firstByteMs: number;
  endMs: number;
  chunks: number;
}

// Servers close idle connections after five seconds; we go first, so that no request meets a closing one.
const agent = new Agent({ keepAlive: true, maxFreeSockets: 256, timeout: 3000 });

/** A clock that all processes of the machine share. */
export function clockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Closes the connections that are kept open. */
export function closeClient(): void {
  agent.destroy();
}

function bodyFor({ events, gapMs = 0, id = '' }: Wanted): string {
  return JSON.stringify({
    model: events === undefined ? 'json' : `stream:${events}:${gapMs}:${id}`,
    stream: events !== undefined,
    messages: [
      { role: 'system', content: 'You answer questions about the weather, in one sentence.' },
      { role: 'user', content: 'Where does the wind blow from? '.repeat(10) },
    ],
  });
}

async function open(target: Target, wanted: Wanted): Promise<IncomingMessage> {
  const body = bodyFor(wanted);
  const asked = request(target.url, {
    method: 'POST',
    agent,
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...target.headers,
    },
  });
  asked.end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  if (answer.statusCode !== 200) {
    answer.setEncoding('utf8');
    const text = (await answer.toArray()).join('');
    throw new Error(`${target.name}: ${answer.statusCode} ${text}`);
  }
  return answer;
}

/** Asks and reads to the end. */
export async function ask(target: Target, wanted: Wanted = {}): Promise<Seen> {
  const startedAt = performance.now();
  const answer = await open(target, wanted);
  let firstByteAt = 0;
  let chunks = 0;
  let last: Buffer = Buffer.alloc(0);
  answer.on('data', (bytes: Buffer) => {
    if (chunks++ === 0) firstByteAt = performance.now();
    last = bytes;
  });
  await once(answer, 'end');
  const endAt = performance.now();
  if (wanted.events !== undefined && !last.includes('[DONE]'))
    throw new Error(`${target.name}: the stream did not end as it should.`);
  return { firstByteMs: firstByteAt - startedAt, endMs: endAt - startedAt, chunks };
}

/** Opens a stream, leaves after some chunks, and returns when that was, by {@link clockMs}. */
export async function leave(target: Target, wanted: Wanted, afterChunks: number): Promise<number> {
  const answer = await open(target, wanted);
  const { promise, resolve } = Promise.withResolvers<number>();
  let chunks = 0;
  answer.on('error', () => undefined);
  answer.on('data', () => {
    if (++chunks !== afterChunks) return;
    const leftAt = clockMs();
    answer.destroy();
    resolve(leftAt);
  });
  return promise;
}

/** Asks so many times over so many connections, each taking the next as soon as it is free. */
export async function askMany(
  target: Target,
  wanted: Wanted,
  count: number,
  connections: number,
): Promise<Seen[]> {
  const seen: Seen[] = [];
  let started = 0;
  const work = async () => {
    while (started++ < count) seen.push(await ask(target, wanted));
  };
  await Promise.all(Array.from({ length: connections }, work));
  return seen;
}

/** The scripted upstream, running. */
export interface Upstream {
  url: string;
  /** When the named stream was closed by its reader, by {@link clockMs}; null if it was not within the time. */
  closedAt: (id: string, withinMs: number) => Promise<number | null>;
  stop: () => void;
}

export async function startUpstream(): Promise<Upstream> {
  const child: ChildProcess = fork(join(import.meta.dirname, 'upstream.ts'));
  const closes = new Map<string, number>();
  const waiting = new Map<string, (at: number) => void>();
  const [first] = (await once(child, 'message')) as [FromUpstream];
  if (!('port' in first)) throw new Error('The upstream did not tell its port.');
  child.on('message', (message: FromUpstream) => {
    if (!('closed' in message)) return;
    closes.set(message.closed, message.at);
    waiting.get(message.closed)?.(message.at);
  });
  return {
    url: `http://127.0.0.1:${first.port}`,
    closedAt: (id, withinMs) => {
      const { promise, resolve } = Promise.withResolvers<number | null>();
      const known = closes.get(id);
      if (known !== undefined) return Promise.resolve(known);
      const timer = setTimeout(() => resolve(null), withinMs);
      waiting.set(id, (at) => {
        clearTimeout(timer);
        resolve(at);
      });
      return promise;
    },
    stop: () => void child.kill(),
  };
}
