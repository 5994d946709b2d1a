import {
  checkLine,
  LINE_FEED,
  LINE_TOO_LONG,
  linesOf,
  MAX_LINE_BYTES,
} from '../../domain/jsonl.ts';
import { recordContent, type RecordContent } from '../datasets.sql.ts';
import { failTask, type ImportStores } from './stores.ts';
import type { StoredTask } from '../tasks.sql.ts';

/** A slice is small enough for other requests to get their turn between two of them. */
const SLICE_BYTES = 512 * 1024;
const SLICE_LINES = 250;
/** A byte order mark before the longest line, and a CRLF after it. */
const FRAME_BYTES = 5;

/**
 * A slice of a from-file import. Checking comes first, over the whole file: a bad line fails the task before any record
 * is there.
 */
export function runFileSlice(
  task: StoredTask,
  { files, datasets }: ImportStores,
  now: number,
): StoredTask {
  const file = files.get(task.input, now);
  if (file === null) return failTask(task, datasets, `The file ${task.input} is gone.`, now);
  let slice = files.slice(task.input, task.offset, SLICE_BYTES);
  if (!slice.includes(LINE_FEED) && task.offset + slice.byteLength < file.bytes) {
    slice = files.slice(task.input, task.offset, MAX_LINE_BYTES + FRAME_BYTES);
  }
  const isLast = task.offset + slice.byteLength >= file.bytes;
  let { offset, line } = task;
  let isCut = false;
  for (const found of linesOf(slice, task.offset === 0, isLast)) {
    isCut = line - task.line >= SLICE_LINES;
    if (isCut) break;
    line++;
    offset = task.offset + found.end;
    const check = readLine(found.bytes);
    if (check === 'blank') continue;
    if ('problem' in check) return failTask(task, datasets, `Line ${line} ${check.problem}.`, now);
    if (task.phase === 'importing') {
      datasets.addRecord(task.datasetId, check, 'UPLOADED_FILE', task.id, now);
    }
  }
  if (isLast && !isCut) offset = file.bytes;
  if (offset === task.offset && offset < file.bytes) {
    return failTask(task, datasets, `Line ${line + 1} ${LINE_TOO_LONG}.`, now);
  }
  return progressTo(task, offset, line, file.bytes, now);
}

function readLine(bytes: Uint8Array): RecordContent | { problem: string } | 'blank' {
  const check = checkLine(bytes);
  if (check === 'blank') return check;
  return check.ok ? recordContent(check.row) : { problem: check.reason };
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
