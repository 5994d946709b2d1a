import * as z from 'zod/mini';
import { Refusal } from '../domain/failures.ts';
import { fileForm, type FileForm } from '../domain/file-form.ts';
import { parseJson } from '../domain/json.ts';
import { logError } from '../platform/log.ts';
import { TimedOut, within } from '../platform/within.ts';
import { callUpstream, judged, readAnswer } from './call.ts';
import type { RawAnswer, UpstreamFailure, UpstreamResult } from './answer.ts';
import type { Upstream } from './upstream.ts';

/** What came of an upload: the file's id, the upstream's refusal, or no answer at all. */
export type UploadResult =
  | { kind: 'stored'; fileId: string }
  | { kind: 'refused'; failure: UpstreamFailure }
  | { kind: 'unanswered'; refusal: Refusal };

/** The largest file that the Files API takes. */
export const MAX_FILE_BYTES = 512 * 1024 * 1024;

const fileSchema = z.lazy(() => z.object({ id: z.string() }));

const CALL_TIMEOUT_MS = 30_000;
/** The longest that a timer takes: the headers of an upload's answer come after its body, however long that takes. */
const NO_TIMEOUT_MS = 2_147_483_647;

/** Calls the Files API, on whichever upstream. Failures are values, not exceptions. */
export class FilesClient {
  readonly #upstream: Upstream;
  readonly #answerTimeoutMs: number;
  readonly #secrets: readonly string[];

  /**
   * @param answerTimeoutMs how long an upload's answer may take after the last byte
   * @param secrets what must not come to rest in a message, should the upstream echo it
   */
  constructor(upstream: Upstream, answerTimeoutMs: number, secrets: readonly string[]) {
    this.#upstream = upstream;
    this.#answerTimeoutMs = answerTimeoutMs;
    this.#secrets = secrets;
  }

  /**
   * Begins an upload (`POST /v1/files`).
   * @param filename without quotes or line ends
   * @param length bytes of the file, or null where that is not known
   */
  upload(filename: string, length: number | null): FileUpload {
    const form = fileForm(filename, 'application/jsonl', crypto.randomUUID());
    return new FileUpload(this, this.#upstream, form, length, this.#answerTimeoutMs);
  }

  /** A 2xx is a success, anything else a failure. */
  judge(answer: RawAnswer): UpstreamResult<RawAnswer> {
    return judged(answer, this.#secrets);
  }

  /** Deletes a file that nothing needs (`DELETE /v1/files/{id}`); a failure is logged and tells nobody anything. */
  async delete(fileId: string): Promise<void> {
    const path = `/v1/files/${encodeURIComponent(fileId)}`;
    const call = { method: 'DELETE' as const, path, timeoutMs: CALL_TIMEOUT_MS };
    const deleted = await callUpstream(this.#upstream, call, this.#secrets);
    if (!deleted.ok) logError('file_not_deleted', deleted.failure.message, { file_id: fileId });
  }
}

/**
 * A file on its way to the upstream, as a form. The form is closed by `finish` alone: an upload that is broken off
 * before has not made a file.
 */
export class FileUpload {
  readonly #files: FilesClient;
  readonly #form: FileForm;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #abort = new AbortController();
  readonly #answer: Promise<UploadResult>;
  readonly #answerTimeoutMs: number;
  #isBegun = false;

  constructor(
    files: FilesClient,
    upstream: Upstream,
    form: FileForm,
    length: number | null,
    answerTimeoutMs: number,
  ) {
    this.#files = files;
    this.#form = form;
    this.#answerTimeoutMs = answerTimeoutMs;
    const frame = this.#form.head.byteLength + this.#form.tail.byteLength;
    const { readable, writable } =
      length === null ? new IdentityTransformStream() : new FixedLengthStream(frame + length);
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => undefined);
    this.#answer = this.#send(upstream, readable);
    void this.#stopWhenRefused();
  }

  /**
   * Sends bytes of the file; resolves when the upstream has taken them, and then they may be changed.
   * @returns false when the upstream takes no more: `finish` tells why
   */
  async write(bytes: Uint8Array): Promise<boolean> {
    try {
      if (!this.#isBegun) {
        this.#isBegun = true;
        await this.#writer.write(this.#form.head);
      }
      await this.#writer.write(bytes);
      return true;
    } catch {
      return false;
    }
  }

  /** Ends the body, where it is not broken, and waits for the answer. */
  async finish(): Promise<UploadResult> {
    try {
      return await within(this.#end(), this.#answerTimeoutMs);
    } catch (error) {
      this.#breakOff();
      if (!(error instanceof TimedOut)) throw error;
      const message = `The Mistral API did not answer the upload within ${this.#answerTimeoutMs} ms.`;
      return { kind: 'unanswered', refusal: new Refusal({ code: 'upstream_timeout', message }) };
    }
  }

  /** Breaks the upload off. Should the upstream have answered with a file nonetheless, that is deleted. */
  async abort(): Promise<void> {
    this.#breakOff();
    const result = await within(this.#answer, CALL_TIMEOUT_MS).catch(() => null);
    if (result?.kind === 'stored') await this.#files.delete(result.fileId);
  }

  /** An upstream that refuses does not read on: a write must not wait for it. */
  async #stopWhenRefused(): Promise<void> {
    if ((await this.#answer).kind !== 'stored') this.#breakOff();
  }

  async #end(): Promise<UploadResult> {
    if (await this.write(this.#form.tail)) await this.#writer.close().catch(() => undefined);
    return this.#answer;
  }

  #breakOff(): void {
    this.#abort.abort();
    this.#writer.abort().catch(() => undefined);
  }

  async #send(upstream: Upstream, body: ReadableStream<Uint8Array>): Promise<UploadResult> {
    let answer: UpstreamResult<RawAnswer>;
    try {
      const response = await upstream({
        method: 'POST',
        path: '/v1/files',
        headers: new Headers({
          accept: 'application/json',
          'content-type': this.#form.contentType,
        }),
        body,
        signal: this.#abort.signal,
        headersTimeoutMs: NO_TIMEOUT_MS,
      });
      answer = this.#files.judge(await readAnswer(response));
    } catch (error) {
      const message = 'The upload to the Mistral API broke off.';
      const refusal =
        error instanceof Refusal ? error : new Refusal({ code: 'upstream_unavailable', message });
      return { kind: 'unanswered', refusal };
    }
    if (!answer.ok) return { kind: 'refused', failure: answer.failure };
    const file = fileSchema.safeParse(parseJson(answer.value.body));
    if (file.success) return { kind: 'stored', fileId: file.data.id };
    const message = 'The Mistral API answered an upload with no file that can be read.';
    return { kind: 'unanswered', refusal: new Refusal({ code: 'upstream_error', message }) };
  }
}
