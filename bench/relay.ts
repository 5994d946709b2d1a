// What Windsock adds to a chat, beside a bare Worker and, with --peer, another gateway: npm run bench
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare, type MiniflareOptions } from 'miniflare';
import { unstable_readConfig } from 'wrangler';
import { createClient, workerOptions } from '../test/support/worker.ts';
import {
  ask,
  askMany,
  closeClient,
  leave,
  startUpstream,
  type Target,
  type Upstream,
} from './client.ts';
import { median, percentile, table } from './measure.ts';
import { startPeer } from './peer.ts';
import { cpuMs, residentBytes, workerdPids } from './processes.ts';

const ROUNDS = 5;
const REQUESTS_A_ROUND = 150;
const FIRST_TOKENS_A_ROUND = 100;
const LOAD_REQUESTS = 1500;
const LOAD_CONNECTIONS = 16;
const STREAMS_A_ROUND = 80;
const STREAMS_AT_ONCE = 40;
const BURSTS_A_ROUND = 8;
const ABORTS_A_ROUND = 4;
/** A stream that is still open so long after its client has gone counts as never closed. */
const ABORT_CAP_MS = 500;
const OPEN_STREAMS = 200;
const GAP_MS = 5;

const DIRECT = 'direct';
const BARE = 'bare Worker';
const WINDSOCK = 'Windsock';

/** The least that a Worker in between can do. */
const BARE_WORKER = `export default {
  async fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    const { method, headers, body } = request;
    const upstream = await fetch(env.UPSTREAM + pathname + search, { method, headers, body });
    return new Response(upstream.body, upstream);
  },
};`;

/** Figures of one round, or of the run; one that could not be measured is left out. */
type Figures = Record<string, number>;
/** How to undo what was started, last first. */
type Undo = (() => unknown)[];

/** Starts a Worker on a socket of its own: Miniflare's usual one has a Worker of Miniflare's in front of ours. */
async function startMiniflare(
  options: MiniflareOptions,
  undo: Undo,
): Promise<{ origin: string; pid: number | null }> {
  const before = workerdPids();
  const unsafeDirectSockets = [{ host: '127.0.0.1', port: 0 }];
  const workers = options.workers.map((worker) => {
    return { ...worker, dev: { ...worker.dev, unsafeDirectSockets } };
  });
  const miniflare = new Miniflare({ ...options, workers });
  undo.push(() => miniflare.dispose());
  await miniflare.ready;
  const { origin } = await miniflare.unsafeGetDirectURL();
  return { origin, pid: workerdPids().find((pid) => !before.includes(pid)) ?? null };
}

async function startTargets(upstream: Upstream, undo: Undo): Promise<Target[]> {
  const config = unstable_readConfig({
    config: join(import.meta.dirname, '..', 'wrangler.toml'),
  });
  const bare = await startMiniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: BARE_WORKER,
      compatibilityDate: config.compatibility_date ?? '',
      compatibilityFlags: config.compatibility_flags,
      bindings: { UPSTREAM: upstream.url },
      host: '127.0.0.1',
      port: 0,
    }),
    undo,
  );
  const windsock = await startMiniflare(
    workerOptions({ MISTRAL_BASE_URL: upstream.url, MISTRAL_API_KEY: 'upstream-key' }),
    undo,
  );
  const { key } = await createClient(windsock.origin);
  const path = '/v1/chat/completions';
  const targets: Target[] = [
    { name: DIRECT, url: upstream.url + path, headers: {}, pid: null },
    { name: BARE, url: bare.origin + path, headers: {}, pid: bare.pid },
    {
      name: WINDSOCK,
      url: windsock.origin + path,
      headers: { authorization: `Bearer ${key}` },
      pid: windsock.pid,
    },
  ];
  if (process.argv.includes('--peer')) {
    console.error('fetching the peer …');
    const peer = await startPeer(upstream.url);
    undo.push(peer.stop);
    targets.push(peer.target);
  }
  return targets;
}

/** How much the resident memory of a server grows while it holds streams that have sent their first event. */
async function memoryOfStreams({ pid }: Target, open: () => Promise<unknown>): Promise<Figures> {
  const before = pid === null ? undefined : residentBytes(pid);
  if (pid === null || before === undefined) return {};
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, residentBytes(pid) ?? 0)), 50);
  await open().finally(() => clearInterval(timer));
  return { memory_mb: (peak - before) / 1e6 };
}

