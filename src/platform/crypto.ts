const utf8 = new TextEncoder();

/** SHA-256 of a text (as UTF-8): 32 bytes. */
export async function sha256Bytes(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', utf8.encode(text)));
}

/** SHA-256 of a text (as UTF-8), as 64 hexadecimal digits. */
export async function sha256Hex(text: string): Promise<string> {
  return (await sha256Bytes(text)).toHex();
}

/** HMAC-SHA256 of bytes: 32 bytes. */
export async function hmacBytes(secret: Uint8Array, bytes: Uint8Array): Promise<Uint8Array> {
  const mac = await crypto.subtle.sign('HMAC', await hmacKey(secret, 'sign'), bytes);
  return new Uint8Array(mac);
}

/** HMAC-SHA256 of a text (as UTF-8), as standard base64. */
export async function hmacBase64(secret: Uint8Array<ArrayBuffer>, text: string): Promise<string> {
  return (await hmacBytes(secret, utf8.encode(text))).toBase64();
}

/** Whether two texts are equal, in a time that does not depend on where they differ. */
export async function equalInConstantTime(left: string, right: string): Promise<boolean> {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const mac = await crypto.subtle.sign('HMAC', await hmacKey(secret, 'sign'), utf8.encode(left));
  return crypto.subtle.verify('HMAC', await hmacKey(secret, 'verify'), mac, utf8.encode(right));
}

function hmacKey(secret: Uint8Array, usage: 'sign' | 'verify'): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, [usage]);
}
