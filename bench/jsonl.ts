// How fast 200 MB of JSONL go through the Worker to the Files API, and what they take there: npm run bench:jsonl
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { openImport } from '../test/support/jsonl.ts';
import { startWorker } from '../test/support/worker.ts';
import { table, workerdMemory } from './measure.ts';

const MEGABYTES = Number(process.argv[2] ?? 200);
const WARM_UP_MEGABYTES = 20;
const ROW_BYTES = 1000;
const SAMPLE_EVERY_MS = 50;
const DATASET = '00000000-0000-4000-8000-000000000000';

/** A million bytes of rows, as chats are: mostly text, with quotes and letters of two bytes to be read. */
function megabyte(): Buffer {
  const rows = Array.from({ length: 1_000_000 / ROW_BYTES }, (_, n) => {
    const row = (content: string) =>
      `${JSON.stringify({ messages: [{ role: 'user', content }], properties: { n } })}\n`;
    const spare = ROW_BYTES - Buffer.byteLength(row(''));
    const text = 'He said "Où est le vent ?", and went. '.repeat(ROW_BYTES);
    let length = spare;
    while (Buffer.byteLength(row(text.slice(0, length))) > ROW_BYTES) length--;
    const filled = text.slice(0, length);
    return row(filled + 'x'.repeat(ROW_BYTES - Buffer.byteLength(row(filled))));
  });
  return Buffer.from(rows.join(''));
}

/** Answers as the Mistral API does, and counts the bytes of uploads. */
const taken = { bytes: 0 };
const upstream = createServer((request, response) => {
  request.on('data', (part: Buffer) => {
    if (request.url === '/v1/files') taken.bytes += part.byteLength;
  });
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: 'any', status: 'COMPLETED', progress: 100 }));
  });
});
upstream.listen(0, '127.0.0.1');
await once(upstream, 'listening');
const worker = await startWorker({
  MISTRAL_BASE_URL: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
  MISTRAL_API_KEY: 'upstream-key',
});

async function measure(megabytes: number, isChunked: boolean): Promise<Record<string, number>> {
  const { key } = await worker.createClient();
  const piece = megabyte();
  const size = megabytes * piece.byteLength;
  taken.bytes = 0;
  const before = workerdMemory();
  let peak = before;
  const sampler = setInterval(() => (peak = Math.max(peak, workerdMemory())), SAMPLE_EVERY_MS);
  const startedAt = performance.now();
  const url = `${worker.url}/datasets/${DATASET}/imports`;
  const open = openImport(url, key, isChunked ? {} : { 'content-length': size });
  for (let sent = 0; sent < megabytes; sent++) await open.write(piece);
  open.end();
  const { status, body } = await open.answer;
  const seconds = (performance.now() - startedAt) / 1000;
  clearInterval(sampler);
  if (status !== 202 || taken.bytes < size) {
    throw new Error(`${status} after ${taken.bytes} bytes: ${JSON.stringify(body)}`);
  }
  return {
    megabytes,
    duration_s: Math.round(seconds * 100) / 100,
    mb_per_s: Math.round(megabytes / seconds),
    memory_growth_mb: Math.round((peak - before) / 1e5) / 10,
  };
}

try {
  await measure(WARM_UP_MEGABYTES, false);
  const results = {
    'with a length': await measure(MEGABYTES, false),
    chunked: await measure(MEGABYTES, true),
  };
  console.log(table('JSONL body', results));
  await writeFile(
    join(import.meta.dirname, 'results', 'jsonl.json'),
    `${JSON.stringify(results, null, 2)}\n`,
  );
} finally {
  await worker.dispose();
  upstream.close();
  upstream.closeAllConnections();
}
