import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { json, startUpstream } from '../support/upstream.ts';
import { createClient, send } from '../support/worker.ts';

const OBSERVABILITY = '/v1/observability';

interface Task {
  id: string;
  status: string;
  progress: number;
  message: string | null;
}

/** One client of a server. */
class Caller {
  readonly url: string;
  readonly key: string;

  constructor(server: TestServer, key: string) {
    this.url = server.url;
    this.key = key;
  }

  async call<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await send(this.url + path, this.key, method, body);
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  async createDataset(name: string): Promise<string> {
    const body = { name, description: '' };
    return (await this.call<{ id: string }>('POST', `${OBSERVABILITY}/datasets`, body)).id;
  }

  task(datasetId: string, taskId: string): Promise<Task> {
    return this.call('GET', `${OBSERVABILITY}/datasets/${datasetId}/tasks/${taskId}`);
  }

  completed(datasetId: string, taskId: string): Promise<Task> {
    return until(
      `task ${taskId}`,
      async () => {
        const task = await this.task(datasetId, taskId);
        return task.status === 'RUNNING' ? null : task;
      },
      60_000,
    );
  }

  /** The rows of a dataset, as they are exported. */
  async rows(datasetId: string): Promise<{ payload: { n: number } }[]> {
    const path = `${OBSERVABILITY}/datasets/${datasetId}/exports/to-jsonl`;
    const { file_url } = await this.call<{ file_url: string }>('GET', path);
    const text = await (await fetch(file_url)).text();
    return text
      .trimEnd()
      .split('\n')
      .map((row) => JSON.parse(row) as { payload: { n: number } });
  }

  async recordIds(datasetId: string): Promise<string[]> {
    const ids: string[] = [];
    for (let page = 1; ; page++) {
      const path = `${OBSERVABILITY}/datasets/${datasetId}/records?page_size=100&page=${page}`;
      const { records } = await this.call<{
        records: { results: { id: string }[]; next: string | null };
      }>('GET', path);
      for (const { id } of records.results) ids.push(id);
      if (records.next === null) return ids;
    }
  }
}

test('two imports of 10,000 records each, killed in their middle, copy every record once', async () => {
  const server = await startServer({});
  try {
    const caller = new Caller(server, (await createClient(server.url)).key);
    const count = 20_000;
    const lines = Array.from({ length: count }, (_, n) => `{"payload":{"n":${n}}}`).join('\n');
    const form = new FormData();
    form.set('file', new Blob([lines]), 'many.jsonl');
    const headers = { authorization: `Bearer ${caller.key}` };
    const upload = await fetch(`${server.url}/v1/files`, { method: 'POST', headers, body: form });
    const { id: file_id } = (await upload.json()) as { id: string };
    const from = await caller.createDataset('copied from');
    const imports = (datasetId: string) => `${OBSERVABILITY}/datasets/${datasetId}/imports`;
    const filled = await caller.call<Task>('POST', `${imports(from)}/from-file`, { file_id });
    await caller.completed(from, filled.id);
    const ids = await caller.recordIds(from);
    assert.equal(ids.length, count);

    const to = await caller.createDataset('copied to');
    const start = (part: string[]) =>
      caller.call<Task>('POST', `${imports(to)}/from-dataset`, { dataset_record_ids: part });
    const tasks = [await start(ids.slice(0, 10_000)), await start(ids.slice(10_000))];
    const [first] = tasks;
    assert.ok(first);
    for (const part of [15, 45, 75]) {
      await until(`${part} %`, async () => (await caller.task(to, first.id)).progress >= part);
      await server.kill();
      await server.restart();
    }
    for (const { id } of tasks) {
      const { status, progress, message } = await caller.completed(to, id);
      assert.deepEqual([status, progress, message], ['COMPLETED', 100, null]);
    }
    const numbers = (await caller.rows(to)).map(({ payload }) => payload.n);
    const range = (start: number) => Array.from({ length: 10_000 }, (_, n) => start + n);
    assert.equal(numbers.length, count);
    assert.deepEqual(
      numbers.filter((n) => n < 10_000),
      range(0),
    );
    assert.deepEqual(
      numbers.filter((n) => n >= 10_000),
      range(10_000),
    );
  } finally {
    await server.dispose();
  }
});

