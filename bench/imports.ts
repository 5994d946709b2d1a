// How soon 300 imports at once are seen to have ended, and what that takes, beside a loop of 2 s: npm run bench:imports
import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
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

type Figures = Record<string, number | string>;

/** A process that this one started, listening. */
interface Peer {
  url: string;
  child: ChildProcess;
}

/** What `import.completed` tells of an import, and when it came. */
interface Notified {
  import: ImportView;
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

function countingWorker(upstream: Peer): MiniflareOptions {
  const options = workerOptions({ MISTRAL_BASE_URL: upstream.url, MISTRAL_API_KEY: 'bench-key' });
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

/** 300 imports through Windsock; fails unless each is notified and all tell the same number of polls as the upstream. */
async function viaWindsock(upstream: Peer, progress: 'linear' | 'none'): Promise<Figures> {
  const receiver = await startPeer('imports-receiver.ts');
  const notified = new Map<string, Notified>();
  receiver.child.on('message', ({ body, at }: Arrival) => {
    const { type, data } = JSON.parse(body) as { type: string; data: ImportView };
    if (type === 'import.completed' && !notified.has(data.id)) {
      notified.set(data.id, { import: data, at });
    }
  });
  const miniflare = new Miniflare(countingWorker(upstream));
  try {
    const { origin: url } = await miniflare.ready;
    const { key } = await createClient(url);
    const before = workerdMemory();
    let peak = before;
    const sampler = setInterval(() => (peak = Math.max(peak, workerdMemory())), SAMPLE_EVERY_MS);
    const startedAt = performance.now();
    const started = await Promise.all(
      DURATIONS.map(async (duration, n) => {
        const path = `${url}/datasets/${DATASETS[n % DATASETS.length] ?? ''}/imports`;
        const response = await send(path, key, 'POST', {
          source: 'file',
          file_id: `${duration}:${progress}`,
          callback: { url: receiver.url },
        });
        if (response.status !== 202) throw new Error(await response.text());
        return (await response.json()) as ImportView;
      }),
    );
    const acceptedMs = performance.now() - startedAt;
    await until('every import to be notified', () => notified.size === IMPORTS, 60_000);
    clearInterval(sampler);
    const writes = await writesOf(url);
    const known = await tasksOf(upstream);
    const pairs = started.map(({ id }) => {
      const one = notified.get(id);
      const task = known.get(one?.import.tasks[0]?.id ?? '');
      if (one === undefined || task === undefined) throw new Error(`${id} was not notified.`);
      if (one.import.polls !== task.polls) throw new Error(`${id} tells another number of polls.`);
      return { ...one, task };
    });
    const told = pairs.map((one) => one.import.detected_after_ms ?? Infinity);
    const arrived = pairs.map(({ at, task }) => at - task.endsAt);
    const attempts = pairs.map((one) => one.at - Date.parse(one.import.finished_at ?? ''));
    return {
      ...seenByUpstream(pairs.map(({ task }) => task)),
      'detected_after_ms, p50': percentile(told, 0.5),
      'detected_after_ms, p95': percentile(told, 0.95),
      'end until the webhook came, p50, ms': percentile(arrived, 0.5),
      'end until the webhook came, p95, ms': percentile(arrived, 0.95),
      'detection until the first attempt came, p50, ms': percentile(attempts, 0.5),
      'detection until the first attempt came, p99, ms': percentile(attempts, 0.99),
      'KV writes per import, mean': mean(writes),
      'KV writes per import, max': Math.max(...writes),
      'until all 300 were accepted, s': rounded(acceptedMs / 1000),
      'memory growth of workerd, MB': Math.round((peak - before) / 1e5) / 10,
    };
  } finally {
    await miniflare.dispose();
    receiver.child.kill();
  }
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
  const ids = await Promise.all(
    DURATIONS.map(async (duration, n) => {
      const dataset = `${upstream.url}/v1/observability/datasets/${DATASETS[n % DATASETS.length] ?? ''}`;
      const body = { file_id: `${duration}:linear` };
      const started = await send(`${dataset}/imports/from-file`, null, 'POST', body);
      const { id } = (await started.json()) as { id: string };
      for (;;) {
        await delay(LOOP_MS);
        const polled = await fetch(`${dataset}/tasks/${id}`);
        if (((await polled.json()) as { status: string }).status === 'COMPLETED') return id;
      }
    }),
  );
  const known = await tasksOf(upstream);
  return seenByUpstream(ids.flatMap((id) => known.get(id) ?? []));
}

const upstream = await startPeer('imports-upstream.ts');
try {
  console.error(`${IMPORTS} imports that report progress …`);
  const guided = await viaWindsock(upstream, 'linear');
  console.error(`${IMPORTS} imports that report none …`);
  const blind = await viaWindsock(upstream, 'none');
  console.error(`${IMPORTS} loops …`);
  const loop = await viaLoop(upstream);
  const results = { Windsock: guided, 'Windsock, no progress reported': blind, 'loop of 2 s': loop };
  console.log(`${table(`${IMPORTS} imports`, results)}\n`);
  const limits: [figure: string, limit: number][] = [
    ['end until the poll that saw it, p50, ms', 600],
    ['end until the poll that saw it, p95, ms', 2500],
    ['detected_after_ms, p50', 600],
    ['detected_after_ms, p95', 2500],
    ['polls per import, max', 12],
    ['KV writes per import, max', 4],
    ['detection until the first attempt came, p99, ms', 250],
  ];
  const targets = Object.fromEntries(
    limits.map(([figure, limit]) => {
      const value = Number(guided[figure]);
      return [
        `${figure}: ≤ ${limit}`,
        { 'in this run': value, holds: value <= limit ? 'yes' : 'NO' },
      ];
    }),
  );
  console.log(targetTable(targets));
  const file = join(import.meta.dirname, 'results', 'imports.json');
  await writeFile(file, `${JSON.stringify({ results, targets }, null, 2)}\n`);
} finally {
  upstream.child.kill();
}

function targetTable(targets: Record<string, { 'in this run': number; holds: string }>): string {
  const rows = Object.entries(targets).map(
    ([target, told]) => `| ${target} | ${told['in this run']} | ${told.holds} |`,
  );
  return ['| target | in this run | holds |', '| --- | ---: | ---: |', ...rows].join('\n');
}
