const MARK = '[redacted]';
/** A shorter secret is none that a service would give out, and would be found in ordinary words. */
const MIN_LENGTH = 8;
/** The beginning of a secret that was cut off at the end of a text is as good as the secret from here on. */
const MIN_PREFIX = 6;

/**
 * A text without secrets that someone echoed: each is replaced, and so is the beginning of one at the end of the text,
 * where it may have been cut. The part after `whsec_` counts as the secret itself.
 */
export function redact(text: string, secrets: readonly string[]): string {
  return (
    secrets
      .flatMap((secret) => [secret, secret.replace(/^whsec_/, '')])
      .filter((secret) => secret.length >= MIN_LENGTH)
      // Of a secret that begins with another one the rest would stay, were the shorter one replaced first.
      .toSorted((a, b) => b.length - a.length)
      .reduce((clean, secret) => withoutPrefix(clean.replaceAll(secret, MARK), secret), text)
  );
}

function withoutPrefix(text: string, secret: string): string {
  for (let length = secret.length - 1; length >= MIN_PREFIX; length--) {
    if (text.endsWith(secret.slice(0, length))) return text.slice(0, -length) + MARK;
  }
  return text;
}
