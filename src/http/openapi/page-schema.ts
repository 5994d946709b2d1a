import { html } from 'hono/html';
import type { JsonSchema } from './schemas.ts';

/** A piece of HTML, escaped already. */
export type Html = ReturnType<typeof html>;

/**
 * A schema as one reads it in code: `{ name: string; limit?: integer }`, names linking to their schemas.
 * @param indent in front of each line
 */
export function schemaHtml(schema: JsonSchema, indent = ''): Html {
  const { $ref, const: only, enum: values, type } = schema;
  if (typeof $ref === 'string') return refHtml($ref);
  if (only !== undefined) return html`${JSON.stringify(only)}`;
  if (Array.isArray(values)) return html`${values.map((one) => JSON.stringify(one)).join(' | ')}`;
  const members = membersOf(schema);
  if (members !== null) return joined(members.of, members.by, indent);
  if (Array.isArray(type)) return html`${type.join(' | ')}`;
  if (type === 'object') return objectHtml(schema, indent);
  if (type === 'array') {
    const items = (schema['items'] ?? {}) as JsonSchema;
    const one = schemaHtml(items, indent);
    const isChoice = membersOf(items) !== null || 'enum' in items;
    return isChoice ? html`(${one})[]` : html`${one}[]`;
  }
  return html`${typeof type === 'string' ? type : 'any'}${formOf(schema)}`;
}

function refHtml(ref: string): Html {
  const name = ref.split('/').at(-1) ?? '';
  return html`<a href="#schema-${name}">${name}</a>`;
}

function membersOf(schema: JsonSchema): { of: JsonSchema[]; by: string } | null {
  const all = schema['allOf'];
  if (Array.isArray(all)) return { of: all as JsonSchema[], by: ' & ' };
  const any = schema['anyOf'] ?? schema['oneOf'];
  return Array.isArray(any) ? { of: any as JsonSchema[], by: ' | ' } : null;
}

function joined(schemas: readonly JsonSchema[], by: string, indent: string): Html {
  return html`${schemas.map((one, at) => html`${at > 0 ? by : ''}${schemaHtml(one, indent)}`)}`;
}

function objectHtml(schema: JsonSchema, indent: string): Html {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>);
  const isOpen = schema['additionalProperties'] !== false;
  if (properties.length === 0) return html`object`;
  const required = (schema['required'] ?? []) as string[];
  const inner = `${indent}  `;
  const lines = properties.map(([name, property]) => {
    const mark = required.includes(name) ? ':' : '?:';
    const shown = schemaHtml(property, inner);
    return html`${inner}<b>${name}</b>${mark} ${shown}${noteOf(property)}${LINE_END}`;
  });
  const more = isOpen ? `${inner}…${LINE_END}` : '';
  return html`{${LINE_END}${lines}${more}${indent}}`;
}

/** In a template it would be taken for a space by the formatter. */
const LINE_END = '\n';

function formOf(schema: JsonSchema): string {
  return typeof schema['format'] === 'string' ? ` (${schema['format']})` : '';
}

/** Bounds and default; empty where there are none. */
export function noteOf(schema: JsonSchema): Html | string {
  const bounds = [
    rangeOf(schema['minimum'] ?? schema['exclusiveMinimum'], schema['maximum'], ''),
    rangeOf(schema['minLength'], schema['maxLength'], ' characters'),
    rangeOf(schema['minItems'], schema['maxItems'], ' items'),
    schema['default'] === undefined ? '' : `default ${JSON.stringify(schema['default'])}`,
  ].filter((bound) => bound !== '');
  return bounds.length === 0 ? '' : html` <i>${bounds.join(', ')}</i>`;
}

/** No bound that the number itself has. */
function rangeOf(least: unknown, most: unknown, unit: string): string {
  const isBound = (value: unknown) => typeof value === 'number' && Number.isSafeInteger(value);
  const from = isBound(least) && least !== Number.MIN_SAFE_INTEGER ? String(least) : '';
  const to = isBound(most) && most !== Number.MAX_SAFE_INTEGER ? String(most) : '';
  return from === '' && to === '' ? '' : `${from}…${to}${unit}`;
}
