import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ImportView } from '../../src/domain/import-view.ts';
import { partsOfIds } from '../../src/domain/import-parts.ts';
import type { CallKind, Fault, KeptDataset } from '../support/dataset-upstream.ts';
import { assertOneIdAnEvent, assertOneTaskEach, killable } from '../support/kills.ts';
import { until } from '../support/until.ts';
import { send } from '../support/worker.ts';

const KILLS = 32;
const IMPORTS = 24;
const SEED = Number(process.env['KILL_SEED'] ?? 20_261_126);

/** Numbers from 0 to 1 that follow from the seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(SEED);
const below = (limit: number) => Math.floor(random() * limit);
const slow = (ms: number): Fault => ({ answer: 'ok', delayMs: below(ms) });

/** Mostly slow; some answers are lost, some starts are refused for now, some are taken late. */
function startFault(): Fault {
  const dice = random();
  if (dice < 0.6) return slow(100);
  if (dice < 0.7) return { answer: 'drop', takes: true, delayMs: below(50) };
  if (dice < 0.8) return { answer: 504, takes: true, delayMs: below(50) };
  if (dice < 0.85) return { answer: 504, takesAfterMs: below(400), takes: true };
  if (dice < 0.95) return { answer: 503, takes: false };
  return { answer: 429, takes: false };
}

function lookFault(): Fault {
  const dice = random();
  if (dice < 0.85) return slow(60);
  return dice < 0.95 ? { answer: 500 } : { answer: 'drop' };
}

/** What a search finds. */
const FOUND = Array.from({ length: 700 }, (_, n) => `found-${n}`);

/** One of the imports, and the bodies that its start calls must have. */
interface Planned {
  dataset: KeptDataset;
  body: object;
  starts: string[];
}

function plan(number: number, dataset: KeptDataset): Planned {
  const ids = (count: number) => Array.from({ length: count }, (_, n) => `i${number}-${n}`);
  const bodies = (source: 'explorer' | 'dataset', list: string[]) =>
    partsOfIds(source, list).map(({ body }) => body);
  switch (number % 4) {
    case 0: {
      const event_ids = ids(1100);
      const body = { source: 'explorer', event_ids };
      return { dataset, body, starts: bodies('explorer', event_ids) };
    }
    case 1: {
      const record_ids = ids(40);
      const body = { source: 'dataset', record_ids };
      return { dataset, body, starts: bodies('dataset', record_ids) };
    }
    case 2:
      return {
        dataset,
        body: { source: 'explorer', where: null },
        starts: bodies('explorer', FOUND),
      };
    default: {
      const file_id = `i${number}`;
      const body = { source: 'file', file_id };
      return { dataset, body, starts: [JSON.stringify({ file_id })] };
    }
  }
}

