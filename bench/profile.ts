// Where the time of the relay goes, as V8's profiler sees it in workerd: npm run bench:profile
import { Miniflare } from 'miniflare';
import { createClient, workerOptions } from '../test/support/worker.ts';
import { askMany, closeClient, startUpstream, type Wanted } from './client.ts';

const SHOWN = 14;

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

/** A connection to the inspector of the Worker (Chrome DevTools Protocol). */
async function connect(inspector: URL) {
  const list = (await (await fetch(`http://${inspector.host}/json/list`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const [target] = list;
  if (target === undefined) throw new Error('The inspector shows no Worker.');
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  });
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  let id = 0;
  return {
    call: (method: string, params: object = {}) => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      waiting.set(++id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
      return promise;
    },
    close: () => socket.close(),
  };
}

/** Milliseconds by function, the longest first. */
function selfTimes({ nodes, samples, timeDeltas }: Profile): [string, number][] {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, lineNumber } }) => [
      id,
      functionName === '' ? `(anonymous, line ${lineNumber + 1})` : functionName,
    ]),
  );
  const times = new Map<string, number>();
  for (const [index, sample] of samples.entries()) {
    const name = names.get(sample) ?? '?';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0) / 1000);
  }
  return [...times].filter(([name]) => name !== '(idle)').toSorted(([, a], [, b]) => b - a);
}

const upstream = await startUpstream();
const miniflare = new Miniflare({
  ...workerOptions({ MISTRAL_BASE_URL: upstream.url, MISTRAL_API_KEY: 'upstream-key' }),
  inspectorPort: 0,
});
try {
  const { origin } = await miniflare.ready;
  const { key } = await createClient(origin);
  const target = {
    name: 'Windsock',
    url: `${origin}/v1/chat/completions`,
    headers: { authorization: `Bearer ${key}` },
    pid: null,
  };
  const inspector = await connect(await miniflare.getInspectorURL());
  await inspector.call('Profiler.enable');
  await inspector.call('Profiler.setSamplingInterval', { interval: 200 });
  const runs: [string, Wanted, number][] = [
    ['300 streams of 200 events', { events: 200 }, 300],
    ['3,000 chats that are not streamed', {}, 3000],
  ];
  for (const [name, wanted, count] of runs) {
    await askMany(target, wanted, 50, 4);
    await inspector.call('Profiler.start');
    await askMany(target, wanted, count, 4);
    const { profile } = (await inspector.call('Profiler.stop')) as { profile: Profile };
    const times = selfTimes(profile);
    const all = times.reduce((sum, [, ms]) => sum + ms, 0);
    console.log(`\n${name}: ${(all / count).toFixed(2)} ms each, of which`);
    for (const [function_, ms] of times.slice(0, SHOWN)) {
      console.log(`  ${((ms / all) * 100).toFixed(1).padStart(5)} %  ${function_}`);
    }
  }
  inspector.close();
} finally {
  await miniflare.dispose();
  upstream.stop();
  closeClient();
}
