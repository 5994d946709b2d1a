// What workerd has and Node 24 lacks: imported before the sources that use it.
import type { webcrypto } from 'node:crypto';

declare global {
  /** Node has it as a value only. */
  interface CryptoKey extends webcrypto.CryptoKey {}
}

if (!Object.hasOwn(Uint8Array, 'fromBase64')) {
  Object.assign(Uint8Array, {
    fromBase64: (text: string) => new Uint8Array(Buffer.from(text, 'base64')),
  });
  Object.assign(Uint8Array.prototype, {
    /** Of the other alphabet it is only written without padding. */
    toBase64(this: Uint8Array, options?: { alphabet: 'base64' | 'base64url' }) {
      return Buffer.from(this).toString(options?.alphabet ?? 'base64');
    },
    toHex(this: Uint8Array) {
      return Buffer.from(this).toString('hex');
    },
  });
}
