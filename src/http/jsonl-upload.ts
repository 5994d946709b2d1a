import { Refusal } from '../domain/failures.ts';
import { JsonlCheck, MAX_MISTAKES, type LineMistake } from '../domain/jsonl-check.ts';
import type { FileUpload, UploadResult } from '../mistral/files.ts';
import { Sha256Stream } from '../platform/sha256-stream.ts';
import { TimedOut, within } from '../platform/within.ts';
import { failureRefusal } from './upstream-refusal.ts';

/** A body that was checked and is now a file of the upstream. */
export interface UploadedJsonl {
  fileId: string;
  /** SHA-256 of its bytes, as 64 hexadecimal digits. */
  sha256: string;
}

/**
 * Checks a JSONL body line by line and uploads it on its way. Each piece is checked before it is sent, and the last
 * before the upload is closed: of a body with a mistake no file is made, but the lines after it are still looked at.
 * @param begin begins the upload; called with the first piece that is in order
 * @param idleMs how long the upstream may take for a piece
 * @throws {Refusal} `invalid_jsonl`, what `pieces` throws, or what came of the upload
 */
export async function uploadChecked(
  pieces: AsyncIterable<Uint8Array>,
  begin: () => FileUpload,
  idleMs: number,
): Promise<UploadedJsonl> {
  const check = new JsonlCheck();
  const digest = new Sha256Stream();
  let upload: FileUpload | null = null;
  try {
    for await (const bytes of pieces) {
      check.push(bytes);
      if (check.isFull) break;
      if (check.mistakes.length > 0) {
        await upload?.abort();
        upload = null;
        continue;
      }
      await digest.add(bytes);
      upload ??= begin();
      if (!(await taken(upload.write(bytes), idleMs))) throw await cutShort(upload);
    }
    check.end();
    if (check.mistakes.length > 0 || upload === null) throw invalidJsonl(check.mistakes);
    const fileId = storedFile(await upload.finish());
    return { fileId, sha256: await digest.hex() };
  } catch (error) {
    await upload?.abort();
    throw error;
  }
}

/** SHA-256 of a body that is only read through, as 64 hexadecimal digits. */
export async function digestOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const digest = new Sha256Stream();
  for await (const bytes of pieces) await digest.add(bytes);
  return digest.hex();
}

async function taken(write: Promise<boolean>, idleMs: number): Promise<boolean> {
  try {
    return await within(write, idleMs);
  } catch (error) {
    if (!(error instanceof TimedOut)) throw error;
    const message = `The Mistral API took no more of the upload for ${idleMs} ms.`;
    throw new Refusal({ code: 'upstream_timeout', message });
  }
}

/** Why the upstream took no more. */
async function cutShort(upload: FileUpload): Promise<Refusal> {
  storedFile(await upload.finish());
  const message = 'The Mistral API answered the upload before its end.';
  return new Refusal({ code: 'upstream_error', message });
}

/** @throws {Refusal} where there is none */
function storedFile(result: UploadResult): string {
  switch (result.kind) {
    case 'stored':
      return result.fileId;
    case 'unanswered':
      throw result.refusal;
    case 'refused':
      throw failureRefusal(result.failure);
  }
}

function invalidJsonl(mistakes: readonly LineMistake[]): Refusal {
  const [first] = mistakes;
  const more =
    mistakes.length < 2
      ? ''
      : `, and ${mistakes.length < MAX_MISTAKES ? '' : 'at least '}${mistakes.length - 1} more; see details`;
  return new Refusal({
    code: 'invalid_jsonl',
    message: `Line ${first?.line ?? 1} ${first?.reason ?? ''}${more}. Nothing was imported.`,
    details: mistakes.map(({ line, reason }) => ({ path: '', message: reason, line })),
  });
}
