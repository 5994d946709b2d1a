import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { answered, BuiltinApi, DATASETS, record } from '../builtin.ts';
import { definition, EVENTS, judge, JUDGES } from '../judges.ts';
import { until } from '../until.ts';
import type { TestWorker } from '../worker.ts';
import type { Sent } from './operation.ts';
import { campaign, campaignStatus, eventIds } from './shapes.ts';

export const CAMPAIGNS = '/v1/observability/campaigns';
export const CHAT = '/v1/chat/completions';
export const MODEL = 'mistral-small-latest';
export const QUESTION = [{ role: 'user' as const, content: 'What does a windsock show?' }];

/** One of everything in a workspace, and more of what a request takes away. */
export class World {
  readonly api: BuiltinApi;
  /** What stands in a path where a request says nothing else, by the name of the parameter. */
  readonly ids: Record<string, string> = { model_id: MODEL, field_name: 'model_name' };

  private constructor(api: BuiltinApi) {
    this.api = api;
  }

  static async of(worker: TestWorker): Promise<World> {
    const api = new BuiltinApi(worker, await worker.createClient());
    const world = new World(api);
    const [datasetId, fileId, eventId] = await Promise.all([
      world.newDataset(),
      world.newFile(),
      world.newEvent(),
    ]);
    const judgeId = await world.newJudge();
    const { id: taskId } = await api.startImport(datasetId, fileId);
    const campaignId = await world.newCampaign();
    Object.assign(world.ids, {
      dataset_id: datasetId,
      file_id: fileId,
      event_id: eventId,
      judge_id: judgeId,
      task_id: taskId,
      campaign_id: campaignId,
      dataset_record_id: await world.newRecord(datasetId),
    });
    await api.ended(datasetId, taskId);
    await until('the campaign to end', async () => {
      const path = `${CAMPAIGNS}/${campaignId}/status`;
      return (await api.expect([200, campaignStatus], 'GET', path)).status !== 'RUNNING';
    });
    return world;
  }

  id(name: string): string {
    const id = this.ids[name];
    if (id === undefined) throw new Error(`The world has no ${name}.`);
    return id;
  }

  newDataset(): Promise<string> {
    return this.api.createDataset();
  }

  async newFile(): Promise<string> {
    return (await this.api.uploaded('{"payload":{"n":1}}\n'.repeat(3))).id;
  }

  async newRecord(datasetId = this.id('dataset_id')): Promise<string> {
    const path = `${DATASETS}/${datasetId}/records`;
    const body = { payload: { messages: QUESTION }, properties: { from: 'the contract' } };
    return (await this.api.expect([201, record], 'POST', path, body)).id;
  }

  async newJudge(): Promise<string> {
    return (await this.api.expect([201, judge], 'POST', JUDGES, definition())).id;
  }

  /** A campaign with a judge of its own; an event is enough. */
  async newCampaign(judgeId?: string): Promise<string> {
    const body = newCampaign(judgeId ?? (await this.newJudge()));
    return (await this.api.expect([201, campaign], 'POST', CAMPAIGNS, body)).id;
  }

  /** A chat, with all that an event shows, becomes one soon after its answer. */
  async newEvent(): Promise<string> {
    const requestId = randomUUID();
    const body = {
      model: MODEL,
      messages: QUESTION,
      tools: [{ type: 'function', function: { name: 'get_wind', parameters: {} } }],
      tool_choice: 'any',
      metadata: { text: 'x', number: 1, object: { a: null } },
    };
    const headers = { 'x-request-id': requestId };
    await answered(await this.api.send('POST', CHAT, body, headers), 200, z.unknown());
    const filters = { field: 'correlation_id', op: 'eq', value: requestId };
    return until('the chat to be an event', async () => {
      const search = { search_params: { filters } };
      const found = [200, eventIds] as const;
      const { completion_event_ids: ids } = await this.api.expect(
        found,
        'POST',
        `${EVENTS}/search-ids`,
        search,
      );
      return ids[0];
    });
  }

  /** Sends a request to an operation. @param call method and path, its parameters in braces */
  send(call: string, { ids = {}, query, body, contentType }: Sent): Promise<Response> {
    const [method = '', template = ''] = call.split(' ');
    const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? this.id(name));
    return fetch(`${this.api.url}${path}${query === undefined ? '' : `?${query}`}`, {
      method,
      headers: {
        authorization: `Bearer ${this.api.key}`,
        ...(body !== undefined && { 'content-type': contentType ?? 'application/json' }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  }
}

export function newCampaign(judgeId: string) {
  return {
    search_params: { filters: null },
    judge_id: judgeId,
    name: 'a campaign',
    description: 'of the contract',
    max_nb_events: 1,
  };
}
