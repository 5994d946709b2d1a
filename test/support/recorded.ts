import { randomUUID } from 'node:crypto';
import type { NewEvent } from '../../src/domain/event.ts';
import type { TestWorker } from './worker.ts';

/** The Workspace object as Miniflare hands it out. */
interface Workspaces {
  getByName: (name: string) => { recordEvents: (events: NewEvent[]) => Promise<void> };
}

/** A chat as the capture would record it. */
export function newEvent(fields: Partial<NewEvent> = {}): NewEvent {
  return {
    eventId: randomUUID(),
    correlationId: randomUUID(),
    completionId: randomUUID().replaceAll('-', ''),
    createdAt: Date.now(),
    modelName: 'mistral-small-latest',
    inputTokens: 4,
    outputTokens: 5,
    totalTimeElapsed: 0.1,
    lastUserMessage: 'Where does the wind come from?',
    responseText: 'From the west.',
    firstSystemMessage: null,
    apiAgentId: null,
    invokedTools: [],
    metadata: '{}',
    streamed: false,
    nbMessages: 2,
    requestMessages: '[{"role":"user","content":"Where does the wind come from?"}]',
    responseMessages: '[{"role":"assistant","content":"From the west."}]',
    enabledTools: '[]',
    isSample: false,
    ...fields,
  };
}

/** Puts events into the built-in backend, past the API. */
export async function record(worker: TestWorker, events: NewEvent[]): Promise<void> {
  const namespace = await worker.miniflare.getDurableObjectNamespace('WORKSPACE');
  await (namespace as unknown as Workspaces).getByName('default').recordEvents(events);
}