test(`imports killed ${KILLS} times at random are started once and told`, async (t) => {
  let hear: (kind: CallKind | 'webhook') => void = () => undefined;
  /** Waits until upstream or receiver have heard so many calls of a kind; not for ever, should all be quiet. */
  const hears = (count: number, counts: (kind: CallKind | 'webhook') => boolean) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 1500);
      let left = count;
      hear = (kind) => {
        if (!counts(kind) || --left > 0) return;
        clearTimeout(timer);
        resolve();
      };
    });
  const answerWebhook = (response: ServerResponse) => {
    hear('webhook');
    const dice = random();
    if (dice < 0.1) return;
    if (dice < 0.15) return void response.destroy();
    const status = dice < 0.35 ? 500 : 204;
    setTimeout(() => response.writeHead(status).end(), below(40));
  };
  const { server, upstream, receiver, client, ask, webhooks } = await killable(t, answerWebhook);
  upstream.matches = FOUND;
  for (let n = 0; n < 50; n++) upstream.failSearch(lookFault());
  const datasets = Array.from({ length: 3 }, () => upstream.dataset());
  for (const dataset of datasets) {
    dataset.heard = (kind) => hear(kind);
    dataset.steps = [{ progress: 10 }, { progress: 40 }, { progress: 80 }, { status: 'COMPLETED' }];
    dataset.clockSkewMs = below(9000) - 4500;
    for (let n = 0; n < 400; n++) {
      dataset.fail('start', startFault());
      dataset.fail('fetch', lookFault());
      dataset.fail('list', lookFault());
    }
  }

  /** Asks until an answer comes, as a client with a key may. */
  const insist = (number: number, { dataset, body }: Planned) =>
    until(
      `the answer to import ${number}`,
      async () => {
        const callback = { url: receiver.url, events: ['import.started', 'import.completed'] };
        const headers = { 'idempotency-key': `key ${number}` };
        const answer = await ask(dataset, { ...body, callback }, headers);
        // The server can be killed between the head of an answer and its body.
        const text = await answer?.text().catch(() => null);
        if (answer === null || text === null || text === undefined) return null;
        assert.equal(answer.status, 202, text);
        return (JSON.parse(text) as ImportView).id;
      },
      120_000,
    );

  const planned: Planned[] = [];
  const accepted: Promise<string>[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    if (planned.length < IMPORTS) {
      const number = planned.length;
      const next = plan(number, datasets[number % datasets.length] as KeptDataset);
      planned.push(next);
      accepted.push(insist(number, next));
    }
    const dice = random();
    // Right after the request: so far it has called nobody.
    if (dice < 0.25) await delay(below(30));
    // While a start is on its way, or just after it.
    else if (dice < 0.6) await hears(1, (kind) => kind === 'start').then(() => delay(below(100)));
    else await hears(1 + below(20), () => true);
    await server.kill();
    await server.restart();
  }

  const ids = await Promise.all(accepted);
  const path = (id: string) => `${server.url}/imports/${id}`;
  const views: ImportView[] = [];
  for (const id of ids) {
    const view = await until(
      `import ${id} to end and to be told`,
      async () => {
        const answer = await send(path(id), client.key, 'GET');
        const seen = (await answer.json()) as ImportView;
        return seen.finished_at !== null && seen.delivery.status !== 'pending' && seen;
      },
      90_000,
    );
    assert.equal(view.status, 'completed', view.message ?? '');
    assert.equal(view.delivery.status, 'delivered');
    views.push(view);
  }

  const copies = async () => {
    const answer = await send(`${server.url}/imports?limit=100`, client.key, 'GET');
    return ((await answer.json()) as { imports: ImportView[] }).imports;
  };
  await until('the copies to be up to date', async () => {
    const copied = new Map((await copies()).map((copy) => [copy.id, copy]));
    return views.every(
      ({ id }) =>
        copied.get(id)?.status === 'completed' && copied.get(id)?.delivery.status === 'delivered',
    );
  });

  const startOf = new Map(
    datasets.flatMap(({ tasks }) => tasks.map((task) => [task.id, task.start?.body])),
  );
  for (const [number, view] of views.entries()) {
    const starts = view.tasks.map(({ id }) => startOf.get(id));
    assert.deepEqual(starts, planned[number]?.starts, `import ${number} has its own tasks`);
  }
  for (const dataset of datasets) {
    assertOneTaskEach(
      dataset,
      views.filter(({ dataset_id }) => dataset_id === dataset.id),
    );
  }
  const told = webhooks();
  const duplicates = assertOneIdAnEvent(told);
  for (const id of ids) {
    const types = new Set(told.filter(({ data }) => data.id === id).map(({ type }) => type));
    assert.deepEqual([...types].toSorted(), ['import.completed', 'import.started']);
  }
  const count = (of: (dataset: KeptDataset) => number) =>
    datasets.reduce((sum, dataset) => sum + of(dataset), 0);
  const adopted = count(({ tasks }) => tasks.filter(({ start }) => start?.answered !== 202).length);
  t.diagnostic(
    `seed ${SEED}: ${KILLS} kills, ${ids.length} imports of ${startOf.size} tasks; ` +
      `${count(({ starts }) => starts.length)} starts sent, ${startOf.size} taken, ` +
      `${adopted} without an answer and adopted, ` +
      `${count((dataset) => dataset.count('list'))} lists read; ` +
      `${told.length} webhooks, ${duplicates} of them again`,
  );
});
