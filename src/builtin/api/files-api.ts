import { RpcTarget } from 'cloudflare:workers';
import type { FileEnd, FileFilter, Files, NewFile, StoredFile } from '../files.sql.ts';

const DAY_MS = 86_400_000;

/** The files of a workspace, over RPC. */
export class FilesApi extends RpcTarget {
  readonly #files: Files;

  constructor(files: Files) {
    super();
    this.#files = files;
  }

  /** Makes room for a file and returns its id; what broke off long ago is swept. */
  begin(file: NewFile): string {
    const now = Date.now();
    this.#files.sweep(now, now - DAY_MS);
    return this.#files.begin(file, now);
  }

  write(id: string, offset: number, bytes: Uint8Array): void {
    this.#files.write(id, offset, bytes);
  }

  complete(id: string, end: FileEnd): StoredFile | null {
    this.#files.complete(id, end);
    return this.get(id);
  }

  get(id: string): StoredFile | null {
    return this.#files.get(id, Date.now());
  }

  list(filter: FileFilter): { files: StoredFile[]; total: number } {
    return this.#files.list(filter, Date.now());
  }

  /** The chunk that begins at an offset; null at the end. */
  read(id: string, offset: number): Uint8Array | null {
    return this.#files.read(id, offset);
  }

  delete(id: string): boolean {
    return this.get(id) !== null && this.#files.delete(id);
  }
}
