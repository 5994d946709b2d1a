import { LINE_FEED } from '../domain/jsonl.ts';
import { MultipartParser, type PartHead } from '../domain/multipart.ts';
import { concat } from '../domain/bytes.ts';
import { FILE_CHUNK_BYTES, type StoredFile } from './files.sql.ts';
import type { Workspace } from './workspace.ts';

/** Why an upload was not taken: what is wrong, and with which part. */
export interface UploadProblem {
  part: string;
  message: string;
}

const PURPOSES = ['fine-tune', 'batch', 'ocr'];
const HOUR_MS = 3_600_000;

/**
 * Reads a multipart upload as it comes and stores the part `file` in chunks; memory stays flat however large the file
 * is. The file is visible only once the whole body was read and is in order.
 */
export async function storeUpload(
  body: ReadableStream<Uint8Array>,
  boundary: string,
  workspace: DurableObjectStub<Workspace>,
): Promise<StoredFile | UploadProblem> {
  const upload = new Upload(workspace);
  const parser = new MultipartParser(boundary);
  for await (const bytes of body) {
    for (const event of parser.push(bytes)) {
      if (event.kind === 'malformed') return { part: 'body', message: event.message };
      const problem =
        event.kind === 'part' ? await upload.beginPart(event.head) : await upload.take(event.bytes);
      if (problem !== null) return problem;
    }
  }
  if (!parser.isComplete) {
    return { part: 'body', message: 'The body ends before its closing delimiter' };
  }
  return upload.finish();
}

// Fields are few and short; they are held in memory.
const MAX_FIELD_BYTES = 4096;
const MAX_PARTS = 20;

class Upload {
  readonly #workspace: DurableObjectStub<Workspace>;
  readonly #fields = new Map<string, Uint8Array>();
  #parts = 0;
  #part: PartHead | null = null;
  #file: PartHead | null = null;
  #id: string | null = null;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #stored = 0;
  #lineFeeds = 0;
  #lastByte = LINE_FEED;

  constructor(workspace: DurableObjectStub<Workspace>) {
    this.#workspace = workspace;
  }

  /** The first part named `file` is the file; a second one is read over. */
  async beginPart(head: PartHead): Promise<UploadProblem | null> {
    this.#part = head;
    if (++this.#parts > MAX_PARTS) {
      return { part: 'body', message: `A form has at most ${MAX_PARTS} parts` };
    }
    if (head.name !== 'file' || this.#file !== null) return null;
    this.#file = head;
    this.#id = await this.#workspace.files.begin({
      filename: head.filename ?? 'file',
      mimetype: mimetypeOf(head),
      source: 'upload',
    });
    return null;
  }

  /** Takes bytes of the part begun last. */
  async take(bytes: Uint8Array): Promise<UploadProblem | null> {
    if (this.#part === this.#file) {
      // A copy: the view is of a buffer that the stream may use again.
      this.#waiting.push(bytes.slice());
      this.#waitingBytes += bytes.byteLength;
      if (this.#waitingBytes >= FILE_CHUNK_BYTES) await this.#store();
    } else if (this.#part !== null) {
      const field = concat([this.#fields.get(this.#part.name) ?? new Uint8Array(), bytes]);
      if (field.byteLength > MAX_FIELD_BYTES) {
        return { part: this.#part.name, message: `is longer than ${MAX_FIELD_BYTES} bytes` };
      }
      this.#fields.set(this.#part.name, field);
    }
    return null;
  }

  async finish(): Promise<StoredFile | UploadProblem> {
    if (this.#file === null || this.#id === null) {
      return { part: 'file', message: 'The part "file" is missing' };
    }
    await this.#store();
    const purpose = this.#field('purpose') ?? 'fine-tune';
    const visibility = this.#field('visibility') ?? 'workspace';
    const expiry = this.#field('expiry');
    if (!PURPOSES.includes(purpose)) {
      return { part: 'purpose', message: `must be one of ${PURPOSES.join(', ')}` };
    }
    if (visibility !== 'workspace' && visibility !== 'user') {
      return { part: 'visibility', message: 'must be workspace or user' };
    }
    if (expiry !== undefined && !/^[1-9]\d{0,6}$/.test(expiry)) {
      return { part: 'expiry', message: 'must be a whole number of hours' };
    }
    const stored = await this.#workspace.files.complete(this.#id, {
      purpose,
      visibility,
      expiresAt: expiry === undefined ? null : Date.now() + Number(expiry) * HOUR_MS,
      bytes: this.#stored,
      lines: isJsonLines(this.#file) ? this.#lines() : null,
    });
    return stored ?? { part: 'file', message: 'The upload took too long and was dropped' };
  }

  async #store(): Promise<void> {
    const bytes = concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (let at = 0; at < bytes.length; at += FILE_CHUNK_BYTES) {
      const chunk = bytes.slice(at, at + FILE_CHUNK_BYTES);
      this.#lineFeeds += countLineFeeds(chunk);
      this.#lastByte = chunk.at(-1) ?? LINE_FEED;
      await this.#workspace.files.write(this.#id ?? '', this.#stored, chunk);
      this.#stored += chunk.byteLength;
    }
  }

  #field(name: string): string | undefined {
    const bytes = this.#fields.get(name);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  #lines(): number {
    return this.#lineFeeds + (this.#lastByte === LINE_FEED ? 0 : 1);
  }
}

function isJsonLines(file: PartHead): boolean {
  return /jsonl|ndjson/.test(mimetypeOf(file));
}

/** Clients send `.jsonl` as anything; its name tells better. */
function mimetypeOf({ filename, contentType }: PartHead): string {
  return /\.(?:jsonl|ndjson)$/i.test(filename ?? '') ? 'application/jsonl' : contentType;
}

function countLineFeeds(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte === LINE_FEED) count++;
  return count;
}
