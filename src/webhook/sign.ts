import { hmacBase64 } from '../platform/crypto.ts';

/**
 * The headers of Standard Webhooks 1.0.0 for one attempt: `webhook-id`, `webhook-timestamp`, and `webhook-signature`
 * with one `v1` signature per secret, so that a receiver can verify with either while a secret is being rotated.
 * @param secrets `whsec_` + base64, at least one
 * @param now milliseconds since the epoch
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export async function signatureHeaders(
  id: string,
  body: string,
  secrets: readonly string[],
  now: number,
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(now / 1000));
  const signatures = await Promise.all(
    secrets.map(async (secret) => {
      const bytes = Uint8Array.fromBase64(secret.replace(/^whsec_/, ''));
      return `v1,${await hmacBase64(bytes, `${id}.${timestamp}.${body}`)}`;
    }),
  );
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}
