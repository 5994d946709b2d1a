// What a rate limit adds to a request, by a Durable Object or by the platform's binding: npm run bench:rate-limit
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { median, table } from './measure.ts';

const ROUNDS = 15;
const REQUESTS = 300;
const CONCURRENCY = [1, 16];
const VARIANTS = ['none', 'object', 'binding'] as const;
const ROOT = join(import.meta.dirname, '..');
/** So high that nothing is refused: what is measured is the asking. */
const LIMIT = 1_000_000;

type Variant = (typeof VARIANTS)[number];

/** The object is that of the built Worker; around it is a Worker that does nothing else, so that little is hidden. */
const WORKER = `
import { RateLimiter } from './dist/index.js';
export { RateLimiter };
const ask = {
  none: async () => true,
  object: async (env) => (await env.LIMITER.getByName('cl_bench').admit(${LIMIT})).ok,
  binding: async (env) => (await env.BINDING.limit({ key: 'cl_bench' })).success,
  delta: async (env) => (await env.BINDING.limit({ key: 'cl_delta', delta: 2 })).success,
};
export default {
  async fetch(request, env) {
    try {
      const admitted = await ask[new URL(request.url).pathname.slice(1)](env);
      return new Response(null, { status: admitted ? 204 : 429 });
    } catch (error) {
      return new Response(error.message, { status: 500 });
    }
  },
};`;

const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    modulesRoot: ROOT,
    modules: [
      { type: 'ESModule', path: join(ROOT, 'bench-worker.js'), contents: WORKER },
      { type: 'ESModule', path: join(ROOT, 'dist', 'index.js') },
    ],
    compatibilityDate: '2026-09-15',
    durableObjects: { LIMITER: { className: 'RateLimiter', useSQLite: true } },
    ratelimits: { BINDING: { namespace_id: '1', simple: { limit: LIMIT, period: 60 } } },
    host: '127.0.0.1',
    port: 0,
  }),
);

async function timeOf(url: string): Promise<number> {
  const startedAt = performance.now();
  const response = await fetch(url);
  const text = await response.text();
  const tookMs = performance.now() - startedAt;
  if (response.status !== 204) throw new Error(`${response.status} ${text}`);
  return tookMs;
}

/** The median time of a request, in milliseconds, with so many under way at a time. */
async function measure(url: string, concurrency: number): Promise<number> {
  const times: number[] = [];
  let left = REQUESTS;
  const lane = async () => {
    while (left-- > 0) times.push(await timeOf(url));
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return median(times);
}

/** Rounds in which all variants have their turn, in another order each time; the first warms up. */
async function rounds(origin: string, concurrency: number): Promise<Record<Variant, number[]>> {
  const results: Record<Variant, number[]> = { none: [], object: [], binding: [] };
  for (let round = 0; round <= ROUNDS; round++) {
    for (let turn = 0; turn < VARIANTS.length; turn++) {
      const variant = VARIANTS[(round + turn) % VARIANTS.length] ?? 'none';
      const took = await measure(`${origin}/${variant}`, concurrency);
      if (round > 0) results[variant].push(took);
    }
  }
  return results;
}

const rounded = (ms: number) => Math.round(ms * 100) / 100;

try {
  const origin = (await miniflare.ready).origin;
  const delta = await fetch(`${origin}/delta`);
  console.log(`The binding asked with a delta: ${delta.status} ${await delta.text()}\n`);
  const results: Record<string, Record<string, number>> = {};
  for (const concurrency of CONCURRENCY) {
    const { none, object, binding } = await rounds(origin, concurrency);
    const added = (times: number[]) =>
      median(times.map((time, round) => time - (none[round] ?? 0)));
    results[`${concurrency} at a time`] = {
      'no limit, ms': rounded(median(none)),
      'object adds, ms': rounded(added(object)),
      'binding adds, ms': rounded(added(binding)),
    };
  }
  console.log(table('a request', results));
  const file = join(import.meta.dirname, 'results', 'rate-limit.json');
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
} finally {
  await miniflare.dispose();
}
