import { make, type MultipartError, type PartInfo } from 'multipasta';
import { LINE_FEED } from '../domain/jsonl.ts';
import { concat } from '../platform/bytes.ts';
import type { StoredFile } from './files.sql.ts';
import { FILE_CHUNK_BYTES, type Workspace } from './workspace.ts';

/** Why an upload was not taken: what is wrong, and with which part. */
export interface UploadProblem {
  part: string;
  message: string;
}

const PURPOSES = ['fine-tune', 'batch', 'ocr'];
const HOUR_MS = 3_600_000;

/**
 * Reads a multipart upload (RFC 7578) as it comes and stores the part `file` in chunks; memory stays flat however
 * large the file is. The file is visible only once the whole body was read and is in order.
 */
export async function storeUpload(
  body: ReadableStream<Uint8Array>,
  contentType: string,
  workspace: DurableObjectStub<Workspace>,
): Promise<StoredFile | UploadProblem> {
  const upload = new Upload(workspace);
  const fields = new Map<string, string>();
  let problem: MultipartError | null = null;
  let done = false;
  const parser = make({
    headers: { 'content-type': contentType },
    isFile: (info) => info.name === 'file',
    maxParts: 20,
    maxFieldSize: 4096,
    onField: (info, value) => fields.set(info.name, new TextDecoder().decode(value)),
    onFile: (info) => upload.accept(info),
    onError: (error) => (problem ??= error),
    onDone: () => (done = true),
  });
  for await (const bytes of body) {
    parser.write(bytes);
    if (problem !== null) break;
    await upload.drain(false);
  }
  if (problem === null) parser.end();
  if (problem !== null || !done) {
    return { part: 'body', message: 'The body is not well-formed multipart/form-data' };
  }
  await upload.drain(true);
  return upload.finish(fields);
}

class Upload {
  readonly #workspace: DurableObjectStub<Workspace>;
  #info: PartInfo | null = null;
  #id: string | null = null;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #stored = 0;
  #lineFeeds = 0;
  #lastByte = LINE_FEED;

  constructor(workspace: DurableObjectStub<Workspace>) {
    this.#workspace = workspace;
  }

  /** Takes the bytes of the first part named `file`; a second one is read over. */
  accept(info: PartInfo): (bytes: Uint8Array | null) => void {
    if (this.#info !== null) return () => undefined;
    this.#info = info;
    return (bytes) => {
      if (bytes === null || bytes.byteLength === 0) return;
      // The parser hands out views of a buffer that it uses again.
      this.#waiting.push(bytes.slice());
      this.#waitingBytes += bytes.byteLength;
    };
  }

  /** Stores what waits, whole chunks only unless it is the end. */
  async drain(isEnd: boolean): Promise<void> {
    if (this.#info === null || (!isEnd && this.#waitingBytes < FILE_CHUNK_BYTES)) return;
    this.#id ??= await this.#begin(this.#info);
    const bytes = concat(this.#waiting);
    const whole = isEnd ? bytes.length : bytes.length - (bytes.length % FILE_CHUNK_BYTES);
    for (let at = 0; at < whole; at += FILE_CHUNK_BYTES) {
      const chunk = bytes.slice(at, Math.min(whole, at + FILE_CHUNK_BYTES));
      this.#lineFeeds += countLineFeeds(chunk);
      this.#lastByte = chunk.at(-1) ?? LINE_FEED;
      await this.#workspace.writeFile(this.#id, this.#stored, chunk);
      this.#stored += chunk.byteLength;
    }
    const rest = bytes.slice(whole);
    this.#waiting = rest.byteLength > 0 ? [rest] : [];
    this.#waitingBytes = rest.byteLength;
  }

  async finish(fields: ReadonlyMap<string, string>): Promise<StoredFile | UploadProblem> {
    if (this.#info === null || this.#id === null) {
      return { part: 'file', message: 'The part "file" is missing' };
    }
    const purpose = fields.get('purpose') ?? 'fine-tune';
    const visibility = fields.get('visibility') ?? 'workspace';
    const expiry = fields.get('expiry');
    const problem = !PURPOSES.includes(purpose)
      ? { part: 'purpose', message: `must be one of ${PURPOSES.join(', ')}` }
      : visibility !== 'workspace' && visibility !== 'user'
        ? { part: 'visibility', message: 'must be workspace or user' }
        : expiry !== undefined && !/^[1-9]\d{0,6}$/.test(expiry)
          ? { part: 'expiry', message: 'must be a whole number of hours' }
          : null;
    if (problem !== null) return problem;
    const stored = await this.#workspace.completeFile(this.#id, {
      purpose,
      visibility,
      expiresAt: expiry === undefined ? null : Date.now() + Number(expiry) * HOUR_MS,
      bytes: this.#stored,
      lines: this.#isJsonLines() ? this.#lines() : null,
    });
    return stored ?? { part: 'file', message: 'The upload took too long and was dropped' };
  }

  #begin(info: PartInfo): Promise<string> {
    return this.#workspace.beginFile({
      filename: info.filename ?? 'file',
      mimetype: mimetypeOf(info),
      source: 'upload',
    });
  }

  #lines(): number {
    return this.#lineFeeds + (this.#lastByte === LINE_FEED ? 0 : 1);
  }

  #isJsonLines(): boolean {
    return this.#info !== null && /jsonl|ndjson/.test(mimetypeOf(this.#info));
  }
}

/** Clients send `.jsonl` as anything; its name tells better. */
function mimetypeOf(info: PartInfo): string {
  return /\.(?:jsonl|ndjson)$/i.test(info.filename ?? '') ? 'application/jsonl' : info.contentType;
}

function countLineFeeds(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte === LINE_FEED) count++;
  return count;
}
