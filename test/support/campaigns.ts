import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Mistral } from '@mistralai/mistralai';
import * as z from 'zod';
import { BuiltinApi } from './builtin.ts';
import { newEvent, recordEvents } from './events.ts';
import { until } from './until.ts';
import { startWorker, type TestWorker } from './worker.ts';

export const CAMPAIGNS = '/v1/observability/campaigns';

/** The built-in backend behind one client, and the official SDK over it. */
export interface Side {
  worker: TestWorker;
  api: BuiltinApi;
  mistral: Mistral;
}

export async function startSide(vars: Record<string, string> = {}): Promise<Side> {
  const worker = await startWorker(vars);
  const client = await worker.createClient();
  const mistral = new Mistral({ serverURL: worker.url, apiKey: client.key });
  return { worker, api: new BuiltinApi(worker, client), mistral };
}

/** So many events of a model of their own, the oldest first, each with its number as question. */
export async function events({ worker }: Side, count: number) {
  const modelName = `model-${randomUUID()}`;
  const made = Array.from({ length: count }, (_, n) =>
    newEvent({
      modelName,
      createdAt: 1_700_000_000_000 + n,
      requestMessages: JSON.stringify([{ role: 'user', content: `question number ${n}` }]),
      responseMessages: JSON.stringify([
        { role: 'assistant', content: n % 2 === 0 ? 'even number' : 'odd number' },
      ]),
    }),
  );
  await recordEvents(worker, made);
  return { modelName, made, newestFirst: made.map(({ eventId }) => eventId).toReversed() };
}

export const ofModel = (value: string) => ({
  filters: { field: 'model_name', op: 'eq' as const, value },
});

export async function createJudge({ mistral }: Side): Promise<string> {
  const { id } = await mistral.beta.observability.judges.create({
    name: `judge ${randomUUID()}`,
    description: '',
    modelName: 'mistral-small-latest',
    instructions: 'Is the number even or odd?',
    tools: [],
    output: {
      type: 'CLASSIFICATION',
      options: [
        { value: 'even', description: '' },
        { value: 'odd', description: '' },
      ],
    },
  });
  return id;
}

export async function createCampaign(side: Side, modelName: string, maxNbEvents = 10_000) {
  const judgeId = await createJudge(side);
  const campaign = await side.mistral.beta.observability.campaigns.create({
    name: 'a campaign',
    description: 'of a test',
    judgeId,
    maxNbEvents,
    searchParams: ofModel(modelName),
  });
  return { judgeId, id: campaign.id, campaign };
}

const progress = z.object({ status: z.string(), message: z.string().optional() });

export async function completed({ api }: Side, id: string) {
  return until(`campaign ${id} to end`, async () => {
    const seen = await api.expect([200, progress], 'GET', `${CAMPAIGNS}/${id}/status`);
    return seen.status === 'RUNNING' ? null : seen;
  });
}

/** Ids of all selected events, page by page. */
export async function selected({ mistral }: Side, campaignId: string, pageSize = 100) {
  const ids: string[] = [];
  for (let page = 1; ; page++) {
    const { completionEvents } = await mistral.beta.observability.campaigns.listEvents({
      campaignId,
      pageSize,
      page,
    });
    for (const { eventId } of completionEvents.results ?? []) ids.push(eventId);
    if (completionEvents.next === null) {
      assert.equal(ids.length, completionEvents.count);
      return ids;
    }
  }
}

/** What a judge answered about each of some events. */
export function answers({ mistral }: Side, judgeId: string, eventIds: string[]) {
  return Promise.all(
    eventIds.map(async (eventId) => {
      const event = await mistral.beta.observability.chatCompletionEvents.fetch({ eventId });
      return event.extraFields[`__judge_${judgeId}`];
    }),
  );
}
