import { zValidator } from '@hono/zod-validator';
import type { ValidationTargets } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { MiddlewareHandler } from 'hono';
import type * as z from 'zod/mini';
import { Refusal, type FailureDetail } from '../../domain/failures.ts';
import { check, detailsOf } from '../../domain/issue-details.ts';
import { parsePointer, valueAt } from '../../domain/json-pointer.ts';
import { isJsonType } from '../../domain/json.ts';
import { readWhere } from '../../domain/where.ts';
import '../../platform/schema-messages.ts';
import type { AppEnv } from '../context.ts';

/** What a body above its limit is refused with. */
export function tooLarge(maxBytes: number): Refusal {
  const message = `The body is larger than ${maxBytes} bytes.`;
  return new Refusal({ code: 'payload_too_large', message });
}

/** What a body is refused with that is not declared as JSON. @param orElse what else the call takes */
export function notJson(orElse = ''): Refusal {
  const message = `Send the body as JSON, with \`content-type: application/json\`${orElse}.`;
  return new Refusal({ code: 'unsupported_media_type', message });
}

/** Refuses a body that is compressed: what is checked on its way in is taken as it stands (RFC 9110, 15.5.16). */
export function refuseEncoded(request: Request): void {
  const coding = (request.headers.get('content-encoding') ?? '').trim().toLowerCase();
  if (coding === '' || coding === 'identity') return;
  throw new Refusal({
    code: 'unsupported_media_type',
    message: 'Send the body uncompressed, without `content-encoding`.',
    headers: { 'accept-encoding': 'identity' },
  });
}

/**
 * Refuses a body that is larger than `MAX_BODY_BYTES`, compressed, not declared as JSON or not UTF-8 (RFC 8259, 8.1),
 * before it is parsed: a reader that is not told to refuse puts another character in the place of bad bytes.
 */
export const jsonBody: MiddlewareHandler<AppEnv> = async function jsonBody(c, next) {
  const type = c.req.header('content-type') ?? '';
  if (!isJsonType(type)) throw notJson();
  refuseEncoded(c.req.raw);
  const maxSize = c.get('config').maxBodyBytes;
  const limit = bodyLimit({
    maxSize,
    onError: () => {
      throw tooLarge(maxSize);
    },
  });
  return limit(c, async () => {
    refuseBadBytes(await c.req.arrayBuffer());
    await next();
  });
};

function refuseBadBytes(body: ArrayBuffer): void {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(body);
  } catch {
    throw new Refusal({ code: 'invalid_request', message: 'The body is not UTF-8.' });
  }
}

/**
 * Checks a part of the request; every mistake in it is told at once, each with its path.
 * @param whereAt where a filter stands in a body, as a JSON Pointer: it is read elsewhere, but where there are other
 * mistakes its own are told with them
 */
export function valid<Target extends keyof ValidationTargets, Schema extends z.core.$ZodType>(
  target: Target,
  schema: Schema,
  whereAt: string | null = null,
) {
  return zValidator(
    target,
    schema,
    (result) => {
      if (result.success) return;
      const refusal = mistaken(target === 'json' ? 'body' : target, result.error.issues);
      if (whereAt !== null) refusal.failure.details?.push(...whereMistakes(result.data, whereAt));
      throw refusal;
    },
    // The type asks for an error with methods that nothing calls.
    { validationFunction: (of, value) => check(of, value) as never },
  );
}

function whereMistakes(body: unknown, at: string): FailureDetail[] {
  const read = readWhere(valueAt(body, parsePointer(at) ?? [])?.value, Date.now());
  if (read.ok) return [];
  const { message, position, path = '' } = read;
  const place = position === undefined ? '' : ` (at position ${position})`;
  return [{ path: at + path, message: message + place }];
}

/** What a part of the request is refused with that its schema does not take. */
export function mistaken(where: string, issues: readonly z.core.$ZodIssue[]): Refusal {
  return new Refusal({
    code: 'invalid_request',
    message: `The ${where} is not as it should be; see details.`,
    details: detailsOf(issues),
  });
}
