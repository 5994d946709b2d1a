import assert from 'node:assert/strict';
import { mistakes, mistralError, observabilityError } from '../builtin.ts';
import * as z from 'zod';
import type { Operation } from './operation.ts';
import { chunk } from './shapes.ts';

/** What a path with a parameter out of place is told. */
const refusal = mistralError(z.string().min(1));
const invalid = mistralError(mistakes);

/** The paths whose errors are `ObservabilityError`. */
const isObservability = (path: string) => path.startsWith('/v1/observability/');

function parsed<T extends z.ZodType>(schema: T, text: string): z.infer<T> {
  const result = schema.safeParse(JSON.parse(text));
  assert.ok(result.success, `${result.error?.message ?? ''} in ${text.slice(0, 1000)}`);
  return result.data;
}

/** An answer that is in order: its exact status, and every key of its shape. */
export async function assertGood(response: Response, { status, answer }: Operation): Promise<void> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  const type = response.headers.get('content-type');
  if (answer === undefined) {
    assert.deepEqual([text, type], ['', null]);
  } else if (answer === 'bytes') {
    assert.equal(type, 'application/octet-stream');
  } else {
    assert.match(type ?? '', /^application\/json\b/);
    parsed(answer, text);
  }
}

/** A chat that is streamed: chunks, the last of them with the usage, and the end marked. */
export async function assertStream(response: Response): Promise<void> {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream\b/);
  assert.ok(text.endsWith('\n\ndata: [DONE]\n\n'), text);
  const events = text.slice(0, -'data: [DONE]\n\n'.length).trimEnd().split('\n\n');
  const chunks = events.map((event) => parsed(chunk, event.replace(/^data: /, '')));
  assert.ok(chunks.at(-1)?.usage);
}

/**
 * A refusal in the shape of its family.
 * @param path of the request
 * @param code any where it is left out; a 422 has that of its family
 */
export async function assertRefused(
  response: Response,
  path: string,
  status?: number,
  code?: string | null,
): Promise<void> {
  const text = await response.text();
  if (status !== undefined) assert.equal(response.status, status, text);
  assert.ok(response.status >= 400 && response.status < 500, `${response.status} ${text}`);
  assert.match(response.headers.get('content-type') ?? '', /^application\/json\b/);
  const isInvalid = response.status === 422;
  if (isObservability(path)) {
    const { detail } = parsed(z.strictObject(observabilityError.shape), text);
    const expected = isInvalid ? 'VALIDATION_ERROR' : code;
    if (expected !== undefined) assert.equal(detail.error_code, expected, text);
  } else {
    const error = isInvalid ? parsed(invalid, text) : parsed(refusal, text);
    if (code !== undefined) assert.equal(error.code, code, text);
  }
}
