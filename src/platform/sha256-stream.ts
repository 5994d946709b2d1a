/** SHA-256 of bytes as they come. */
export class Sha256Stream {
  readonly #stream = new crypto.DigestStream('SHA-256');
  readonly #writer = this.#stream.getWriter();

  /** Takes the next bytes; they may be changed once the promise has resolved. */
  add(bytes: Uint8Array): Promise<void> {
    return this.#writer.write(bytes);
  }

  /** The digest of all that was added, as 64 hexadecimal digits; nothing can be added any more. */
  async hex(): Promise<string> {
    await this.#writer.close();
    return new Uint8Array(await this.#stream.digest).toHex();
  }
}
