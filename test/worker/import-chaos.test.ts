import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import type { ImportView } from '../../src/domain/import-view.ts';
import type { Fault, KeptDataset } from '../support/dataset-upstream.ts';
import { randomOf } from '../support/events.ts';
import { importsUnderTest } from '../support/imports.ts';
import { startReceiver } from '../support/receiver.ts';

// Many imports at once over an upstream and a receiver that fail at random.

const { client, upstream, started, start, ended, once } = await importsUnderTest({
  UPSTREAM_HEADERS_TIMEOUT_MS: '1000',
  WEBHOOK_TIMEOUT_MS: '300',
  WEBHOOK_RETRY_S: '0,0.05,0.05,0.05,0.05',
});

const START_FAULTS: Fault[] = [
  { answer: 'ok' },
  { answer: 'ok', delayMs: 60 },
  { answer: 500 },
  { answer: 503, headers: { 'retry-after': '0' } },
  { answer: 500, takes: true },
  { answer: 504, takes: true, takesAfterMs: 40 },
  { answer: 'drop', takes: true },
  { answer: 'hang', takes: true },
  { answer: 429 },
];
const LOOK_FAULTS: Fault[] = [
  { answer: 'ok' },
  { answer: 'ok', delayMs: 40 },
  { answer: 500 },
  { answer: 'drop' },
  { answer: 429 },
  { answer: 'hang' },
];

const DATASETS = 4;
const IMPORTS_EACH = 4;

for (const seed of [1, 2]) {
  test(`each import has its one task and is told once, whatever fails (seed ${seed})`, async (t) => {
    const random = randomOf(seed);
    const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
    // Each webhook fails up to three times first.
    const attemptsOf = new Map<string, number>();
    const receiver = await startReceiver((response) => {
      const id = String(receiver.received.at(-1)?.headers['webhook-id']);
      const attempt = attemptsOf.get(id) ?? 0;
      attemptsOf.set(id, attempt + 1);
      const failures = id.charCodeAt(id.length - 1) % 4;
      if (attempt >= failures) response.writeHead(200).end();
      else if (attempt === 0) response.destroy();
      else response.writeHead(attempt === 1 ? 500 : 503).end();
    });
    t.after(() => receiver.close());
    const datasets = Array.from({ length: DATASETS }, () => upstream.dataset());
    for (const dataset of datasets) {
      dataset.fail('start', ...Array.from({ length: 8 }, () => pick(START_FAULTS)));
      dataset.fail('fetch', ...Array.from({ length: 12 }, () => pick(LOOK_FAULTS)));
      dataset.fail('list', ...Array.from({ length: 4 }, () => pick(LOOK_FAULTS)));
      dataset.clockSkewMs = Math.floor(random() * 9000) - 4500;
    }
    const importOnce = async (dataset: KeptDataset): Promise<ImportView> => {
      const headers = { 'idempotency-key': randomUUID() };
      const body = { callback: { url: receiver.url } };
      const [one, other] = await Promise.all([
        started(dataset, body, headers),
        start(dataset, body, headers),
      ]);
      assert.equal(other.status, 202);
      assert.equal(((await other.json()) as ImportView).id, one.id);
      await once('to run', one.id, ({ status }) => status !== 'starting');
      dataset.update({ status: 'COMPLETED', progress: 100 });
      return ended(one.id);
    };
    const ends = await Promise.all(
      datasets.flatMap((dataset) =>
        Array.from({ length: IMPORTS_EACH }, async () => ({
          dataset,
          end: await importOnce(dataset),
        })),
      ),
    );
    for (const { end } of ends) assert.equal(end.status, 'completed', end.message ?? '');
    for (const dataset of datasets) {
      const own = ends.filter((one) => one.dataset === dataset);
      const ids = own.map(({ end }) => end.tasks[0]?.id);
      assert.deepEqual(new Set(ids), new Set(dataset.tasks.map(({ id }) => id)));
      assert.equal(dataset.tasks.length, IMPORTS_EACH, 'none was started twice');
    }
    await Promise.all(
      ends.map(({ end }) =>
        once('to be delivered', end.id, ({ delivery }) => delivery.status === 'delivered'),
      ),
    );
    const idsOf = new Map<string, Set<string>>();
    for (const { body, headers } of receiver.received) {
      new Webhook(client.signing_secret).verify(body, headers as Record<string, string>);
      const { data } = JSON.parse(body) as { data: ImportView };
      const ids = idsOf.get(data.id) ?? new Set();
      idsOf.set(data.id, ids.add(String(headers['webhook-id'])));
    }
    assert.equal(idsOf.size, ends.length);
    for (const ids of idsOf.values())
      assert.equal(ids.size, 1, 'one webhook, however many attempts');
  });
}
