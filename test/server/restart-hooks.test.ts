import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import {
  answerOf,
  call,
  callsOf,
  completeAtOnce,
  CONTENT,
  createHook,
  DATASET,
  refused,
} from '../support/hooks.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { taskBody } from '../support/tasks.ts';
import { until } from '../support/until.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { createClient, ended, send } from '../support/worker.ts';

let upstream: ScriptedUpstream;
let server: TestServer;

before(async () => {
  upstream = await startUpstream();
  server = await startServer({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '50',
    POLL_MAX_MS: '200',
  });
});
after(async () => {
  await server.dispose();
  upstream.close();
});

const starts = () => upstream.seen.filter(({ method }) => method === 'POST').length;

test('a call whose answer was lost in a crash starts nothing more when it comes again', async () => {
  const client = await createClient(server.url);
  const hook = await createHook(server.url, client, { dataset_id: DATASET });
  upstream.script(completeAtOnce);
  const before = await answerOf(call(hook, 'w-0', CONTENT));
  const deleted = await createHook(server.url, client, { dataset_id: DATASET });
  await send(deleted.url, client.key, 'DELETE');
  const task = randomUUID();
  const started = () => taskBody(task, DATASET);
  upstream.script(({ method, path }, response) => {
    // The start is taken, and its answer never comes.
    if (method === 'POST') return;
    if (path.endsWith(`/tasks/${task}`)) {
      return json(response, 200, { ...started(), status: 'COMPLETED', progress: 100 });
    }
    const tasks = { results: [started()], count: 1, next: null, previous: null };
    return json(response, 200, { tasks });
  });
  const lost = call(hook, 'w-1', CONTENT).catch(() => null);
  await until('the second start', () => starts() === 2);
  await server.kill();
  assert.equal(await lost, null);
  await server.restart();
  const again = await answerOf(call(hook, 'w-1', CONTENT));
  assert.deepEqual([again.status, again.isReplayed], [202, true]);
  // Whether the upstream has taken the start is told by its list ten seconds later.
  const view = await until(
    'the task to be found',
    () => ended(server.url, client.key, again.body.id ?? '').catch(() => null),
    60_000,
  );
  assert.equal(view['status'], 'completed');
  assert.equal(starts(), 2);
  await refused(call(deleted, 'w-0', CONTENT), 404, 'not_found');
  const replayed = await answerOf(call(hook, 'w-0', {}));
  assert.deepEqual([replayed.isReplayed, replayed.body.id], [true, before.body.id]);
  const calls = await callsOf(server.url, client, hook);
  assert.deepEqual(
    calls.map(({ outcome }) => outcome),
    ['replayed', 'replayed', 'accepted'],
  );
});
