import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImportView } from '../../src/domain/import-view.ts';
import { assertOneIdAnEvent, killable } from '../support/kills.ts';
import { until } from '../support/until.ts';
import { ended, send } from '../support/worker.ts';

test('a restart keeps clients, imports, their lists, logs and keys, and continues event streams', async (t) => {
  const { server, upstream, client, ask, crash, told } = await killable(t);
  const dataset = upstream.dataset();
  dataset.steps = [{ status: 'COMPLETED' }];
  const headers = { 'idempotency-key': 'the same' };
  const accepted = async (...asked: Parameters<typeof ask>) => {
    const answer = await ask(...asked);
    assert.equal(answer?.status, 202);
    return (await answer.json()) as ImportView;
  };
  const { id } = await accepted(dataset, {}, headers);
  await told(1);
  const running = upstream.dataset();
  running.steps = [{ progress: 30 }];
  const other = await accepted(running);
  const get = async <T>(path: string) =>
    (await (await send(server.url + path, client.key, 'GET')).json()) as T;
  const settled = () =>
    until('the delivery', async () => {
      const view = await get<ImportView>(`/imports/${id}`);
      return view.delivery.status === 'delivered' && view;
    });
  const before = await settled();
  const log = await get(`/imports/${id}/deliveries`);
  await until('progress', async () => (await get<ImportView>(`/imports/${other.id}`)).progress);

  await crash();

  assert.deepEqual(await get(`/imports/${id}`), before);
  assert.deepEqual(await get(`/imports/${id}/deliveries`), log);
  const { imports } = await get<{ imports: ImportView[] }>('/imports');
  assert.deepEqual(
    imports.map((one) => one.id),
    [other.id, id],
  );
  const again = await ask(dataset, {}, headers);
  assert.equal(again?.headers.get('idempotency-replayed'), 'true');
  assert.deepEqual(await again.json(), before);
  assert.equal(dataset.starts.length, 1);

  const seen = await get<ImportView>(`/imports/${other.id}`);
  const stream = await send(
    `${server.url}/imports/${other.id}/events`,
    client.key,
    'GET',
    undefined,
    { 'last-event-id': String(seen.sequence) },
  );
  running.steps = [{ status: 'COMPLETED' }];
  const frames = (await stream.text()).split('\n\n').filter((frame) => frame.startsWith('id: '));
  assert.ok(frames[0]?.startsWith(`id: ${seen.sequence + 1}\n`), frames[0]);
  assert.match(frames.at(-1) ?? '', /"status":"completed"/);
});

test('a JSONL body imported by the built-in backend, killed and repeated, imports every line once', async (t) => {
  const { server, receiver, client, crash, webhooks } = await killable(t, undefined, {
    OBSERVABILITY_BACKEND: 'builtin',
  });
  const v1 = `${server.url}/v1/observability/datasets`;
  const created = await send(v1, client.key, 'POST', { name: 'killed', description: '' });
  assert.equal(created.status, 201);
  const dataset = (await created.json()) as { id: string };
  const count = 20_000;
  const lines = Array.from({ length: count }, (_, n) => `{"payload":{"n":${n}}}`).join('\n');
  const query = new URLSearchParams({ callback_url: receiver.url }).toString();
  const ask = async () => {
    const answer = await send(
      `${server.url}/datasets/${dataset.id}/imports?${query}`,
      client.key,
      'POST',
      lines,
      { 'content-type': 'application/x-ndjson', 'idempotency-key': 'the same' },
    );
    const text = await answer.text();
    assert.equal(answer.status, 202, text);
    return (JSON.parse(text) as ImportView).id;
  };
  const id = await ask();
  for (const part of [10, 55, 80]) {
    await until(`${part} %`, async () => {
      const answer = await send(`${server.url}/imports/${id}`, client.key, 'GET');
      return ((await answer.json()) as ImportView).progress >= part;
    });
    await crash();
    assert.equal(await ask(), id);
  }
  assert.equal((await ended(server.url, client.key, id))['status'], 'completed');
  const list = await send(`${v1}/${dataset.id}/tasks`, client.key, 'GET');
  assert.equal(((await list.json()) as { tasks: { count: number } }).tasks.count, 1);
  const exported = await send(`${v1}/${dataset.id}/exports/to-jsonl`, client.key, 'GET');
  const { file_url } = (await exported.json()) as { file_url: string };
  const rows = (await (await fetch(file_url)).text()).trimEnd().split('\n');
  const numbers = rows.map((row) => (JSON.parse(row) as { payload: { n: number } }).payload.n);
  assert.deepEqual(
    numbers,
    Array.from({ length: count }, (_, n) => n),
  );
  await until('the webhook', () => webhooks().length > 0);
  assertOneIdAnEvent(webhooks());
});
