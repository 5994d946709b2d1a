import type * as z from 'zod/mini';
import type { JsonObject } from '../../domain/json.ts';
import { WHERE_REF } from './where.ts';

/** A JSON Schema (2020-12), as OpenAPI 3.1 takes it. */
export type JsonSchema = JsonObject;

/** Whether what is sent is described, or what becomes of it when it was read. */
type Side = 'input' | 'output';

/** Where named schemas stand in the document. */
export const schemaRef = (name: string) => `#/components/schemas/${name}`;

/**
 * The JSON Schemas of several zod schemas; where one holds another, it refers to it by name. `z.toJSONSchema` makes the
 * same of them, and is 21 kB (docs/decisions/016-openapi.md).
 */
export function namedSchemas(
  schemas: Record<string, z.core.$ZodType>,
  side: Side,
): Record<string, JsonSchema> {
  const names = new Map(Object.entries(schemas).map(([name, schema]) => [schema, name]));
  return Object.fromEntries(
    [...names].map(([schema, name]) => [name, new Converter(side, names).describe(schema)]),
  );
}

/**
 * The parameters of a query with their schemas: a number is described as one, though it comes as text. What has no JSON
 * after it was read, such as a time, is described as it is sent.
 */
export function queryProperties(
  schema: z.core.$ZodType,
): { name: string; isRequired: boolean; schema: JsonSchema }[] {
  const read = new Converter('output').describe(schema);
  const sent = new Converter('input').describe(schema);
  const propertiesOf = (from: JsonSchema) => from['properties'] as Record<string, JsonSchema>;
  const required = (sent['required'] ?? []) as string[];
  return Object.entries(propertiesOf(read)).map(([name, property]) => ({
    name,
    isRequired: required.includes(name),
    schema: Object.keys(property).length > 0 ? property : (propertiesOf(sent)[name] ?? {}),
  }));
}

/** A zod schema that is told apart by its `type`. */
type Def = z.core.$ZodTypes['_zod']['def'];
type CheckDef = z.core.$ZodChecks['_zod']['def'];

class Converter {
  readonly #side: Side;
  readonly #names: ReadonlyMap<z.core.$ZodType, string>;

  constructor(side: Side, names: ReadonlyMap<z.core.$ZodType, string> = new Map()) {
    this.#side = side;
    this.#names = names;
  }

  /** The schema itself, though it may have a name. */
  describe(schema: z.core.$ZodType): JsonSchema {
    const { def } = schema._zod;
    const described = this.#ofType(def as Def);
    const checks = (def.checks ?? []).map(({ _zod }) => _zod.def as CheckDef);
    const bounds = checks.map((check) => boundOf(check, described['type'] === 'array'));
    return Object.assign(described, ...bounds) as JsonSchema;
  }

  /** The schema, or its name. */
  #of(schema: z.core.$ZodType): JsonSchema {
    const name = this.#names.get(schema);
    return name === undefined ? this.describe(schema) : { $ref: schemaRef(name) };
  }

  #ofType(def: Def): JsonSchema {
    switch (def.type) {
      case 'lazy':
        return this.#of(def.getter());
      case 'string':
        return {
          type: 'string',
          ...('format' in def && formatOf(def as z.core.$ZodStringFormatDef)),
        };
      case 'number':
        // The one format in use is that of whole numbers.
        return { type: 'format' in def ? 'integer' : 'number' };
      case 'boolean':
        return { type: 'boolean' };
      case 'literal':
        return { const: def.values[0] };
      case 'enum':
        return { type: 'string', enum: Object.values(def.entries) };
      case 'array':
        return { type: 'array', items: this.#of(def.element) };
      case 'object':
        return this.#object(def);
      // Every custom check of a body asks for an object.
      case 'custom':
        return { type: 'object', ...OPEN };
      case 'record':
        return { type: 'object', additionalProperties: this.#of(def.valueType) };
      case 'union':
        return {
          ['discriminator' in def ? 'oneOf' : 'anyOf']: def.options.map((one) => this.#of(one)),
        };
      case 'optional':
        return this.#of(def.innerType);
      case 'nullable':
        return { anyOf: [this.#of(def.innerType), { type: 'null' }] };
      case 'default':
        return { ...this.#of(def.innerType), default: def.defaultValue };
      case 'pipe':
        return this.#pipe(def);
      default:
        // What takes anything, and what becomes of a transform.
        return {};
    }
  }

  #object(def: z.core.$ZodObjectDef): JsonSchema {
    const fields = Object.entries(def.shape);
    const required = fields.flatMap(([name, field]) => (this.#isRequired(field) ? [name] : []));
    // A reader of answers must not be surprised by further fields, where they are not told.
    const catchall = def.catchall?._zod.def.type;
    return {
      type: 'object',
      properties: Object.fromEntries(
        fields.map(([name, field]) => [
          name,
          // What reads a filter has mistakes of its own to tell, so that its schema takes anything.
          name === 'where' ? { $ref: WHERE_REF } : this.#of(field),
        ]),
      ),
      ...(required.length > 0 && { required }),
      ...(catchall === 'never' && { additionalProperties: false }),
      ...(catchall === 'unknown' && OPEN),
    };
  }

  #isRequired(field: z.core.$ZodType): boolean {
    const def = field._zod.def as Def;
    // A transform takes anything, also what is not there; what comes after it may not.
    if (def.type === 'pipe' && isTransform(def.in)) return this.#isRequired(def.out);
    return field._zod[this.#side === 'input' ? 'optin' : 'optout'] === undefined;
  }

  #pipe(def: z.core.$ZodPipeDef): JsonSchema {
    if (this.#side === 'output') return this.#of(def.out);
    if (!isTransform(def.in)) return this.#of(def.in);
    // A transform in front of a union fills in what tells its members apart.
    const { oneOf, ...rest } = this.#of(def.out) as { oneOf?: JsonSchema[] };
    return {
      ...rest,
      anyOf: oneOf?.map((member) => ({
        ...member,
        required: (member['required'] as string[]).filter((field) => field !== 'type'),
      })),
    };
  }
}

/** Of an object with any fields. JSON Schema means it anyway, but generators of clients take silence for "no others". */
const OPEN = { additionalProperties: {} };

function isTransform(schema: z.core.$ZodType): boolean {
  return schema._zod.def.type === 'transform';
}

function formatOf({ format, pattern }: z.core.$ZodCheckStringFormatDef): JsonSchema {
  const known = FORMATS[format];
  return known === undefined ? { pattern: pattern?.source } : { format: known };
}

const FORMATS: Record<string, string> = {
  guid: 'uuid',
  url: 'uri',
  date: 'date',
  datetime: 'date-time',
};

/** The bound that a check sets. What a check does otherwise has no JSON Schema. */
function boundOf(def: CheckDef, isList: boolean): JsonSchema {
  switch (def.check) {
    case 'greater_than':
      return { [def.inclusive ? 'minimum' : 'exclusiveMinimum']: def.value };
    case 'less_than':
      return { [def.inclusive ? 'maximum' : 'exclusiveMaximum']: def.value };
    case 'min_length':
      return { [isList ? 'minItems' : 'minLength']: def.minimum };
    case 'max_length':
      return { [isList ? 'maxItems' : 'maxLength']: def.maximum };
    case 'string_format':
      return formatOf(def);
    default:
      return {};
  }
}
