import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImportView } from '../../src/domain/import-view.ts';
import { importsUnderTest } from '../support/imports.ts';
import { until } from '../support/until.ts';
import { send } from '../support/worker.ts';

const HEARTBEAT_MS = 100;
const { worker, client, upstream, started, view, once, ended } = await importsUnderTest({
  STREAM_HEARTBEAT_MS: String(HEARTBEAT_MS),
});

/** An open stream of an import's changes. */
interface Watch {
  response: Response;
  /** What has come so far. */
  frames: { id: string; view: ImportView }[];
  comments: number;
  hasEnded: boolean;
  leave: () => void;
}

async function watch(importId: string, lastEventId?: number): Promise<Watch> {
  const leaving = new AbortController();
  const response = await fetch(`${worker.url}/imports/${importId}/events`, {
    headers: {
      authorization: `Bearer ${client.key}`,
      ...(lastEventId !== undefined && { 'last-event-id': String(lastEventId) }),
    },
    signal: leaving.signal,
  });
  const open: Watch = {
    response,
    frames: [],
    comments: 0,
    hasEnded: false,
    leave: () => leaving.abort(),
  };
  void readInto(open).catch(() => undefined);
  return open;
}

async function readInto(open: Watch): Promise<void> {
  let text = '';
  for await (const part of open.response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    const frames = text.split('\n\n');
    text = frames.pop() ?? '';
    for (const frame of frames) {
      if (frame.startsWith(':')) {
        open.comments++;
        continue;
      }
      const [, id = '', data = ''] =
        /^id: (\d+)\nevent: import\ndata: (.*)$/.exec(frame) ?? assert.fail(frame);
      open.frames.push({ id, view: JSON.parse(data) as ImportView });
    }
  }
  assert.equal(text, '', 'the last frame is whole');
  open.hasEnded = true;
}

const cameTo = (open: Watch, progress: number) =>
  until(`progress ${progress}`, () => open.frames.at(-1)?.view.progress === progress);

test('each change is told once, in order, and the stream ends after the last', async () => {
  const dataset = upstream.dataset();
  const { id } = await started(dataset);
  const open = await watch(id);
  assert.equal(open.response.headers.get('content-type'), 'text/event-stream');
  assert.match(open.response.headers.get('cache-control') ?? '', /no-cache/);
  for (const progress of [10, 20, 30]) {
    dataset.update({ progress });
    await cameTo(open, progress);
  }
  dataset.update({ status: 'COMPLETED', progress: 100 });
  await until('the end', () => open.hasEnded);
  const sequences = open.frames.map((frame) => frame.view.sequence);
  const [first = 0] = sequences;
  assert.deepEqual(
    sequences,
    sequences.map((_, index) => first + index),
    'none is missing, none twice',
  );
  assert.deepEqual(
    open.frames.map((frame) => frame.id),
    sequences.map(String),
  );
  assert.deepEqual(
    open.frames.map((frame) => frame.view.progress),
    [0, 10, 20, 30, 100],
  );
  const last = open.frames.at(-1)?.view;
  assert.ok(last?.finished_at);
  assert.equal(last.status, 'completed');
  const { delivery: _, ...now } = await view(id);
  const { delivery: __, ...told } = last;
  assert.deepEqual(told, now);
});

test('a stream that comes back with Last-Event-ID goes on where it was', async () => {
  const dataset = upstream.dataset();
  const { id } = await started(dataset);
  const first = await watch(id);
  dataset.update({ progress: 10 });
  await cameTo(first, 10);
  first.leave();
  const seen = first.frames.at(-1)?.view.sequence ?? 0;
  const upToDate = await watch(id, seen);
  dataset.update({ progress: 20 });
  await cameTo(upToDate, 20);
  assert.deepEqual(
    upToDate.frames.map((frame) => frame.view.progress),
    [20],
  );
  const behind = await watch(id, seen);
  await cameTo(behind, 20);
  dataset.update({ status: 'COMPLETED' });
  await until('the ends', () => behind.hasEnded && upToDate.hasEnded);
  for (const open of [upToDate, behind]) {
    assert.deepEqual(
      open.frames.map((frame) => Number(frame.id)),
      [seen + 1, seen + 2],
    );
  }
});

test('after the end a stream tells the last state, or nothing to who has seen it', async () => {
  const dataset = upstream.dataset();
  dataset.steps = [{ status: 'COMPLETED' }];
  const { id } = await started(dataset);
  const { sequence } = await ended(id);
  for (const lastEventId of [undefined, 0, sequence - 1]) {
    const open = await watch(id, lastEventId);
    await until('the end', () => open.hasEnded);
    assert.deepEqual(
      open.frames.map((frame) => frame.view.status),
      ['completed'],
    );
  }
  const done = await watch(id, sequence);
  assert.equal(done.response.status, 204);
});

test('while nothing happens a stream is kept alive by comments', async () => {
  const dataset = upstream.dataset();
  const { id } = await started(dataset);
  const open = await watch(id);
  const begun = performance.now();
  await until('three comments', () => open.comments >= 3);
  assert.ok(performance.now() - begun >= 2 * HEARTBEAT_MS);
  assert.equal(open.frames.length, 1);
  dataset.update({ status: 'COMPLETED' });
  await until('the end', () => open.hasEnded);
});

test('watchers that leave disturb neither the import nor the others', async () => {
  const dataset = upstream.dataset();
  const { id } = await started(dataset);
  const all = await Promise.all(Array.from({ length: 10 }, () => watch(id)));
  await until('all to be told', () => all.every(({ frames }) => frames.length === 1));
  for (const open of all.slice(1)) open.leave();
  dataset.update({ progress: 50 });
  await once('to see it', id, ({ progress }) => progress === 50);
  dataset.update({ status: 'COMPLETED' });
  await until('the end', () => all[0]?.hasEnded);
  assert.deepEqual(
    all[0]?.frames.map((frame) => frame.view.progress),
    [0, 50, 100],
  );
  assert.equal((await view(id)).status, 'completed');
});

test('an import that is still to be started can be watched', async () => {
  const dataset = upstream.dataset();
  dataset.fail('start', { answer: 429, headers: { 'retry-after': '1' } });
  dataset.steps = [{ status: 'COMPLETED' }];
  const { id } = await started(dataset);
  const open = await watch(id);
  await until('the end', () => open.hasEnded);
  assert.deepEqual(
    open.frames.map((frame) => frame.view.status),
    ['starting', 'running', 'completed'],
  );
});

test('a Last-Event-ID that is no number counts as none', async () => {
  const dataset = upstream.dataset();
  const { id } = await started(dataset);
  const answer = await send(`${worker.url}/imports/${id}/events`, client.key, 'GET', undefined, {
    'last-event-id': 'x',
  });
  const first = await answer.body?.getReader().read();
  assert.match(new TextDecoder().decode(first?.value), /^id: \d+\n/);
  dataset.update({ status: 'COMPLETED' });
});

test('HEAD is answered with the headers of the stream, while the import runs and after it', async () => {
  const dataset = upstream.dataset();
  const { id } = await started(dataset);
  const url = `${worker.url}/imports/${id}/events`;
  for (const end of [false, true]) {
    if (end) {
      dataset.update({ status: 'COMPLETED' });
      await ended(id);
    }
    const head = await send(url, client.key, 'HEAD');
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('content-type'), 'text/event-stream');
    assert.equal(await head.text(), '');
  }
});
