import { ADMIN_KEY, send, type TestWorker } from './worker.ts';

/** What `Workspace.recordEvents` takes of each chat; see src/domain/event.ts. */
export interface NewEvent {
  eventId: string;
  correlationId: string;
  completionId: string | null;
  createdAt: number;
  modelName: string;
  inputTokens: number | null;
  outputTokens: number | null;
  totalTimeElapsed: number | null;
  lastUserMessage: string | null;
  responseText: string | null;
  firstSystemMessage: string | null;
  apiAgentId: string | null;
  invokedTools: string[];
  metadata: string;
  streamed: boolean;
  nbMessages: number;
  requestMessages: string;
  responseMessages: string;
  enabledTools: string;
  isSample: boolean;
}

/** The workspace's own method, as Miniflare's proxy lets it be called. */
interface Workspaces {
  idFromName: (name: string) => unknown;
  get: (id: unknown) => { recordEvents: (events: NewEvent[]) => Promise<void> };
}

/** Records chats in the built-in backend, past the API, so that every column can be chosen. */
export async function recordEvents(worker: TestWorker, events: NewEvent[]): Promise<void> {
  const binding: unknown = await worker.miniflare.getDurableObjectNamespace('WORKSPACE');
  const namespace = binding as Workspaces;
  const workspace = namespace.get(namespace.idFromName('default'));
  for (let at = 0; at < events.length; at += 1000) {
    await workspace.recordEvents(events.slice(at, at + 1000));
  }
}

/** Takes the sample events away, so that a workspace holds what a test records and nothing else. */
export async function deleteSamples(worker: TestWorker): Promise<void> {
  const answer = await send(`${worker.url}/admin/samples`, ADMIN_KEY, 'DELETE');
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}

/** A chat with what is given, the rest plain. */
export function newEvent(given: Partial<NewEvent> = {}): NewEvent {
  return {
    eventId: crypto.randomUUID(),
    correlationId: crypto.randomUUID(),
    completionId: null,
    createdAt: Date.UTC(2026, 1, 1),
    modelName: 'mistral-small-latest',
    inputTokens: 1,
    outputTokens: 2,
    totalTimeElapsed: 0.5,
    lastUserMessage: 'hello',
    responseText: 'hello to you',
    firstSystemMessage: null,
    apiAgentId: null,
    invokedTools: [],
    metadata: '{}',
    streamed: false,
    nbMessages: 2,
    requestMessages: '[{"role":"user","content":"hello"}]',
    responseMessages: '[{"role":"assistant","content":"hello to you"}]',
    enabledTools: '[]',
    isSample: false,
    ...given,
  };
}

/** A source of numbers from 0 to 1 that gives the same row for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
