import { Refusal } from '../domain/failures.ts';
import { judgeTarget } from '../domain/target.ts';
import { sha256Bytes } from '../platform/crypto.ts';
import { newId, tokenOf } from '../platform/ids.ts';
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
  if (key === undefined || (key.length > 0 && key.length <= MAX_KEY_LENGTH)) return key;
  const message = `must have 1 to ${MAX_KEY_LENGTH} characters`;
  throw new Refusal({
    code: 'invalid_request',
    message: `The header Idempotency-Key ${message}.`,
    details: [{ path: '/idempotency-key', message }],
  });
}

/** With an idempotency key the id follows from it, so that every repetition meets the same Durable Object. */
export async function importIdFor(clientId: string, key: string | undefined): Promise<string> {
  if (key === undefined) return newId('imp');
  const digest = await sha256Bytes(`${clientId}\n${key}`);
  return `imp_${tokenOf(digest.subarray(0, 16))}`;
}

/** Tells a repeated request from another one under the same key. @param body anything that JSON can hold */
export async function requestHash(datasetId: string, body: unknown): Promise<string> {
  return tokenOf(await sha256Bytes(JSON.stringify([datasetId, body])));
}
