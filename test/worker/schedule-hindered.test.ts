import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { DATASET, makeSchedule, readRuns, settledRun } from '../support/schedules.ts';
import { EVERY_MINUTE, fireCron } from '../support/tick.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

const HOUR = 3_600_000;
let upstream: ScriptedUpstream;
let worker: TestWorker;
let client: TestClient;

before(async () => {
  upstream = await startUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '10',
    POLL_MAX_MS: '50',
    IMPORT_DEADLINE_MS: '1000',
  });
  client = await worker.createClient();
});
after(async () => {
  await worker.dispose();
  upstream.close();
});

test('a search that finds more ids than an object can hold fails at once, and says what to do', async () => {
  const ids = Array.from({ length: 420_000 }, () => randomUUID());
  upstream.script((_, response) => json(response, 200, { completion_event_ids: ids }));
  const schedule = await makeSchedule(worker.url, client.key);
  await fireCron(worker.url, EVERY_MINUTE, Date.parse(schedule.next_runs[0] ?? ''));
  const run = await settledRun(worker.url, client.key, schedule.id, 5000);
  assert.equal(run.status, 'failed');
  assert.match(run.message ?? '', /larger than 16000000 bytes.*narrower/);
  const path = `${worker.url}/datasets/${DATASET}/imports`;
  const refused = await send(path, client.key, 'POST', { source: 'explorer', where: null });
  assert.equal(refused.status, 400);
  const { error } = (await refused.json()) as { error: { code: string; message: string } };
  assert.equal(error.code, 'invalid_request');
  assert.equal(error.message, run.message);
});

// A day, and what no alarm can be set to.
for (const retryAfter of ['86400', '99999999999999999999']) {
  test(`a search put off by ${retryAfter} s is given up at the deadline, and the next run is made`, async () => {
    upstream.script((_, response) =>
      json(response, 503, { detail: 'later' }, { 'retry-after': retryAfter }),
    );
    const schedule = await makeSchedule(worker.url, client.key);
    const due = Date.parse(schedule.next_runs[0] ?? '');
    await fireCron(worker.url, EVERY_MINUTE, due);
    const run = await settledRun(worker.url, client.key, schedule.id, 5000);
    assert.deepEqual([run.status, run.message], ['failed', 'later']);
    upstream.script((_, response) => json(response, 200, { completion_event_ids: [] }));
    await fireCron(worker.url, EVERY_MINUTE, due + HOUR);
    await settledRun(worker.url, client.key, schedule.id);
    const runs = await readRuns(worker.url, client.key, schedule.id);
    assert.deepEqual(
      runs.map(({ status }) => status),
      ['failed', 'completed'],
    );
  });
}
