// How soon 300 imports at once are seen to have ended, and what that takes, beside a loop of 2 s: npm run bench:imports
import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Miniflare, type MiniflareOptions } from 'miniflare';
import type { ImportView } from '../src/domain/import-view.ts';
import { until } from '../test/support/until.ts';
import { createClient, send, workerOptions } from '../test/support/worker.ts';
import type { Arrival } from './imports-receiver.ts';
import type { UpstreamTask } from './imports-upstream.ts';
import { percentile, table, workerdMemory } from './measure.ts';

const IMPORTS = 300;
const SHORTEST_MS = 2000;
const LONGEST_MS = 20_000;
const LOOP_MS = 2000;
const SAMPLE_EVERY_MS = 250;
/** The state is kept in memory: 300 databases that wait for one disk measure the disk. */
const MEMORY = '/dev/shm';
const DATASETS = Array.from({ length: 30 }, () => randomUUID());
/** How long each task takes: spread evenly, and mixed (golden ratio), the same in each run. */
const DURATIONS = Array.from({ length: IMPORTS }, (_, n) =>
  Math.round(SHORTEST_MS + (LONGEST_MS - SHORTEST_MS) * ((n * 0.618034) % 1)),
);

/** The built Worker, with the writes to KV of each import's object counted. */
const COUNTING_WORKER = `
import worker, { ImportJob as Built } from './dist/index.js';
export * from './dist/index.js';
const copies = new Map();
const counted = (kv) => new Proxy(kv, {
  get(target, name) {
    if (name !== 'put') return typeof target[name] === 'function' ? target[name].bind(target) : target[name];
    return (key, value, options) => {
      copies.set(key, { writes: (copies.get(key)?.writes ?? 0) + 1, value });
      return target.put(key, value, options);
    };
  },
});
export class ImportJob extends Built {
  constructor(ctx, env) {
    super(ctx, { ...env, KV: counted(env.KV) });
  }
}
export default {
  ...worker,
  fetch(request, env, ctx) {
    if (new URL(request.url).pathname !== '/copies') return worker.fetch(request, env, ctx);
    return Response.json([...copies.values()].map(({ writes, value }) =>
      ({ writes, delivery: JSON.parse(value).delivery.status })));
  },
};`;

function datasetOf(n: number): string {
  return DATASETS[n % DATASETS.length] ?? '';
}

type Figures = Record<string, number | string>;

/** A process that this one started, listening. */
interface Peer {
  url: string;
  child: ChildProcess;
}

/** What `import.completed` tells of an import, and when it came. */
interface Notified {
  view: ImportView;
  at: number;
}

