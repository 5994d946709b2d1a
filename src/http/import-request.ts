import { Refusal } from '../domain/failures.ts';
import { isObject } from '../domain/json.ts';
import { judgeTarget } from '../domain/target.ts';
import { sha256Bytes } from '../platform/crypto.ts';
import { derivedId, newId, tokenOf } from '../platform/ids.ts';
import type { AppContext } from './context.ts';
import { uuidOf } from './path-id.ts';

const MAX_KEY_LENGTH = 255;

/** The dataset in the path, in lower case. @throws {Refusal} 404 for what cannot be the id of one */
export function datasetIdOf(c: AppContext): string {
  return uuidOf(c, 'dataset_id', 'dataset').toLowerCase();
}

/**
 * Checks a callback URL as it is registered; it is checked again at every attempt.
 * @param path where the URL stands in the request, as a JSON Pointer
 * @throws {Refusal} `callback_refused`
 */
export function refuseBadTarget(c: AppContext, url: string, path: string): void {
  const { callbackAllowPrivate } = c.get('config');
  const ownOrigin = new URL(c.req.url).origin;
  const verdict = judgeTarget(url, { allowPrivate: callbackAllowPrivate, ownOrigin });
  if (verdict.ok) return;
  const details = [{ path, message: verdict.reason }];
  const message = `The callback URL ${verdict.reason}.`;
  throw new Refusal({ code: 'callback_refused', message, details });
}

/** Read by hand: a schema of headers cannot be lazy, and would be a tenth of the start-up time. */
export function idempotencyKeyOf(c: AppContext): string | undefined {
  const key = c.req.header('idempotency-key');
  if (key === undefined) return key;
  const { length } = Array.from(key);
  if (length > 0 && length <= MAX_KEY_LENGTH) return key;
  const message = `must have 1 to ${MAX_KEY_LENGTH} characters`;
  throw new Refusal({
    code: 'invalid_request',
    message: `The header Idempotency-Key ${message}.`,
    details: [{ path: '/idempotency-key', message }],
  });
}

/**
 * With an idempotency key the id follows from it, so that every repetition meets the same Durable Object.
 * @param owner whose keys they are: a client's id, or that of the hook that was called
 */
export async function importIdFor(owner: string, key: string | undefined): Promise<string> {
  if (key === undefined) return newId('imp');
  return derivedId('imp', await sha256Bytes(`${owner}\n${key}`));
}

/**
 * Tells a repeated request from another one under the same key. In which order an object has its keys makes no other
 * request: many a client writes the same body in another order.
 * @param body anything that JSON can hold
 */
export async function requestHash(datasetId: string, body: unknown): Promise<string> {
  return tokenOf(await sha256Bytes(JSON.stringify([datasetId, body], inOrder)));
}

function inOrder(_key: string, value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
