/**
 * A mistake in a `where`; `readWhere` turns it into a value. `at` is a position in a text (UTF-16 units from 0) or a
 * JSON Pointer (RFC 6901) into a tree.
 */
export class WhereMistake extends Error {
  readonly at: number | string;

  constructor(at: number | string, message: string) {
    super(message);
    this.name = 'WhereMistake';
    this.at = at;
  }
}
