/** Bytes as base64url without padding; 16 bytes give 22 characters, 32 give 43. */
export function tokenOf(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: 'base64url', omitPadding: true });
}

/** So many random bytes, as {@link tokenOf} writes them. */
export function randomToken(bytes: number): string {
  return tokenOf(crypto.getRandomValues(new Uint8Array(bytes)));
}

/** A new id with a prefix that tells its kind, such as `cl_…` or `msg_…`. */
export function newId(prefix: string): string {
  return `${prefix}_${randomToken(16)}`;
}

/** An id that follows from a digest, of which it tells 16 bytes: the same each time. */
export function derivedId(prefix: string, digest: Uint8Array): string {
  return `${prefix}_${tokenOf(digest.subarray(0, 16))}`;
}

/** A new secret of Standard Webhooks: `whsec_` and base64 of 32 random bytes. */
export function newWebhookSecret(): string {
  return `whsec_${crypto.getRandomValues(new Uint8Array(32)).toBase64()}`;
}
