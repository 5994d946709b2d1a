import assert from 'node:assert/strict';
import * as z from 'zod';
import { until } from './until.ts';
import { send, type TestClient, type TestWorker } from './worker.ts';

// The answers of the Mistral API as its OpenAPI document has them. Every key must be there, the optional ones too:
// the built-in backend promises that.

const time = z.iso.datetime({ precision: 3 });
const common = {
  id: z.uuidv4(),
  created_at: time,
  updated_at: time,
  deleted_at: z.null(),
};

export const dataset = z.object({
  ...common,
  name: z.string(),
  description: z.string(),
  owner_id: z.uuidv4(),
  workspace_id: z.uuidv4(),
});

export const record = z.object({
  ...common,
  dataset_id: z.uuidv4(),
  payload: z.record(z.string(), z.unknown()),
  properties: z.record(z.string(), z.unknown()),
  source: z.enum(['EXPLORER', 'UPLOADED_FILE', 'DIRECT_INPUT', 'PLAYGROUND']),
});

export const task = z.object({
  ...common,
  creator_id: z.uuidv4(),
  dataset_id: z.uuidv4(),
  workspace_id: z.uuidv4(),
  status: z.enum([
    'RUNNING',
    'COMPLETED',
    'FAILED',
    'CANCELED',
    'TERMINATED',
    'CONTINUED_AS_NEW',
    'TIMED_OUT',
    'UNKNOWN',
  ]),
  progress: z.int().min(0).max(100),
  message: z.string().nullable(),
});

export type Task = z.infer<typeof task>;

export const file = z.object({
  id: z.uuidv4(),
  object: z.literal('file'),
  bytes: z.int(),
  created_at: z.int(),
  filename: z.string(),
  purpose: z.enum(['fine-tune', 'batch', 'ocr']),
  sample_type: z.enum(['pretrain', 'instruct', 'batch_request', 'batch_result', 'batch_error']),
  num_lines: z.int().nullable(),
  mimetype: z.string().nullable(),
  source: z.enum(['upload', 'repository', 'mistral']),
  signature: z.string().nullable(),
  expires_at: z.int().nullable(),
  visibility: z.enum(['workspace', 'user']),
});

/** A closed object in the OpenAPI document. */
const usage = z.strictObject({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
});
const answer = { id: z.string().regex(/^[0-9a-f]{32}$/), created: z.int(), model: z.string() };
export const completion = z.object({
  ...answer,
  object: z.literal('chat.completion'),
  choices: z.array(
    z.object({
      index: z.int(),
      message: z.object({
        role: z.literal('assistant'),
        content: z.string(),
        tool_calls: z.array(z.unknown()).nullable(),
      }),
      finish_reason: z.enum(['stop', 'length', 'model_length', 'error', 'tool_calls']),
    }),
  ),
  usage,
});
/** One event of a chat stream. */
export const chunk = z.object({
  ...answer,
  object: z.literal('chat.completion.chunk'),
  choices: z.array(
    z.object({
      index: z.int(),
      delta: z.object({ role: z.literal('assistant').optional(), content: z.string() }),
      finish_reason: z.enum(['stop', 'length', 'error', 'tool_calls']).nullable(),
    }),
  ),
  usage: usage.optional(),
});
export const model = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  capabilities: z.record(z.string(), z.boolean()),
  name: z.string().nullable(),
  description: z.string().nullable(),
  max_context_length: z.int(),
  aliases: z.array(z.string()),
  deprecation: z.string().nullable(),
  deprecation_replacement_model: z.string().nullable(),
  default_model_temperature: z.number().nullable(),
  internal: z.boolean(),
  type: z.literal('base'),
});

/** `PaginatedResult`. */
export function paginated<T extends z.ZodType>(result: T) {
  return z.object({
    results: z.array(result),
    count: z.int(),
    next: z.string().nullable(),
    previous: z.string().nullable(),
  });
}

export const datasetList = z.object({ datasets: paginated(dataset) });
export const recordList = z.object({ records: paginated(record) });
export const taskList = z.object({ tasks: paginated(task) });

/** Every 4xx under `/v1/observability/`. */
export const observabilityError = z.object({
  detail: z.object({ message: z.string().min(1), error_code: z.string().nullable() }),
});

