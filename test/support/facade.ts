import assert from 'node:assert/strict';
import type { z as Zod } from 'zod';
import { send } from './worker.ts';

/** A refusal of the facade. */
export interface FacadeError {
  code: string;
  message: string;
  request_id: string;
  position?: number;
  details?: { path: string; message: string }[];
  upstream?: { status: number; body: string };
}

/** The facade as one client calls it. */
export class Facade {
  readonly url: string;
  readonly key: string | null;

  constructor(url: string, key: string | null) {
    this.url = url;
    this.key = key;
  }

  send(method: string, path: string, body?: object, headers?: Record<string, string>) {
    return send(this.url + path, this.key, method, body, headers);
  }

  /** Calls, checks status and shape of the answer, and returns its body. */
  async expect<T extends Zod.ZodType>(
    [status, schema]: readonly [number, T],
    method: string,
    path: string,
    body?: object,
  ): Promise<Zod.infer<T>> {
    const answer = await this.send(method, path, body);
    const text = await answer.text();
    assert.equal(answer.status, status, text);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json\b/);
    return schema.parse(JSON.parse(text));
  }

  /** Calls, and checks that it is refused. */
  async refused(
    [status, code]: readonly [number, string],
    method: string,
    path: string,
    body?: object,
  ): Promise<FacadeError> {
    return refusalOf(await this.send(method, path, body), status, code);
  }
}

/** Checks a refusal's status, code and shape, and returns it. */
export async function refusalOf(
  answer: Response,
  status: number,
  code: string,
): Promise<FacadeError> {
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  const { error, ...rest } = JSON.parse(text) as { error: FacadeError };
  assert.deepEqual(rest, {});
  assert.equal(error.code, code, text);
  assert.equal(error.request_id, answer.headers.get('x-request-id'));
  assert.ok(error.message);
  return error;
}
