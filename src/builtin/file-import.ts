import { checkRow, LINE_FEED, linesOf, MAX_LINE_BYTES, type RowCheck } from '../domain/jsonl.ts';
import { fitsInRecord, MAX_RECORD_BYTES, type Datasets } from './datasets.sql.ts';
import type { Files } from './files.sql.ts';
import type { StoredTask } from './tasks.sql.ts';

/** A slice is small enough for other requests to get their turn between two of them. */
const SLICE_BYTES = 512 * 1024;
const SLICE_LINES = 100;

interface Stores {
  files: Files;
  datasets: Datasets;
}

/**
 * Does the next slice of a from-file import and returns the task as it then stands. All that a slice writes and the
 * task's new place belong in one transaction (no await between them), so that a crash repeats a slice or not, whole.
 * Checking comes first, over the whole file: a bad line fails the task before any record is there.
 * @param now milliseconds since the epoch
 */
export function runSlice(task: StoredTask, { files, datasets }: Stores, now: number): StoredTask {
  const file = files.get(task.fileId, now);
  if (file === null) return fail(task, datasets, `The file ${task.fileId} is gone.`, now);
  let slice = files.slice(task.fileId, task.offset, SLICE_BYTES);
  if (!slice.includes(LINE_FEED) && task.offset + slice.byteLength < file.bytes) {
    slice = files.slice(task.fileId, task.offset, MAX_LINE_BYTES + '\r\n'.length);
  }
  const isLast = task.offset + slice.byteLength >= file.bytes;
  let { offset, line } = task;
  for (const found of linesOf(slice, task.offset === 0, isLast)) {
    if (line - task.line >= SLICE_LINES) break;
    line++;
    offset = task.offset + found.end;
    const check = checkLine(found.bytes);
    if (check === 'empty') continue;
    if (!check.ok) return fail(task, datasets, `Line ${line} ${check.reason}.`, now);
    if (task.phase === 'importing') {
      datasets.addRecord(task.datasetId, check.row, 'UPLOADED_FILE', task.id, now);
    }
  }
  if (offset === task.offset && offset < file.bytes) {
    return fail(task, datasets, `Line ${line + 1} ${TOO_LONG}.`, now);
  }
  return progressTo(task, offset, line, file.bytes, now);
}

const TOO_LONG = `is longer than ${MAX_LINE_BYTES} bytes`;

function checkLine(bytes: Uint8Array): RowCheck | 'empty' {
  if (bytes.byteLength > MAX_LINE_BYTES) return { ok: false, reason: TOO_LONG };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { ok: false, reason: 'is not UTF-8' };
  }
  if (text.trim() === '') return 'empty';
  const check = checkRow(text);
  return check.ok && !fitsInRecord(check.row)
    ? { ok: false, reason: `makes a record of more than ${MAX_RECORD_BYTES} bytes` }
    : check;
}

function progressTo(
  task: StoredTask,
  offset: number,
  line: number,
  size: number,
  now: number,
): StoredTask {
  const done = offset >= size;
  if (done && task.phase === 'checking') {
    return { ...task, phase: 'importing', offset: 0, line: 0, progress: 50, updatedAt: now };
  }
  if (done) {
    return { ...task, status: 'COMPLETED', offset, line, progress: 100, updatedAt: now };
  }
  const half = task.phase === 'checking' ? 0 : 50;
  const progress = half + Math.floor((offset / size) * 50);
  return { ...task, offset, line, progress, updatedAt: now };
}

function fail(task: StoredTask, datasets: Datasets, message: string, now: number): StoredTask {
  datasets.deleteRecordsOfTask(task.datasetId, task.id);
  return { ...task, status: 'FAILED', message, updatedAt: now };
}
