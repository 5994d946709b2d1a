import { resolved, type ApiDocument, type Json } from './document.ts';

/** A number from 0 to 1. */
type Random = () => number;

const CHARACTERS = [
  'a',
  'Z',
  '0',
  ' ',
  '-',
  '_',
  '/',
  '"',
  '\\',
  'é',
  '🪁',
  '\u0000',
  '\ud800',
  '%',
];
const FIELDS = ['model_name', 'timestamp', 'total_time_elapsed', 'invoked_tools', 'no_such', ''];
const ANYTHING = [null, true, 0, -1, 1.5, '', 'now-7d', 'x', [], {}, [[]], { a: { b: null } }];
const TIMES = ['2026-11-26', '2026-11-26T12:00:00Z', '2026-13-45', '0000-01-01'];
/** No list and no text is longer, unless its schema asks for more. */
const MOST = 40;
/** A schema that holds itself ends here. */
const DEEPEST = 6;

/** Values that a document's schemas take, or nearly: bounds are met on either side. */
export class Values {
  readonly #document: ApiDocument;
  readonly #random: Random;

  constructor(document: ApiDocument, random: Random) {
    this.#document = document;
    this.#random = random;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.#random() * end);
  }

  chance(of: number): boolean {
    return this.#random() < of;
  }

  /** A value that fits, but for what a pattern or a rule of the whole asks for. */
  of(schema: Json, depth = 0): unknown {
    const { type, const: only, enum: values, anyOf, oneOf } = resolved(this.#document, schema);
    const known = resolved(this.#document, schema);
    if (only !== undefined) return only;
    if (Array.isArray(values)) return this.pick(values as unknown[]);
    const members = (anyOf ?? oneOf) as Json[] | undefined;
    // The last member is the one without an end: null, or a group.
    if (members !== undefined) {
      return this.of(depth > DEEPEST ? (members[0] ?? {}) : this.pick(members), depth + 1);
    }
    switch (type) {
      case 'null':
        return null;
      case 'boolean':
        return this.chance(0.5);
      case 'integer':
      case 'number':
        return this.#number(known);
      case 'string':
        return this.#text(known);
      case 'array':
        return this.#list(known, depth);
      case 'object':
        return this.#object(known, depth);
      default:
        return this.pick(ANYTHING);
    }
  }

  #object(schema: Json, depth: number): Json {
    const required = (schema['required'] ?? []) as string[];
    const properties = Object.entries((schema['properties'] ?? {}) as Record<string, Json>);
    const made = properties
      .filter(([name]) => required.includes(name) || this.chance(depth > DEEPEST ? 0.1 : 0.4))
      .map(([name, property]) => [name, this.#named(name, property, depth)] as const);
    const added = schema['additionalProperties'] ?? {};
    const more =
      added === false || this.chance(0.7) ? [] : [['/a', this.of(added as Json)] as const];
    return Object.fromEntries([...made, ...more]);
  }

  #named(name: string, schema: Json, depth: number): unknown {
    return name === 'field' && this.chance(0.9) ? this.pick(FIELDS) : this.of(schema, depth + 1);
  }

  #list(schema: Json, depth: number): unknown[] {
    const length = this.#length(schema['minItems'], schema['maxItems'], depth > 2 ? 2 : 6);
    return Array.from({ length }, () => this.of((schema['items'] ?? {}) as Json, depth + 1));
  }

  #number({ type, minimum, maximum, exclusiveMaximum }: Json): number {
    const least = typeof minimum === 'number' ? minimum : -1000;
    const most = Number(maximum ?? exclusiveMaximum ?? 1000);
    const between = least + this.#random() * (most - least);
    const inside = [least, most, type === 'integer' ? Math.round(between) : between];
    return this.pick(inside);
  }

  #text({ format, minLength, maxLength }: Json): string {
    if (format === 'uuid') return crypto.randomUUID();
    if (typeof format === 'string' && format.startsWith('date')) return this.pick(TIMES);
    const length = this.#length(minLength, maxLength, MOST);
    return Array.from({ length }, () => this.pick(CHARACTERS)).join('');
  }

  #length(least: unknown, most: unknown, usual: number): number {
    const from = typeof least === 'number' ? least : 0;
    const to = typeof most === 'number' ? Math.min(most, from + usual) : from + usual;
    const whole = typeof most === 'number' && most < 1000 ? most : to;
    return this.pick([from, to, whole, from + this.below(to - from + 1)]);
  }
}
