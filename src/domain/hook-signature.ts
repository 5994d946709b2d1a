import type { Verification } from './hook.ts';

/** How far a timestamp may be off, either way (Standard Webhooks, "Verifying webhook authenticity"). */
const TOLERANCE_S = 300;
/** More are sent by nobody who rotates a secret, and each costs a comparison. */
const MAX_SIGNATURES = 10;

/** What proves where a call comes from: signatures of the bytes, or a secret itself. */
export type Proof =
  | {
      kind: 'hmac';
      /** What is signed in front of the body. */
      prefix: string;
      encoding: 'base64' | 'hex';
      signatures: string[];
    }
  | { kind: 'token'; token: string };

/** What the headers of a call say, still to be verified; `webhookId` tells a call from another one. */
export type ReadSignature =
  | { ok: true; webhookId: string | null; proof: Proof }
  | { ok: false; outcome: 'unauthorized' | 'stale'; message: string };

/** What is told of a signature or a secret that is not right: no more, so that nothing can be learnt from it. */
export const NOT_SIGNED = 'The call is not signed with a secret of this hook.';

/**
 * Reads the headers that a call is authorised by.
 * @param header a header's value, by its name in lower case
 * @param now milliseconds since the epoch
 */
export function readSignature(
  verify: Verification,
  header: (name: string) => string | undefined,
  now: number,
): ReadSignature {
  switch (verify) {
    case 'standard-webhooks':
      return standardWebhooks(header, now);
    case 'github':
      return github(header);
    case 'bearer':
      return bearer(header);
  }
}

/** @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function standardWebhooks(
  header: (name: string) => string | undefined,
  now: number,
): ReadSignature {
  const id = header('webhook-id') ?? '';
  const timestamp = header('webhook-timestamp') ?? '';
  const signed = header('webhook-signature') ?? '';
  const missing = [
    ...(id === '' ? ['webhook-id'] : []),
    ...(timestamp === '' ? ['webhook-timestamp'] : []),
    ...(signed === '' ? ['webhook-signature'] : []),
  ];
  if (missing.length > 0) return unauthorized(`Send ${missing.join(' and ')} as well.`);
  if (!/^\d{1,12}$/.test(timestamp)) {
    return unauthorized('The webhook-timestamp has to be whole seconds since 1970.');
  }
  if (Math.abs(Math.floor(now / 1000) - Number(timestamp)) > TOLERANCE_S) {
    const message = `The webhook-timestamp is more than ${TOLERANCE_S} s off.`;
    return { ok: false, outcome: 'stale', message };
  }
  const signatures = signed
    .split(' ')
    .filter((one) => one.startsWith('v1,'))
    .map((one) => one.slice(3))
    .slice(0, MAX_SIGNATURES);
  const prefix = `${id}.${timestamp}.`;
  return {
    ok: true,
    webhookId: id,
    proof: { kind: 'hmac', prefix, encoding: 'base64', signatures },
  };
}

/** @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries */
function github(header: (name: string) => string | undefined): ReadSignature {
  const signed = header('x-hub-signature-256') ?? '';
  if (signed === '') return unauthorized('Send x-hub-signature-256 as well.');
  const hex = /^sha256=([0-9a-f]{64})$/i.exec(signed)?.[1];
  if (hex === undefined) return unauthorized(NOT_SIGNED);
  const signatures = [hex.toLowerCase()];
  return {
    ok: true,
    webhookId: header('x-github-delivery') || null,
    proof: { kind: 'hmac', prefix: '', encoding: 'hex', signatures },
  };
}

function bearer(header: (name: string) => string | undefined): ReadSignature {
  const token = /^Bearer +(\S+)\s*$/i.exec(header('authorization') ?? '')?.[1];
  if (token === undefined) {
    return unauthorized('Send `authorization: Bearer …` with the secret of this hook.');
  }
  const webhookId = header('webhook-id') || header('idempotency-key') || null;
  return { ok: true, webhookId, proof: { kind: 'token', token } };
}

function unauthorized(message: string): ReadSignature {
  return { ok: false, outcome: 'unauthorized', message };
}
