import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { importsUnderTest } from '../support/imports.ts';

const { upstream, start, started, refused } = await importsUnderTest();

test('the same body with its keys in another order is the same request', async () => {
  const dataset = upstream.dataset();
  const headers = { 'idempotency-key': randomUUID() };
  const metadata = { ticket: 1, of: { team: 'a', place: 'b' } };
  const { id } = await started(dataset, { metadata }, headers);
  const turned = { metadata: { of: { place: 'b', team: 'a' }, ticket: 1 }, file_id: 'f-1' };
  const answer = await start(dataset, { ...turned, source: 'file' }, headers);
  assert.equal(answer.headers.get('idempotency-replayed'), 'true');
  assert.equal(((await answer.json()) as { id: string }).id, id);
});

test('a key has 1 to 255 characters, of any script', async () => {
  const dataset = upstream.dataset();
  // Header values are bytes: fetch takes each as a code of its own.
  const bytesOf = (key: string) => Buffer.from(key).toString('latin1');
  for (const key of ['k'.repeat(255), '€'.repeat(255), '🪁'.repeat(255)]) {
    await started(dataset, {}, { 'idempotency-key': bytesOf(key) });
  }
  for (const key of ['', 'k'.repeat(256), '🪁'.repeat(256)]) {
    const answer = await start(dataset, {}, { 'idempotency-key': bytesOf(key) });
    await refused(answer, 400, 'invalid_request');
  }
  assert.equal(dataset.starts.length, 3);
});
