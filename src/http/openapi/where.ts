import { FILTER_OPERATORS } from '../../domain/filter-fields.ts';

/** The schema's name in the document. */
export const WHERE = 'Where';
export const WHERE_REF = `#/components/schemas/${WHERE}`;

const list = { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/FilterTree' } };

/** A `where` and what it is made of: `domain/where` reads it by hand, so it has no zod schema to be made from. */
export const WHERE_SCHEMAS = {
  [WHERE]: {
    description:
      'A text in the Explorer language, such as `model_name = "mistral-small-latest" AND timestamp > "now-7d"`, or a filter tree; null, or left out, matches everything.',
    anyOf: [{ type: 'string' }, { $ref: '#/components/schemas/FilterTree' }, { type: 'null' }],
  },
  FilterTree: {
    description:
      'A condition, or conditions and groups that hold all (`AND`) or one of them (`OR`).',
    anyOf: [
      { $ref: '#/components/schemas/FilterCondition' },
      { $ref: '#/components/schemas/FilterGroup' },
    ],
  },
  // By the API's own names; generators of clients lose a schema that holds itself without one.
  FilterCondition: {
    type: 'object',
    properties: {
      field: { type: 'string', minLength: 1 },
      op: { type: 'string', enum: [...FILTER_OPERATORS] },
      value: {},
    },
    required: ['field', 'op', 'value'],
    additionalProperties: false,
  },
  FilterGroup: {
    type: 'object',
    properties: {
      AND: { anyOf: [list, { type: 'null' }] },
      OR: { anyOf: [list, { type: 'null' }] },
    },
    minProperties: 1,
    additionalProperties: false,
  },
};
