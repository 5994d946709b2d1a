import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { paginated } from './builtin.ts';
import type { TestWorker } from './worker.ts';

export const JUDGES = '/v1/observability/judges';
export const EVENTS = '/v1/observability/chat-completion-events';
export const RECORDS = '/v1/observability/dataset-records';

const time = z.iso.datetime({ precision: 3 });

/** `Judge`, every key of it. */
export const judge = z.strictObject({
  id: z.uuidv4(),
  created_at: time,
  updated_at: time,
  deleted_at: z.null(),
  owner_id: z.uuidv4(),
  workspace_id: z.uuidv4(),
  name: z.string(),
  description: z.string(),
  model_name: z.string(),
  output: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('CLASSIFICATION'),
      options: z.array(z.strictObject({ value: z.string(), description: z.string() })),
    }),
    z.strictObject({
      type: z.literal('REGRESSION'),
      min: z.number(),
      min_description: z.string(),
      max: z.number(),
      max_description: z.string(),
    }),
  ]),
  instructions: z.string(),
  tools: z.array(z.string()),
  up_revision: z.null(),
  down_revision: z.null(),
  base_revision: z.null(),
});

export const judgeList = z.strictObject({ judges: paginated(judge) });

export const judgeOutput = z.strictObject({
  analysis: z.string().min(1),
  answer: z.union([z.string(), z.number()]),
});

/** A definition in order; each call gives another name. */
export function definition(change: object = {}) {
  return {
    name: `judge ${randomUUID()}`,
    description: 'tells good from bad',
    model_name: 'mistral-small-latest',
    instructions: 'Does the answer help?',
    output: {
      type: 'CLASSIFICATION',
      options: [
        { value: 'helpful', description: 'explains what was asked' },
        { value: 'useless', description: 'refuses or evades' },
      ],
    },
    tools: [],
    ...change,
  };
}

export const REGRESSION = {
  type: 'REGRESSION',
  min: 1,
  min_description: 'bad',
  max: 5,
  max_description: 'good',
};

export const MESSAGES = [
  { role: 'user', content: 'What does a windsock show?' },
  { role: 'assistant', content: 'It explains the wind.' },
];

/** The object behind the built-in backend, for what no route offers. */
interface Workspaces {
  getByName: (name: string) => { recordEvents: (events: object[]) => Promise<void> };
}

/** Records a chat as the relay would; returns its event id. */
export async function recordChat(
  worker: TestWorker,
  requestMessages: object[],
  responseMessages: object[],
  enabledTools: object[] = [],
): Promise<string> {
  const namespace = await worker.miniflare.getDurableObjectNamespace('WORKSPACE');
  const workspace = (namespace as unknown as Workspaces).getByName('default');
  const eventId = randomUUID();
  await workspace.recordEvents([
    {
      eventId,
      correlationId: eventId,
      completionId: null,
      createdAt: Date.now(),
      modelName: 'mistral-small-latest',
      inputTokens: 1,
      outputTokens: 1,
      totalTimeElapsed: 0.5,
      lastUserMessage: null,
      responseText: null,
      firstSystemMessage: null,
      apiAgentId: null,
      invokedTools: [],
      metadata: '{}',
      streamed: false,
      nbMessages: requestMessages.length + responseMessages.length,
      requestMessages: JSON.stringify(requestMessages),
      responseMessages: JSON.stringify(responseMessages),
      enabledTools: JSON.stringify(enabledTools),
      isSample: false,
    },
  ]);
  return eventId;
}