test('a campaign killed in its middle judges every event, and at most a slice of them twice', async () => {
  const upstream = await startUpstream();
  const server = await startServer({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    CHAT_BACKEND: 'mistral',
    OBSERVABILITY_BACKEND: 'builtin',
  });
  try {
    const caller = new Caller(server, (await createClient(server.url)).key);
    const count = 400;
    const judged: number[] = [];
    const answer = (content: string) => ({
      id: crypto.randomUUID().replaceAll('-', ''),
      object: 'chat.completion',
      created: 1,
      model: 'chats',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    });
    upstream.script(({ body }, response) => {
      const text = body.toString();
      const number = Number(/question number (\d+)/.exec(text)?.[1]);
      if (!text.includes('"model":"judges"')) return json(response, 200, answer('An answer.'));
      judged.push(number);
      const judgement = { analysis: `It was asked ${number}.`, answer: number };
      return json(response, 200, answer(JSON.stringify(judgement)));
    });
    for (let n = 0; n < count; n += 20) {
      await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          caller.call('POST', '/v1/chat/completions', {
            model: 'chats',
            messages: [{ role: 'user', content: `question number ${n + index}` }],
          }),
        ),
      );
    }
    const search_params = { filters: { field: 'model_name', op: 'eq', value: 'chats' } };
    const searchIds = (params: object) =>
      caller.call<{ completion_event_ids: string[] }>(
        'POST',
        `${OBSERVABILITY}/chat-completion-events/search-ids`,
        { search_params: params },
      );
    const ids = await until('all chats to be recorded', async () => {
      const { completion_event_ids } = await searchIds(search_params);
      return completion_event_ids.length === count && completion_event_ids;
    });
    const judge = await caller.call<{ id: string }>('POST', `${OBSERVABILITY}/judges`, {
      name: 'number',
      description: '',
      model_name: 'judges',
      instructions: 'Which number is asked about?',
      tools: [],
      output: {
        type: 'REGRESSION',
        min: 0,
        min_description: 'the first',
        max: count,
        max_description: 'the last',
      },
    });
    const campaign = await caller.call<{ id: string }>('POST', `${OBSERVABILITY}/campaigns`, {
      search_params,
      judge_id: judge.id,
      name: 'killed',
      description: '',
      max_nb_events: 10_000,
    });
    const path = `${OBSERVABILITY}/campaigns/${campaign.id}`;
    const kills = [60, 170, 300];
    for (const part of kills) {
      await until(`${part} judgements`, () => judged.length >= part, 60_000);
      await server.kill();
      assert.ok(judged.length < count);
      await server.restart();
    }
    const end = await until(
      'the end of the campaign',
      async () => {
        const status = await caller.call<{ status: string }>('GET', `${path}/status`);
        return status.status !== 'RUNNING' && status;
      },
      60_000,
    );
    assert.deepEqual(end, { status: 'COMPLETED' });
    assert.deepEqual(
      [...new Set(judged)].toSorted((a, b) => a - b),
      Array.from({ length: count }, (_, n) => n),
    );
    const twice = judged.length - count;
    assert.ok(twice <= kills.length * 4, `${twice} events were judged again`);

    const to = await caller.createDataset('of the campaign');
    const started = await caller.call<Task>(
      'POST',
      `${OBSERVABILITY}/datasets/${to}/imports/from-campaign`,
      { campaign_id: campaign.id },
    );
    assert.equal((await caller.completed(to, started.id)).message, null);
    interface Row {
      payload: { messages: { content: string }[] };
      properties: { event_id: string; answer: number; analysis: string };
    }
    const rows = (await caller.rows(to)) as unknown as Row[];
    assert.deepEqual(
      rows.map(({ properties }) => properties.event_id),
      ids,
    );
    for (const { payload, properties } of rows) {
      assert.equal(payload.messages[0]?.content, `question number ${properties.answer}`);
      assert.equal(properties.analysis, `It was asked ${properties.answer}.`);
    }
  } finally {
    await server.dispose();
    upstream.close();
  }
});
