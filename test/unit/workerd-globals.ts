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
    toBase64(this: Uint8Array) {
      return Buffer.from(this).toString('base64');
    },
    toHex(this: Uint8Array) {
      return Buffer.from(this).toString('hex');
    },
  });
}