async function startPeer(file: string): Promise<Peer> {
  const child = fork(join(import.meta.dirname, file));
  const [port] = (await once(child, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}`, child };
}

async function tasksOf(upstream: Peer): Promise<Map<string, UpstreamTask>> {
  upstream.child.send('tasks');
  const [tasks] = (await once(upstream.child, 'message')) as [UpstreamTask[]];
  return new Map(tasks.map((task) => [task.id, task]));
}

function countingWorker(upstream: Peer, folder: string): MiniflareOptions {
  const options = workerOptions(
    { MISTRAL_BASE_URL: upstream.url, MISTRAL_API_KEY: 'bench-key' },
    0,
    folder,
  );
  const manifest = options.workers[0]?.config.manifest;
  if (manifest === undefined) throw new Error('There is no Worker to be run.');
  manifest.modules['bench-worker.js'] = { type: 'esm', contents: COUNTING_WORKER };
  manifest.mainModule = 'bench-worker.js';
  return options;
}

const rounded = (value: number) => Math.round(value * 100) / 100;

function mean(values: readonly number[]): number {
  return rounded(values.reduce((sum, value) => sum + value, 0) / values.length);
}

/** What the upstream tells of its tasks: how late each end was asked for, and the polls. */
function seenByUpstream(tasks: readonly UpstreamTask[]): Figures {
  const lags = tasks.map(({ endsAt, seenAt }) => (seenAt ?? Infinity) - endsAt);
  const polls = tasks.map((task) => task.polls);
  const first = Math.min(...tasks.map(({ endsAt }, n) => endsAt - (DURATIONS[n] ?? 0)));
  const last = Math.max(...tasks.map(({ seenAt }) => seenAt ?? Infinity));
  return {
    'end until the poll that saw it, p50, ms': percentile(lags, 0.5),
    'end until the poll that saw it, p95, ms': percentile(lags, 0.95),
    'polls per import, mean': mean(polls),
    'polls per import, max': Math.max(...polls),
    'polls a second': rounded(
      (1000 * polls.reduce((sum, count) => sum + count, 0)) / (last - first),
    ),
  };
}

/** Receives webhooks in a process of its own; `notified` is told of each import that was said to be completed. */
async function startReceiver(notified: Map<string, Notified>): Promise<Peer> {
  const receiver = await startPeer('imports-receiver.ts');
  receiver.child.on('message', ({ body, at }: Arrival) => {
    const { type, data } = JSON.parse(body) as { type: string; data: ImportView };
    if (type === 'import.completed' && !notified.has(data.id)) {
      notified.set(data.id, { view: data, at });
    }
  });
  return receiver;
}

/** Starts all imports at once. @returns their ids */
async function startAll(
  url: string,
  key: string,
  callbackUrl: string,
  progress: 'linear' | 'none',
): Promise<string[]> {
  const start = async (duration: number, n: number) => {
    const response = await send(`${url}/datasets/${datasetOf(n)}/imports`, key, 'POST', {
      source: 'file',
      file_id: `${duration}:${progress}`,
      callback: { url: callbackUrl },
    });
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
    return ((await response.json()) as ImportView).id;
  };
  return Promise.all(DURATIONS.map(start));
}

/** All imports through Windsock; fails unless each is notified and tells as many polls as the upstream has seen. */
async function viaWindsock(upstream: Peer, progress: 'linear' | 'none'): Promise<Figures> {
  const notified = new Map<string, Notified>();
  const receiver = await startReceiver(notified);
  const folder = await mkdtemp(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'windsock-bench-'));
  const miniflare = new Miniflare(countingWorker(upstream, folder));
  let peak = 0;
  const sampler = setInterval(() => (peak = Math.max(peak, workerdMemory())), SAMPLE_EVERY_MS);
  try {
    const { origin: url } = await miniflare.ready;
    const { key } = await createClient(url);
    const before = workerdMemory();
    const startedAt = performance.now();
    const ids = await startAll(url, key, receiver.url, progress);
    const acceptedMs = performance.now() - startedAt;
    await until('every import to be notified', () => notified.size === IMPORTS, 60_000);
    const writes = await writesOf(url);
    const tasks = await tasksOf(upstream);
    return {
      ...figuresOf(ids, notified, tasks),
      'KV writes per import, mean': mean(writes),
      'KV writes per import, max': Math.max(...writes),
      'until all were accepted, s': rounded(acceptedMs / 1000),
      'memory growth of workerd, MB': Math.round((peak - before) / 1e6),
    };
  } finally {
    clearInterval(sampler);
    await miniflare.dispose();
    await rm(folder, { recursive: true, force: true });
    receiver.child.kill();
  }
}

function figuresOf(
  ids: readonly string[],
  notified: ReadonlyMap<string, Notified>,
  tasks: ReadonlyMap<string, UpstreamTask>,
): Figures {
  const ended = ids.map((id) => {
    const { view, at } = notified.get(id) ?? {};
    const task = tasks.get(view?.tasks[0]?.id ?? '');
    if (view === undefined || at === undefined || task === undefined) {
      throw new Error(`${id} was not notified.`);
    }
    if (view.polls !== task.polls) {
      throw new Error(`${id} tells of ${view.polls} polls, the upstream of ${task.polls}.`);
    }
    return { view, at, task };
  });
  const told = ended.map(({ view }) => view.detected_after_ms ?? Infinity);
  const arrived = ended.map(({ at, task }) => at - task.endsAt);
  const attempts = ended.map(({ at, view }) => at - Date.parse(view.finished_at ?? ''));
  return {
    ...seenByUpstream(ended.map(({ task }) => task)),
    'detected_after_ms, p50': percentile(told, 0.5),
    'detected_after_ms, p95': percentile(told, 0.95),
    'end until the webhook came, p50, ms': percentile(arrived, 0.5),
    'end until the webhook came, p95, ms': percentile(arrived, 0.95),
    'detection until the webhook came, p50, ms': percentile(attempts, 0.5),
    'detection until the webhook came, p99, ms': percentile(attempts, 0.99),
  };
}

/** How often each import's copy was written, once the last copy tells of the delivery. */
async function writesOf(url: string): Promise<number[]> {
  return until('every copy to be up to date', async () => {
    const response = await fetch(`${url}/copies`);
    const copies = (await response.json()) as { writes: number; delivery: string }[];
    const isSettled = copies.every(({ delivery }) => delivery === 'delivered');
    return isSettled && copies.length === IMPORTS && copies.map(({ writes }) => writes);
  });
}

/** The same tasks, each asked for every two seconds. */
async function viaLoop(upstream: Peer): Promise<Figures> {
  const follow = async (duration: number, n: number) => {
    const dataset = `${upstream.url}/v1/observability/datasets/${datasetOf(n)}`;
    const body = { file_id: `${duration}:linear` };
    const started = await send(`${dataset}/imports/from-file`, null, 'POST', body);
    const { id } = (await started.json()) as { id: string };
    for (;;) {
      await delay(LOOP_MS);
      const polled = await fetch(`${dataset}/tasks/${id}`);
      if (((await polled.json()) as { status: string }).status === 'COMPLETED') return id;
    }
  };
  const ids = await Promise.all(DURATIONS.map(follow));
  const tasks = await tasksOf(upstream);
  return seenByUpstream(ids.flatMap((id) => tasks.get(id) ?? []));
}

/** What imports that report progress are to reach at most. */
const LIMITS: Record<string, number> = {
  'detected_after_ms, p50': 600,
  'detected_after_ms, p95': 2500,
  'polls per import, max': 12,
  'KV writes per import, max': 4,
  'detection until the webhook came, p99, ms': 250,
};

const upstream = await startPeer('imports-upstream.ts');
try {
  console.error(`${IMPORTS} imports that report progress …`);
  const guided = await viaWindsock(upstream, 'linear');
  console.error(`${IMPORTS} imports that report none …`);
  const blind = await viaWindsock(upstream, 'none');
  console.error(`${IMPORTS} loops …`);
  const loop = await viaLoop(upstream);
  const results = { Windsock: guided, 'Windsock, no progress': blind, 'loop of 2 s': loop };
  console.log(`${table(`${IMPORTS} imports`, results)}\n`);
  const inThisRun: Figures = {};
  const holds: Figures = {};
  for (const [figure, limit] of Object.entries(LIMITS)) {
    const value = guided[figure] ?? Infinity;
    inThisRun[`${figure}: ≤ ${limit}`] = value;
    holds[`${figure}: ≤ ${limit}`] = Number(value) <= limit ? 'yes' : 'NO';
  }
  console.log(table('target', { 'in this run': inThisRun, holds }));
  const file = join(import.meta.dirname, 'results', 'imports.json');
  await writeFile(file, `${JSON.stringify({ results, targets: { inThisRun, holds } }, null, 2)}\n`);
} finally {
  upstream.child.kill();
}
