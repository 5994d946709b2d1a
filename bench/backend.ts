// What the built-in backend takes for its work, with 1,000, 10,000 and 100,000 events: npm run bench:backend
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Miniflare } from 'miniflare';
import type { NewEvent } from '../src/domain/event.ts';
import { until } from '../test/support/until.ts';
import { ADMIN_KEY, createClient, send, workerOptions } from '../test/support/worker.ts';
import { median, table, workerdMemory } from './measure.ts';

const SIZES = (process.argv[2] ?? '1000,10000,100000').split(',').map(Number);
const ROUNDS = 15;
const RECORDS = 20_000;
const EVENTS = '/v1/observability/chat-completion-events';
const DATASETS = '/v1/observability/datasets';
const DAY_MS = 86_400_000;

interface Workspaces {
  getByName: (name: string) => { recordEvents: (events: NewEvent[]) => Promise<void> };
}

/** A vocabulary whose words are used as those of a language are: a few everywhere, most of them seldom (Zipf). */
const VOCABULARY = 5000;
const WORDS_A_TEXT = 24;

function textOf(index: number): string {
  return Array.from({ length: WORDS_A_TEXT }, (_, step) => {
    const even =
      ((Math.imul(index * WORDS_A_TEXT + step + 1, 2_654_435_761) >>> 8) % 65_536) / 65_536;
    return `word${Math.floor(VOCABULARY ** even)}`;
  }).join(' ');
}

/** The event of a number: the same each time, over thirty days. */
function eventOf(index: number, total: number): NewEvent {
  const text = textOf(index);
  return {
    eventId: randomUUID(),
    correlationId: randomUUID(),
    completionId: null,
    createdAt: Math.round(Date.now() - 30 * DAY_MS * (1 - index / total)),
    modelName: `model-${index % 10}`,
    inputTokens: index % 500,
    outputTokens: index % 300,
    totalTimeElapsed: (index % 100) / 10,
    lastUserMessage: index % 1000 === 0 ? `needle ${text}` : text,
    responseText: text.toUpperCase(),
    firstSystemMessage: 'You are a helpful assistant.',
    apiAgentId: null,
    invokedTools: index % 5 === 0 ? ['web_search'] : [],
    metadata: `{"number":"${index}"}`,
    streamed: index % 2 === 0,
    nbMessages: 3,
    requestMessages: JSON.stringify([{ role: 'user', content: text }]),
    responseMessages: JSON.stringify([{ role: 'assistant', content: text }]),
    enabledTools: '[]',
    isSample: false,
  };
}

async function measure(total: number): Promise<Record<string, number>> {
  const state = await mkdtemp(join(tmpdir(), 'windsock-bench-'));
  const miniflare = new Miniflare(workerOptions({}, 0, state));
  try {
    const { origin: url } = await miniflare.ready;
    const { key } = await createClient(url);
    await send(`${url}/admin/samples`, ADMIN_KEY, 'DELETE');
    const namespace = await miniflare.getDurableObjectNamespace('WORKSPACE');
    const workspace = (namespace as unknown as Workspaces).getByName('default');
    for (let at = 0; at < total; at += 500) {
      const size = Math.min(500, total - at);
      await workspace.recordEvents(
        Array.from({ length: size }, (_, index) => eventOf(at + index, total)),
      );
    }
    return {
      ...(await measureEvents(url, key)),
      insert_ms: await medianOf(() => workspace.recordEvents([eventOf(total, total)])),
      ...(await measureDatasets(url, key)),
    };
  } finally {
    await miniflare.dispose();
    await rm(state, { recursive: true, force: true });
  }
}

