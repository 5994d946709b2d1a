import type { Datasets, StoredDataset } from './datasets.sql.ts';
import { FILE_CHUNK_BYTES, type Files, type StoredFile } from './files.sql.ts';

const LIFE_MS = 86_400_000;

/** Writes a dataset's records into a JSONL file that lives for a day; a chunk is held at a time, not the whole. */
export function exportDataset(
  dataset: StoredDataset,
  datasets: Datasets,
  files: Files,
  now: number,
): StoredFile | null {
  const id = files.begin(
    {
      filename: `${dataset.name.replaceAll(/[^\w.-]+/g, '-')}.jsonl`,
      mimetype: 'application/jsonl',
      source: 'mistral',
    },
    now,
  );
  const encoder = new TextEncoder();
  let offset = 0;
  let lines = 0;
  let text = '';
  const flush = () => {
    const bytes = encoder.encode(text);
    for (let at = 0; at < bytes.byteLength; at += FILE_CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + FILE_CHUNK_BYTES);
      files.write(id, offset, chunk);
      offset += chunk.byteLength;
    }
    text = '';
  };
  for (const line of datasets.exportLines(dataset.id)) {
    text += line;
    lines++;
    if (text.length >= FILE_CHUNK_BYTES) flush();
  }
  flush();
  files.complete(id, {
    purpose: 'batch',
    visibility: 'workspace',
    expiresAt: now + LIFE_MS,
    bytes: offset,
    lines,
  });
  return files.get(id, now);
}
