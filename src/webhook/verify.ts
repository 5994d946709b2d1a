import { concat } from '../domain/bytes.ts';
import type { Proof } from '../domain/hook-signature.ts';
import { equalInConstantTime, hmacBytes, sha256Hex } from '../platform/crypto.ts';

const utf8 = new TextEncoder();

/**
 * Whether a call is proved by one of the secrets. All are tried, in a time that does not tell which was right, or how
 * far one was.
 * @param body the bytes as they came
 * @param secrets for signatures in base64 `whsec_` and base64, for those in hexadecimal a text that is the key as UTF-8,
 * for a token the SHA-256 of such, in hexadecimal
 */
export async function isProved(
  proof: Proof,
  body: Uint8Array,
  secrets: readonly string[],
): Promise<boolean> {
  const expected =
    proof.kind === 'token'
      ? secrets
      : await signaturesOf(concat([utf8.encode(proof.prefix), body]), secrets, proof.encoding);
  const given = proof.kind === 'token' ? [await sha256Hex(proof.token)] : proof.signatures;
  const comparisons = given.flatMap((one) =>
    expected.map((other) => equalInConstantTime(one, other)),
  );
  return (await Promise.all(comparisons)).includes(true);
}

function signaturesOf(
  message: Uint8Array<ArrayBuffer>,
  secrets: readonly string[],
  encoding: 'base64' | 'hex',
): Promise<string[]> {
  return Promise.all(
    secrets.map(async (secret) => {
      if (encoding === 'hex') return (await hmacBytes(utf8.encode(secret), message)).toHex();
      const key = Uint8Array.fromBase64(secret.replace(/^whsec_/, ''));
      return (await hmacBytes(key, message)).toBase64();
    }),
  );
}