/** Runs a batch and returns its figures together with the CPU time that the server took for each of its parts. */
async function withCpu(
  { pid }: Target,
  name: string,
  count: number,
  batch: () => Promise<Figures>,
): Promise<Figures> {
  const before = pid === null ? undefined : cpuMs(pid);
  const figures = await batch();
  const after = pid === null ? undefined : cpuMs(pid);
  if (before === undefined || after === undefined) return figures;
  return { ...figures, [name]: (after - before) / count };
}

/** Times the same thing in turns over the targets, so that what disturbs the machine disturbs all. */
async function inTurns(
  targets: Target[],
  count: number,
  time: (target: Target) => Promise<number>,
): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>(targets.map(({ name }) => [name, []]));
  for (let turn = 0; turn < count; turn++) {
    for (const target of targets) times.get(target.name)?.push(await time(target));
  }
  return times;
}

/** Median and 99th percentile over those of the direct way. */
function added(name: string, times: Map<string, number[]>, target: string): Figures {
  const [own, direct] = [times.get(target) ?? [], times.get(DIRECT) ?? []];
  const above = target === DIRECT ? [] : direct;
  return {
    [`${name}_p50_ms`]: percentile(own, 0.5) - percentile(above, 0.5),
    [`${name}_p99_ms`]: percentile(own, 0.99) - percentile(above, 0.99),
  };
}

let aborts = 0;

/** Milliseconds from the client's leaving until the upstream sees its connection closed. */
async function abortToClose(target: Target, upstream: Upstream): Promise<number> {
  const id = `abort-${aborts++}`;
  const leftAt = await leave(target, { events: 600, gapMs: GAP_MS, id }, 10);
  const closedAt = await upstream.closedAt(id, ABORT_CAP_MS);
  return closedAt === null ? Infinity : closedAt - leftAt;
}

async function load(target: Target): Promise<Figures> {
  return withCpu(target, 'cpu_request_ms', LOAD_REQUESTS, async () => {
    const startedAt = performance.now();
    await askMany(target, {}, LOAD_REQUESTS, LOAD_CONNECTIONS);
    return { requests_s: LOAD_REQUESTS / ((performance.now() - startedAt) / 1000) };
  });
}

async function streams(target: Target): Promise<Figures> {
  const stream = { events: 200, gapMs: GAP_MS };
  return withCpu(target, 'cpu_stream_ms', STREAMS_A_ROUND, async () => {
    const seen = await askMany(target, stream, STREAMS_A_ROUND, STREAMS_AT_ONCE);
    return { chunks_stream: median(seen.map(({ chunks }) => chunks)) };
  });
}

async function round(targets: Target[], upstream: Upstream): Promise<Record<string, Figures>> {
  const latency = await inTurns(targets, REQUESTS_A_ROUND, async (target) => {
    return (await ask(target)).endMs;
  });
  const firstToken = await inTurns(targets, FIRST_TOKENS_A_ROUND, async (target) => {
    return (await ask(target, { events: 2, gapMs: GAP_MS })).firstByteMs;
  });
  const bursts = await inTurns(targets, BURSTS_A_ROUND, async (target) => {
    return (await ask(target, { events: 2000 })).endMs;
  });
  const closes = await inTurns(targets, ABORTS_A_ROUND, (target) => abortToClose(target, upstream));
  const figures: Record<string, Figures> = {};
  for (const target of targets) {
    const { name } = target;
    figures[name] = {
      ...added('latency', latency, name),
      ...added('first_token', firstToken, name),
      ...(await load(target)),
      ...(await streams(target)),
      burst_ms: median(bursts.get(name) ?? []),
      abort_ms: median(closes.get(name) ?? []),
    };
  }
  return figures;
}

async function measure(targets: Target[], upstream: Upstream): Promise<Record<string, Figures>> {
  for (const target of targets) {
    await askMany(target, {}, 500, LOAD_CONNECTIONS);
    await askMany(target, { events: 50, gapMs: 1 }, 50, LOAD_CONNECTIONS);
  }
  const memory: Record<string, Figures> = {};
  for (const target of targets) {
    memory[target.name] = await memoryOfStreams(target, () =>
      askMany(target, { events: 8, gapMs: 250 }, OPEN_STREAMS, OPEN_STREAMS),
    );
  }
  const rounds: Record<string, Figures>[] = [];
  for (let number = 1; number <= ROUNDS; number++) {
    console.error(`round ${number} of ${ROUNDS} …`);
    // Each target comes first in its turn: the first of a round finds the machine rested.
    const turned = targets.map((_, at) => targets[(at + number) % targets.length] as Target);
    rounds.push(await round(turned, upstream));
  }
  return Object.fromEntries(
    targets.map(({ name }) => {
      const names = Object.keys(rounds[0]?.[name] ?? {});
      const medians = names.map((figure) => {
        return [figure, median(rounds.map((round) => round[name]?.[figure] ?? NaN))] as const;
      });
      return [name, { ...Object.fromEntries(medians), ...memory[name] }];
    }),
  );
}

