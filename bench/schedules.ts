// What a tick costs with 50 schedules due of 100, 1,000 and 10,000: npm run bench:schedules
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { unstable_readConfig } from 'wrangler';
import { median, table } from './measure.ts';

const SIZES = [100, 1000, 10_000];
const DUE = 50;
const TICKS = 15;
const ROOT = join(import.meta.dirname, '..');
const MAKE_AT_ONCE = 50;
/** The runs of a tick go on after it; so long is waited until they do not disturb the next. */
const REST_MS = 1500;

/**
 * The built Worker's own tick, with an environment that counts the calls made to Durable Objects. Schedules are made
 * past the API, by their objects' own method.
 */
const WORKER = `
import worker from './dist/index.js';
export * from './dist/index.js';
function counting(namespace, calls) {
  return {
    getByName: (name) => {
      const stub = namespace.getByName(name);
      return new Proxy({}, {
        get: (_, method) => (...args) => {
          calls.count++;
          return stub[method](...args);
        },
      });
    },
  };
}
const handlers = {
  async make(env, { from, to, due, now }) {
    const ids = Array.from({ length: to - from }, (_, n) => from + n);
    await Promise.all(ids.map((n) => {
      const isDue = n < due;
      const id = 'sch_' + String(n).padStart(22, '0');
      return env.SCHEDULE.getByName(id).create({
        id, clientId: 'cl_bench', name: id, cron: isDue ? '* * * * *' : '0 0 29 2 *', timezone: 'UTC',
        datasetId: '00000000-0000-4000-8000-000000000000',
        template: { source: 'explorer', where: 'model_name = "none"', incremental: true },
        callback: null, overlapMs: 900000, notifyEmpty: false, origin: 'http://localhost', backfillFrom: null,
        createdAt: now, updatedAt: now, nextDueAt: isDue ? now : Date.UTC(2028, 1, 29), watermark: null, floor: now,
      });
    }));
    return {};
  },
  async tick(env, { time }) {
    const calls = { count: 0 };
    const counted = {
      ...env,
      REGISTRY: counting(env.REGISTRY, calls),
      SCHEDULE: counting(env.SCHEDULE, calls),
    };
    await worker.scheduled({ cron: '* * * * *', scheduledTime: time }, counted);
    return { calls: calls.count };
  },
  async due(env, { time }) {
    return { due: (await env.REGISTRY.getByName('schedules').due(time, 500)).length };
  },
};
export default {
  async fetch(request, env) {
    try {
      const { do: what, ...input } = await request.json();
      return Response.json(await handlers[what](env, input));
    } catch (error) {
      return new Response(error.stack, { status: 500 });
    }
  },
};`;

async function startBench(): Promise<Miniflare> {
  const config = unstable_readConfig({ config: join(ROOT, 'wrangler.toml') });
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modulesRoot: ROOT,
      modules: [
        { type: 'ESModule', path: join(ROOT, 'bench-worker.js'), contents: WORKER },
        { type: 'ESModule', path: join(ROOT, 'dist', 'index.js') },
      ],
      compatibilityDate: config.compatibility_date ?? '',
      compatibilityFlags: config.compatibility_flags,
      kvNamespaces: ['KV'],
      durableObjects: Object.fromEntries(
        config.durable_objects.bindings.map(
          ({ name, class_name }: { name: string; class_name: string }) => [
            name,
            { className: class_name, useSQLite: true },
          ],
        ),
      ),
      bindings: { ADMIN_KEY: 'bench' },
      host: '127.0.0.1',
      port: 0,
      handleStructuredLogs: () => undefined,
    }),
  );
  await miniflare.ready;
  return miniflare;
}

interface Answer {
  calls: number;
  due: number;
}

async function timed(origin: string, body: object): Promise<{ ms: number; answer: Answer }> {
  const startedAt = performance.now();
  const response = await fetch(origin, { method: 'POST', body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return { ms: performance.now() - startedAt, answer: JSON.parse(text) as Answer };
}

const rounded = (ms: number) => Math.round(ms * 10) / 10;

const miniflare = await startBench();
try {
  const { origin } = await miniflare.ready;
  const results: Record<string, Record<string, number>> = {};
  const minute = Math.ceil(Date.now() / 60_000) * 60_000;
  let made = 0;
  let ticks = 0;
  for (const size of SIZES) {
    for (; made < size; made += MAKE_AT_ONCE) {
      await timed(origin, {
        do: 'make',
        from: made,
        to: made + MAKE_AT_ONCE,
        due: DUE,
        now: minute,
      });
    }
    const times: number[] = [];
    const lookups: number[] = [];
    const calls = new Set<number>();
    const idle: number[] = [];
    for (let round = 0; round <= TICKS; round++) {
      const time = minute + ticks++ * 60_000;
      const lookup = await timed(origin, { do: 'due', time });
      if (lookup.answer.due !== DUE) throw new Error(`${lookup.answer.due} are due`);
      const { ms, answer } = await timed(origin, { do: 'tick', time });
      await delay(REST_MS);
      const again = await timed(origin, { do: 'tick', time });
      // The first round warms up.
      if (round > 0) {
        times.push(ms);
        lookups.push(lookup.ms);
        calls.add(answer.calls);
        idle.push(again.ms);
      }
    }
    results[`${size} schedules`] = {
      due: DUE,
      'calls of a tick': Math.max(...calls),
      'tick, ms': rounded(median(times)),
      'tick with nothing due, ms': rounded(median(idle)),
      'finding what is due, ms': rounded(median(lookups)),
    };
    console.log(`${size} schedules: ${JSON.stringify(results[`${size} schedules`])}`);
  }
  console.log(`\n${table('a tick', results)}`);
  const file = join(import.meta.dirname, 'results', 'schedules.json');
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
} finally {
  await miniflare.dispose();
}
