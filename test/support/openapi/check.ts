import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { ApiDocument, Documented, DocumentedAnswer, Json, Media } from './document.ts';

const FORMATS = {
  uuid: /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i,
  date: /^\d{4}-\d\d-\d\d$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/,
  uri: (text: string) => URL.canParse(text),
};

/** Holds values and answers against the document. */
export class DocumentCheck {
  readonly #ajv: Ajv2020;
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(document: ApiDocument) {
    this.#ajv = new Ajv2020({ strict: false, formats: FORMATS });
    this.#ajv.addSchema(document, 'document');
  }

  /** What is wrong with a value, by a schema of the document; null for nothing. */
  mistake(schema: Json, value: unknown): string | null {
    const text = JSON.stringify(schema).replaceAll('"#/', '"document#/');
    let validate = this.#compiled.get(text);
    if (validate === undefined) {
      validate = this.#ajv.compile(JSON.parse(text) as Json);
      this.#compiled.set(text, validate);
    }
    if (validate(value)) return null;
    const [error] = validate.errors ?? [];
    return `${error?.instancePath ?? ''} ${error?.message ?? ''}`;
  }

  assertFits(schema: Json, value: unknown, what: string): void {
    const mistake = this.mistake(schema, value);
    assert.equal(mistake, null, `${what}: ${JSON.stringify(value).slice(0, 1500)}`);
  }

  /** Checks an answer's status, type, headers and body against those that its operation has; returns the body. */
  async assertAnswer(operation: Documented, response: Response): Promise<string> {
    const text = await response.text();
    const shown = `${operation.call} ${response.status} ${text.slice(0, 1000)}`;
    const documented = operation.responses[response.status] ?? operation.responses['default'];
    assert.ok(documented, `not in the document: ${shown}`);
    this.#assertHeaders(documented, response.headers, shown);
    const { content = {} } = documented;
    const type = response.headers.get('content-type')?.split(';')[0] ?? '';
    const media = content[type] ?? content['*/*'];
    if (media === undefined) {
      const isNothing = type === '' && text === '' && Object.keys(content).length === 0;
      assert.ok(isNothing, `${type || 'a body without a type'} is not in the document: ${shown}`);
      return text;
    }
    this.assertBody(type, media, text, shown);
    return text;
  }

  /** Checks a body of a type, also each line or event of one that has many. */
  assertBody(type: string, media: Media, text: string, what: string): void {
    const { schema = {}, 'x-item-schema': items } = media;
    if (/^application\/(?:\w+\+)?json$/.test(type)) {
      this.assertFits(schema, JSON.parse(text), what);
    } else {
      this.assertFits(schema, text, what);
    }
    if (items === undefined) return;
    for (const item of itemsOf(type, text)) this.assertFits(items, item, what);
  }

  #assertHeaders({ headers }: DocumentedAnswer, sent: Headers, what: string): void {
    for (const [name, header] of Object.entries(headers)) {
      const value = sent.get(name);
      if (value !== null) this.assertFits(header['schema'] as Json, value, `${name} of ${what}`);
      else assert.notEqual(header['required'], true, `${name} is missing: ${what}`);
    }
    const known = Object.keys(headers);
    for (const name of OWN_HEADERS) {
      if (sent.has(name))
        assert.ok(known.includes(name), `${name} is not in the document: ${what}`);
    }
  }
}

/** Headers that the document has to name where they are. */
const OWN_HEADERS = [
  'location',
  'link',
  'retry-after',
  'www-authenticate',
  'idempotency-replayed',
  'content-disposition',
  'windsock-attempts',
  'windsock-import-id',
];

function itemsOf(type: string, text: string): unknown[] {
  const lines =
    type === 'text/event-stream'
      ? text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []))
      : text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => JSON.parse(line) as unknown);
}