const LABELS: Record<string, string> = {
  latency_p50_ms: 'latency added, p50, ms',
  latency_p99_ms: 'latency added, p99, ms',
  first_token_p50_ms: 'time to first token added, p50, ms',
  first_token_p99_ms: 'time to first token added, p99, ms',
  requests_s: `requests/s over ${LOAD_CONNECTIONS} connections`,
  cpu_request_ms: 'CPU of the server per request, ms',
  cpu_stream_ms: 'CPU of the server per stream of 200 events, ms',
  chunks_stream: 'chunks in which those came',
  burst_ms: 'burst of 2,000 events until its end, ms',
  abort_ms: 'client gone until upstream closed, ms',
  memory_mb: `memory growth with ${OPEN_STREAMS} open streams, MB`,
};

function cell(name: string, value: number | undefined, isDirect: boolean): string {
  if (value === undefined) return '';
  if (value === Infinity) return `> ${ABORT_CAP_MS}`;
  const digits = value >= 100 ? 0 : name.startsWith('cpu') || value < 10 ? 2 : 1;
  const text = value.toLocaleString('en', { maximumFractionDigits: digits });
  return isDirect && /^(?:latency|first_token)_/.test(name) ? `(${text})` : text;
}

interface Goal {
  target: string;
  value: number;
  holds: boolean;
}

function goals(figures: Record<string, Figures>, peer: string | undefined): Goal[] {
  const of = (target: string, figure: string) => figures[target]?.[figure] ?? NaN;
  const ratio = (figure: string, other: string) => of(WINDSOCK, figure) / of(other, figure);
  const goal = (target: string, value: number, holds: boolean) => ({ target, value, holds });
  const token = of(WINDSOCK, 'first_token_p50_ms') - of(BARE, 'first_token_p50_ms');
  const stream = ratio('cpu_stream_ms', BARE);
  const requests = ratio('requests_s', BARE);
  const abort = of(WINDSOCK, 'abort_ms');
  const overPeer = peer === undefined ? NaN : ratio('cpu_stream_ms', peer);
  return [
    goal('time to first token over the bare Worker, p50, ms: ≤ 1', token, token <= 1),
    goal('CPU per stream / bare Worker: ≤ 3', stream, stream <= 3),
    ...(peer === undefined
      ? []
      : [goal('CPU per stream / peer: ≤ 0.6', overPeer, overPeer <= 0.6)]),
    goal('requests/s / bare Worker: ≥ 0.6', requests, requests >= 0.6),
    goal('client gone until upstream closed, ms: ≤ 100', abort, abort <= 100),
  ].filter(({ value }) => !Number.isNaN(value));
}

const undo: Undo = [];
try {
  const upstream = await startUpstream();
  undo.push(upstream.stop);
  const targets = await startTargets(upstream, undo);
  undo.push(closeClient);
  const figures = await measure(targets, upstream);
  const reached = goals(figures, targets[3]?.name);
  const cells = Object.fromEntries(
    Object.entries(figures).map(([target, own]) => [
      target,
      Object.fromEntries(
        Object.entries(LABELS).map(([name, label]) => {
          return [label, cell(name, own[name], target === DIRECT)];
        }),
      ),
    ]),
  );
  console.log(table('(in brackets: not added, but all of it)', cells));
  console.log();
  const answers = reached.map(({ target, value, holds }) => {
    return [target, { 'in this run': value.toFixed(2), holds: holds ? 'yes' : 'NO' }] as const;
  });
  const columns = ['in this run', 'holds'] as const;
  console.log(
    table(
      'target',
      Object.fromEntries(
        columns.map((column) => [
          column,
          Object.fromEntries(answers.map(([target, answer]) => [target, answer[column]])),
        ]),
      ),
    ),
  );
  const folder = join(import.meta.dirname, 'results');
  await mkdir(folder, { recursive: true });
  const machine = { date: new Date().toISOString(), node: process.version, cpus: cpus().length };
  const result = { machine, figures, targets: reached };
  await writeFile(join(folder, 'relay.json'), `${JSON.stringify(result, null, 2)}\n`);
} finally {
  for (const step of undo.toReversed()) await step();
}
