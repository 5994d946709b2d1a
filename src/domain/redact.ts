/** A shorter secret is none that a service would give out, and would be found in ordinary words. */
const MIN_LENGTH = 8;

/** A text without a secret that it may have been told. @param secret null when there is none */
export function redacted(text: string, secret: string | null): string {
  if (secret === null || secret.length < MIN_LENGTH) return text;
  return text.replaceAll(secret, '[redacted]');
}
