import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsUnderTest } from '../support/imports.ts';
import { startReceiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';

const it = await importsUnderTest({ WEBHOOK_TIMEOUT_MS: '400' });
const { upstream, started, once, attempts } = it;

test('of repeated attempts at a receiver that hangs two are made at a time, and all of them', async (t) => {
  const seen = new Set<unknown>();
  const receiver = await startReceiver((response) => {
    const id = receiver.received.at(-1)?.headers['webhook-id'];
    if (!seen.has(id)) response.writeHead(500).end();
    seen.add(id);
  });
  t.after(() => receiver.close());
  const dataset = upstream.dataset();
  dataset.steps = [
    { status: 'RUNNING', progress: 40 },
    { status: 'COMPLETED', progress: 100 },
  ];
  const events = ['import.started', 'import.progress', 'import.completed'];
  const { id } = await started(dataset, { callback: { url: receiver.url, events } });
  await once(
    'to be given up',
    id,
    ({ delivery }) => delivery.attempts === 9 && delivery.next_attempt_at === null,
  );
  await until('the log', async () => (await attempts(id)).length === 9);
  const repeated = (await attempts(id))
    .filter(({ attempt }) => attempt > 1)
    .map((one) => ({ from: Date.parse(one.at), to: Date.parse(one.at) + one.duration_ms }));
  const atOnce = repeated.map(
    ({ from }) => repeated.filter((other) => other.from <= from && from < other.to).length,
  );
  assert.equal(Math.max(...atOnce), 2);
});