/** Every other 4xx of `/v1`; `message` of a 422 is {@link mistakes}. */
export function mistralError<T extends z.ZodType>(message: T) {
  return z.object({
    object: z.literal('error'),
    message,
    type: z.string().min(1),
    param: z.null(),
    code: z.string().nullable(),
  });
}

/** What is wrong with a body or query, as `HTTPValidationError` lists it. */
export const mistakes = z.object({
  detail: z
    .array(
      z.object({
        type: z.string().min(1),
        loc: z.array(z.union([z.string(), z.int()])).min(1),
        msg: z.string().min(1),
      }),
    )
    .min(1),
});

export const NOWHERE = '00000000-0000-4000-8000-000000000000';

export const DATASETS = '/v1/observability/datasets';

/** Content of a file. */
export type Bytes = string | Uint8Array<ArrayBuffer>;

/** The built-in backend as one client calls it. */
export class BuiltinApi {
  readonly url: string;
  readonly key: string;

  constructor(worker: TestWorker, client: TestClient) {
    this.url = worker.url;
    this.key = client.key;
  }

  send(
    method: string,
    path: string,
    body?: object | string,
    headers?: Record<string, string>,
  ): Promise<Response> {
    return send(this.url + path, this.key, method, body, headers);
  }

  /** Calls, and checks status and shape of the answer. */
  async expect<T extends z.ZodType>(
    [status, schema]: readonly [number, T],
    method: string,
    path: string,
    body?: object | string,
  ): Promise<z.infer<T>> {
    return answered(await this.send(method, path, body), status, schema);
  }

  upload(
    bytes: Bytes,
    filename = 'rows.jsonl',
    fields: Record<string, string> = {},
  ): Promise<Response> {
    const form = new FormData();
    form.set('file', new Blob([bytes]), filename);
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    return this.postForm(form);
  }

  /** Uploads what is no ordinary form: the type names the boundary. */
  postForm(body: NonNullable<RequestInit['body']>, contentType?: string): Promise<Response> {
    return fetch(`${this.url}/v1/files`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(contentType !== undefined && { 'content-type': contentType }),
      },
      body,
      duplex: 'half',
    });
  }

  async uploaded(bytes: Bytes, filename?: string, fields?: Record<string, string>) {
    return answered(await this.upload(bytes, filename, fields), 200, file);
  }

  async createDataset(name = 'a dataset'): Promise<string> {
    const { id } = await this.expect([201, dataset], 'POST', DATASETS, { name, description: '' });
    return id;
  }

  startImport(datasetId: string, fileId: string): Promise<Task> {
    const path = `${DATASETS}/${datasetId}/imports/from-file`;
    return this.expect([202, task], 'POST', path, { file_id: fileId });
  }

  task(datasetId: string, taskId: string): Promise<Task> {
    return this.expect([200, task], 'GET', `${DATASETS}/${datasetId}/tasks/${taskId}`);
  }

  /** Waits until an import task has ended. @param look sees every state that was met on the way */
  ended(datasetId: string, taskId: string, look: (seen: Task) => void = () => undefined) {
    return until(`task ${taskId} to end`, async () => {
      const seen = await this.task(datasetId, taskId);
      look(seen);
      return seen.status === 'RUNNING' ? null : seen;
    });
  }

  /** All records of a dataset, page by page. */
  async records(datasetId: string): Promise<z.infer<typeof record>[]> {
    const all: z.infer<typeof record>[] = [];
    for (let page = 1; ; page++) {
      const path = `${DATASETS}/${datasetId}/records?page_size=100&page=${page}`;
      const { records } = await this.expect([200, recordList], 'GET', path);
      all.push(...records.results);
      if (records.next === null) {
        assert.equal(all.length, records.count);
        return all;
      }
    }
  }
}

/** Checks status and shape of an answer, and returns it. */
export async function answered<T extends z.ZodType>(
  response: Response,
  status: number,
  schema: T,
): Promise<z.infer<T>> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.match(response.headers.get('content-type') ?? '', /^application\/json\b/);
  const parsed = schema.safeParse(JSON.parse(text));
  assert.ok(parsed.success, `${parsed.error?.message ?? ''} in ${text}`);
  return parsed.data;
}