async function measureEvents(url: string, key: string): Promise<Record<string, number>> {
  type Page = {
    completion_events: { results: { event_id: string }[]; next: string | null };
  };
  const search = async (filters: unknown, cursor: string | null = null, pageSize = 50) => {
    const query = `page_size=${pageSize}${cursor === null ? '' : `&cursor=${cursor}`}`;
    const response = await send(`${url}${EVENTS}/search?${query}`, key, 'POST', {
      search_params: { filters },
      extra_fields: [],
    });
    if (!response.ok) throw new Error(await response.text());
    return ((await response.json()) as Page).completion_events;
  };
  const since = new Date(Date.now() - 10 * DAY_MS).toISOString();
  const byModelAndTime = {
    AND: [
      { field: 'model_name', op: 'eq', value: 'model-3' },
      { field: 'timestamp', op: 'gte', value: since },
    ],
  };
  const contains = { field: 'last_user_message_preview', op: 'contains', value: 'needle' };
  const folded = { field: 'response_messages_preview', op: 'icontains', value: 'no such words' };
  const matches = { field: 'last_user_message_preview', op: 'matches', value: 'needle \\w+ly' };
  let cursor: string | null = null;
  for (let page = 1; page < 200; page++) {
    const { next }: { next: string | null } = await search(null, cursor, 5);
    if (next === null) break;
    cursor = next;
  }
  const first = await medianOf(() => search(null, null, 5));
  const [event] = (await search(contains)).results;
  return {
    search_model_time_ms: await medianOf(() => search(byModelAndTime)),
    contains_ms: await medianOf(() => search(contains)),
    icontains_nothing_ms: await medianOf(() => search(folded)),
    matches_nothing_ms: await medianOf(() => search(matches)),
    first_page_ms: first,
    page_200_ms: await medianOf(() => search(null, cursor, 5)),
    similar_ms: await medianOf(async () => {
      const path = `${url}${EVENTS}/${event?.event_id ?? ''}/similar-events`;
      const response = await send(path, key, 'GET');
      if (!response.ok) throw new Error(await response.text());
      await response.arrayBuffer();
    }),
  };
}

async function measureDatasets(url: string, key: string): Promise<Record<string, number>> {
  const lines = Array.from(
    { length: RECORDS },
    (_, n) => `{"messages":[{"role":"user","content":"question ${n} ${'x'.repeat(200)}"}]}\n`,
  );
  const form = new FormData();
  form.set('file', new Blob([lines.join('')]), 'rows.jsonl');
  const headers = { authorization: `Bearer ${key}` };
  const upload = await fetch(`${url}/v1/files`, { method: 'POST', headers, body: form });
  const file = (await upload.json()) as { id: string };
  const created = await send(`${url}${DATASETS}`, key, 'POST', { name: 'bench', description: '' });
  const dataset = `${url}${DATASETS}/${((await created.json()) as { id: string }).id}`;
  const startedAt = performance.now();
  const started = await send(`${dataset}/imports/from-file`, key, 'POST', { file_id: file.id });
  const { id } = (await started.json()) as { id: string };
  await until(
    'the import',
    async () => {
      const task = (await (await send(`${dataset}/tasks/${id}`, key, 'GET')).json()) as {
        status: string;
        message: string;
      };
      if (task.status === 'FAILED') throw new Error(task.message);
      return task.status === 'COMPLETED';
    },
    120_000,
  );
  const importMs = performance.now() - startedAt;
  const memoryBefore = workerdMemory();
  const exportAt = performance.now();
  const exported = await send(`${dataset}/exports/to-jsonl`, key, 'GET');
  const { file_url } = (await exported.json()) as { file_url: string };
  const bytes = (await (await fetch(file_url)).arrayBuffer()).byteLength;
  const exportMs = performance.now() - exportAt;
  return {
    import_records_s: Math.round(RECORDS / (importMs / 1000)),
    export_records_s: Math.round(RECORDS / (exportMs / 1000)),
    export_mb: Math.round(bytes / 1e5) / 10,
    export_memory_growth_mb: Math.round((workerdMemory() - memoryBefore) / 1e5) / 10,
  };
}

async function medianOf(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  return Math.round(median(times) * 10) / 10;
}

const results: Record<string, Record<string, number>> = {};
for (const size of SIZES) {
  console.error(`${size} events …`);
  results[size.toLocaleString('en')] = await measure(size);
}
console.log(table('events', results));
await writeFile(
  join(import.meta.dirname, 'results', 'backend.json'),
  `${JSON.stringify(results, null, 2)}\n`,
);
