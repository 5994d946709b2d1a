import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ImportView } from '../../src/domain/import-view.ts';
import type { Fault } from '../support/dataset-upstream.ts';
import { assertOneIdAnEvent, assertOneTaskEach, killable } from '../support/kills.ts';
import type { LoggedAttempt } from '../support/imports.ts';
import { until } from '../support/until.ts';
import { send } from '../support/worker.ts';

const DONE = [{ status: 'COMPLETED', progress: 100 }];

/** Most of the time goes into waiting until a lost start cannot be taken any more: 10 s. */
describe('a kill', { concurrency: 3 }, () => {
  const LOST_STARTS: [string, Fault, number][] = [
    ['while the upstream holds a start that it has not taken', { answer: 'hang', takes: false }, 2],
    ['while the upstream holds back the answer to a start', { answer: 'hang', takes: true }, 1],
    [
      'before the upstream takes the start after all',
      { answer: 'hang', takes: true, takesAfterMs: 3000 },
      1,
    ],
  ];
  for (const [when, fault, starts] of LOST_STARTS) {
    test(`${when} leads to one task`, async (t) => {
      const { upstream, ask, crash, told, webhooks } = await killable(t);
      const dataset = upstream.dataset();
      dataset.steps = DONE;
      dataset.fail('start', fault);
      void ask(dataset);
      await until('the start', () => dataset.starts.length === 1);
      await crash();
      const ends = await told(1);
      assert.equal(ends[0]?.status, 'completed');
      assert.equal(dataset.starts.length, starts);
      assert.equal(dataset.tasks.length, 1);
      assertOneTaskEach(dataset, ends);
      assertOneIdAnEvent(webhooks());
    });
  }

  test('as the answer to a start goes out leads to one task, again and again', async (t) => {
    const { server, upstream, ask, told, webhooks } = await killable(t);
    const dataset = upstream.dataset();
    dataset.steps = DONE;
    for (let round = 1; round <= 3; round++) {
      const killed = new Promise<void>((resolve) => {
        dataset.heard = (kind) => {
          // The later the round, the further the object gets with noting the task.
          if (kind === 'start') setTimeout(() => void server.kill().then(resolve), (round - 1) * 2);
        };
      });
      void ask(dataset);
      await killed;
      dataset.heard = () => undefined;
      await server.restart();
      assertOneTaskEach(dataset, await told(round));
      assert.equal(dataset.starts.length, round);
    }
    assertOneIdAnEvent(webhooks());
  });

  test('as a refusal of a start goes out leads to no task, and the turn goes on', async (t) => {
    const { server, upstream, ask, webhooks } = await killable(t);
    const dataset = upstream.dataset();
    dataset.steps = DONE;
    dataset.fail('start', { answer: 422 }, { answer: 422 });
    const killed = Promise.withResolvers<void>();
    dataset.heard = () => setImmediate(() => void server.kill().then(killed.resolve));
    const headers = { 'idempotency-key': 'the same' };
    void ask(dataset, {}, headers);
    await killed.promise;
    dataset.heard = () => undefined;
    await server.restart();
    const again = await ask(dataset, {}, headers);
    // Where the object got as far as to forget the import, the repeated request is the first one again.
    if (again?.status !== 422) {
      assert.equal(again?.status, 202);
      const { id } = (await again.json()) as { id: string };
      const end = await until(
        'its end',
        () => webhooks().find(({ data }) => data.id === id)?.data,
        30_000,
      );
      assert.equal(end.status, 'failed');
      assert.equal(end.message, 'scripted 422');
    }
    assert.equal(dataset.tasks.length, 0);
    assert.equal((await ask(dataset))?.status, 202);
    await until('the next import’s task', () => dataset.tasks.length === 1);
  });

  test('between the tasks of an import leads to each of them once', async (t) => {
    const { upstream, ask, crash, told } = await killable(t);
    const dataset = upstream.dataset();
    dataset.steps = DONE;
    dataset.fail('start', { answer: 'ok' }, { answer: 'hang', takes: true });
    const ids = Array.from({ length: 1200 }, (_, n) => `event-${n}`);
    void ask(dataset, { source: 'explorer', event_ids: ids });
    await until('the second start', () => dataset.starts.length === 2);
    await crash();
    const ends = await told(1);
    assert.equal(ends[0]?.status, 'completed');
    assertOneTaskEach(dataset, ends);
    const sent = dataset.starts.flatMap(
      ({ body }) => (JSON.parse(body) as { completion_event_ids: string[] }).completion_event_ids,
    );
    assert.deepEqual(sent, ids, 'every id was sent once');
  });

  test('between polls leads to the end, with no request made', async (t) => {
    const { upstream, ask, crash, told } = await killable(t);
    const dataset = upstream.dataset();
    await ask(dataset);
    await until('a poll', () => dataset.count('fetch') > 0);
    await crash();
    dataset.steps = DONE;
    const ends = await told(1);
    assert.equal(ends[0]?.status, 'completed');
    assertOneTaskEach(dataset, ends);
    assert.equal(dataset.starts.length, 1);
  });

  test('during the last attempt of a webhook that hangs does not use it up', async (t) => {
    let isUp = false;
    const vars = { WEBHOOK_RETRY_S: '0' };
    const { server, client, receiver, upstream, ask, crash, webhooks } = await killable(
      t,
      (response) => isUp && response.writeHead(204).end(),
      vars,
    );
    const dataset = upstream.dataset();
    dataset.steps = DONE;
    await ask(dataset);
    await until('the attempt that hangs', () => receiver.received.length === 1);
    await crash();
    isUp = true;
    await until('the next attempt', () => receiver.received.length === 2);
    assert.equal(assertOneIdAnEvent(webhooks()), 1, 'the same webhook again');
    const path = `${server.url}/imports/${webhooks()[0]?.data.id}/deliveries`;
    const logged = await until('both attempts in the log', async () => {
      const answer = await send(path, client.key, 'GET');
      const { deliveries } = (await answer.json()) as { deliveries: LoggedAttempt[] };
      return deliveries.length === 2 && deliveries;
    });
    assert.deepEqual(
      logged.map(({ attempt, status, error }) => [attempt, status, error]),
      [
        [1, null, 'connect'],
        [2, 204, null],
      ],
    );
  });

  test('between the receiver’s 200 and its being noted leads to the same webhook again', async (t) => {
    const killed = Promise.withResolvers<void>();
    const { server, receiver, upstream, client, ask, webhooks } = await killable(
      t,
      (response, attempt) => {
        response.writeHead(200, { 'content-length': '2' }).write('o');
        if (attempt > 1) return void response.end('k');
        // While its body is still to come an answer is not noted, however slow the kill.
        void server.kill().then(killed.resolve);
      },
    );
    const dataset = upstream.dataset();
    dataset.steps = DONE;
    void ask(dataset);
    await killed.promise;
    await server.restart();
    await until('the next attempt', () => receiver.received.length === 2);
    assert.equal(assertOneIdAnEvent(webhooks()), 1, 'the same webhook again');
    const [first] = webhooks();
    const path = `${server.url}/imports/${first?.data.id}`;
    await until('its being noted', async () => {
      const view = (await (await send(path, client.key, 'GET')).json()) as {
        delivery: { status: string };
      };
      return view.delivery.status === 'delivered';
    });
    assert.equal(dataset.starts.length, 1);
  });

  test('while copies are written to KV leaves none behind', async (t) => {
    const { server, upstream, client, ask } = await killable(t);
    const datasets = Array.from({ length: 30 }, () => upstream.dataset());
    for (const dataset of datasets) {
      assert.equal((await ask(dataset, { callback: null }))?.status, 202);
    }
    // KV takes a write a second: later than that the next copy is written as soon as there is news.
    await delay(1000);
    const killed = Promise.withResolvers<void>();
    let polls = 0;
    for (const dataset of datasets) {
      dataset.steps = DONE;
      dataset.heard = () => ++polls === 20 && void server.kill().then(killed.resolve);
    }
    await killed.promise;
    await server.restart();
    const areCopied = async () => {
      const answer = await send(`${server.url}/imports`, client.key, 'GET');
      const { imports } = (await answer.json()) as { imports: { status: string }[] };
      return imports.filter(({ status }) => status === 'completed').length === datasets.length;
    };
    await until('the copies of all', areCopied, 40_000);
  });

  test('in an attempt that a 410 has given up is told by the copy too', async (t) => {
    const answer = (response: ServerResponse, attempt: number) => {
      // The first webhook hangs until the kill, the second is answered.
      if (attempt > 1) response.writeHead(410).end();
    };
    const vars = { WEBHOOK_TIMEOUT_MS: '15000' };
    const { server, upstream, receiver, client, ask, crash } = await killable(t, answer, vars);
    const dataset = upstream.dataset();
    dataset.steps = DONE;
    const callback = { url: receiver.url, events: ['import.started', 'import.completed'] };
    const started = await ask(dataset, { callback });
    assert.ok(started);
    const { id } = (await started.json()) as ImportView;
    const get = async <T>(path: string) =>
      (await (await send(`${server.url}${path}`, client.key, 'GET')).json()) as T;
    const copied = async () =>
      (await get<{ imports: ImportView[] }>('/imports')).imports[0]?.delivery;
    await until('the copy to tell of the 410', async () => (await copied())?.last_status === 410);
    await crash();
    const { delivery } = await get<ImportView>(`/imports/${id}`);
    assert.deepEqual(
      [delivery.status, delivery.attempts, delivery.last_status],
      ['failed', 2, null],
    );
    await until('the copy to tell the same', async () =>
      isDeepStrictEqual(await copied(), delivery),
    );
  });

  for (const takes of [true, false]) {
    const holder = `${takes ? 'with' : 'without'} its start taken`;
    test(`of the holder of the turn, ${holder}, and of two that wait leads to one task each`, async (t) => {
      const { upstream, ask, crash, told, webhooks } = await killable(t);
      const dataset = upstream.dataset();
      dataset.steps = DONE;
      dataset.fail('start', { answer: 'hang', takes });
      void ask(dataset, { file_id: 'holder' });
      await until('the start of the holder', () => dataset.starts.length === 1);
      void ask(dataset, { file_id: 'second' });
      void ask(dataset, { file_id: 'third' });
      // Asked of another dataset at last, and answered: those before it are stored by then.
      const other = upstream.dataset();
      other.steps = DONE;
      await ask(other);
      await crash();
      const ends = await told(4);
      assert.ok(ends.every(({ status }) => status === 'completed'));
      const here = ends.filter(({ dataset_id }) => dataset_id === dataset.id);
      assertOneTaskEach(dataset, here);
      const files = dataset.tasks.map(({ start }) => start?.body);
      assert.deepEqual(files.slice(0, 1), ['{"file_id":"holder"}'], 'the holder kept its turn');
      assert.equal(new Set(files).size, 3);
      assert.equal(dataset.starts.length, takes ? 3 : 4);
      assertOneIdAnEvent(webhooks());
    });
  }

  test('of an import on a /v1 path, repeated with its key, leads to one task and its answer', async (t) => {
    const { server, upstream, receiver, client, crash, told, webhooks } = await killable(t);
    const dataset = upstream.dataset();
    dataset.steps = DONE;
    dataset.fail('start', { answer: 'hang', takes: true });
    const request = () =>
      send(
        `${server.url}/v1/observability/datasets/${dataset.id}/imports/from-file`,
        client.key,
        'POST',
        { file_id: 'f-1' },
        { 'windsock-callback': receiver.url, 'idempotency-key': 'the same' },
      );
    void request().catch(() => null);
    await until('the start', () => dataset.starts.length === 1);
    await crash();
    const answers = await Promise.all(Array.from({ length: 5 }, request));
    for (const { status } of answers) assert.ok(status === 202 || status === 503, `${status}`);
    const answer = await until('the answer', async () => {
      const again = await request();
      return again.status === 202 && again;
    });
    const [end] = await told(1);
    assert.equal(answer.headers.get('windsock-import-id'), end?.id);
    assert.equal(answer.headers.get('idempotency-replayed'), 'true');
    assert.equal(((await answer.json()) as { id: string }).id, dataset.tasks[0]?.id);
    assertOneTaskEach(dataset, end ? [end] : []);
    assert.equal(dataset.starts.length, 1);
    assertOneIdAnEvent(webhooks());
  });

  test('of an import on a /v1 path that the upstream never took is told, and not sent again', async (t) => {
    const { server, upstream, receiver, client, crash, told } = await killable(t);
    const dataset = upstream.dataset();
    dataset.fail('start', { answer: 'hang', takes: false });
    const url = `${server.url}/v1/observability/datasets/${dataset.id}/imports/from-file`;
    const headers = { 'windsock-callback': receiver.url };
    void send(url, client.key, 'POST', { file_id: 'f-1' }, headers).catch(() => null);
    await until('the start', () => dataset.starts.length === 1);
    await crash();
    const [end] = await told(1);
    assert.equal(end?.status, 'failed');
    assert.match(end.message ?? '', /did not take the import/);
    assert.equal(dataset.starts.length, 1);
  });
});
