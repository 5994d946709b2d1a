import './workerd-globals.ts';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as z from 'zod/mini';
import { importBody } from '../../src/domain/import-body.ts';
import { isObject } from '../../src/domain/json.ts';
import { strictJudgeDefinition } from '../../src/domain/judge.ts';
import { simpleChatSchema } from '../../src/domain/simple-chat.ts';
import { usageQuery } from '../../src/domain/usage.ts';
import { answerSchemas } from '../../src/http/openapi/answers.ts';
import { namedSchemas, queryProperties } from '../../src/http/openapi/schemas.ts';
import { WHERE_SCHEMAS } from '../../src/http/openapi/where.ts';
import { randomFrom, withBrokenValue } from '../support/contract/fuzz.ts';
import type { ApiDocument, Json } from '../support/openapi/document.ts';
import { Values } from '../support/openapi/values.ts';

// The JSON Schemas that the document has, against the zod schemas that they are made from.

const ROUNDS = 3000;
const SCHEMAS = {
  Import: importBody,
  Judge: strictJudgeDefinition,
  Chat: simpleChatSchema,
  Deliveries: answerSchemas().Deliveries,
  Usage: answerSchemas().Usage,
  Parts: z.object({
    name: z._default(z.string().check(z.trim(), z.minLength(1), z.maxLength(10)), 'x'),
    kinds: z.optional(
      z.pipe(
        z.array(z.enum(['a', 'b'])).check(z.minLength(1), z.maxLength(3)),
        z.transform((list) => [...new Set(list)]),
      ),
    ),
    many: z.nullable(z.int().check(z.minimum(1), z.lt(10))),
    more: z.record(z.string(), z.unknown()),
    texts: z.record(z.string(), z.string().check(z.maxLength(5))),
    at: z.nullish(z.iso.datetime()),
    one: z.union([z.literal(5), z.boolean(), z.guid()]),
  }),
};

const components: Record<string, Record<string, Json>> = {
  schemas: { ...namedSchemas(SCHEMAS, 'input'), ...WHERE_SCHEMAS },
};
const document: ApiDocument = { paths: {}, components };
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(document, 'document');

for (const [name, schema] of Object.entries(SCHEMAS)) {
  test(`${name}: what zod takes the JSON Schema takes, and what it refuses beyond that is a rule of the whole`, () => {
    const random = randomFrom(name.length);
    const values = new Values(document, random);
    const described = components['schemas']?.[name] ?? assert.fail();
    const validate = ajv.compile({ $ref: `document#/components/schemas/${name}` });
    const counts = { taken: 0, refused: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const made = JSON.stringify(values.of(described)).replaceAll('\\ud800', '');
      const text = values.chance(0.5) ? made : withBrokenValue(random, JSON.parse(made));
      const value: unknown = JSON.parse(text);
      // JSON Schema has no word for numbers that JSON cannot hold, and a filter has a reader of its own.
      if (/e400|9007199254740993/.test(text) || /"where":[^n"]/.test(text)) continue;
      const parsed = z.safeParse(schema, value);
      const isTaken = validate(value);
      counts[isTaken ? 'taken' : 'refused']++;
      if (parsed.success) {
        assert.ok(isTaken, `${text}: ${ajv.errorsText(validate.errors)}`);
      } else if (isTaken) {
        for (const { code, path } of parsed.error.issues) {
          const isRule = ['custom', 'invalid_format'].includes(code) || path.at(-1) === 'name';
          assert.ok(isRule, `${text}: ${code} at ${path.join('/')}`);
        }
      }
    }
    assert.ok(counts.taken > ROUNDS / 20 && counts.refused > ROUNDS / 20, JSON.stringify(counts));
  });
}

describe('a schema says', () => {
  const described = namedSchemas(SCHEMAS, 'input')['Parts'] as { properties: Json; required: Json };

  test('bounds, defaults and choices', () => {
    assert.deepEqual(described.properties, {
      name: { type: 'string', minLength: 1, maxLength: 10, default: 'x' },
      kinds: {
        type: 'array',
        items: { type: 'string', enum: ['a', 'b'] },
        minItems: 1,
        maxItems: 3,
      },
      many: {
        anyOf: [{ type: 'integer', minimum: 1, exclusiveMaximum: 10 }, { type: 'null' }],
      },
      more: { type: 'object', additionalProperties: {} },
      texts: { type: 'object', additionalProperties: { type: 'string', maxLength: 5 } },
      at: { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }] },
      one: { anyOf: [{ const: 5 }, { type: 'boolean' }, { type: 'string', format: 'uuid' }] },
    });
  });

  test('what has to be sent, and what is always there when it was read', () => {
    assert.deepEqual(described.required, ['many', 'more', 'texts', 'one']);
    const read = namedSchemas(SCHEMAS, 'output')['Parts'] as { required: Json };
    assert.deepEqual(read.required, ['name', 'many', 'more', 'texts', 'one']);
  });

  test('that an object may have further fields: generators of clients take silence for none', () => {
    const open = { type: 'object', additionalProperties: {} };
    const made = namedSchemas(
      {
        Open: z.looseObject({ a: z.string(), b: z.looseObject({}) }),
        Any: z.object({ payload: z.custom(isObject) }),
        Closed: z.strictObject({ a: z.string() }),
      },
      'output',
    );
    assert.deepEqual(made['Open'], {
      ...open,
      properties: { a: { type: 'string' }, b: { ...open, properties: {} } },
      required: ['a', 'b'],
    });
    assert.deepEqual(made['Any']?.['properties'], { payload: open });
    assert.equal(made['Closed']?.['additionalProperties'], false);
  });

  test('that a judge needs its output, though it is read by a transform', () => {
    const judge = namedSchemas(SCHEMAS, 'input')['Judge'] as { required: string[] };
    assert.ok(judge.required.includes('output'));
  });

  test('the name of one that it holds', () => {
    const inner = z.strictObject({ a: z.string() });
    const made = namedSchemas({ Inner: inner, Outer: z.object({ all: z.array(inner) }) }, 'output');
    assert.deepEqual(made['Outer']?.['properties'], {
      all: { type: 'array', items: { $ref: '#/components/schemas/Inner' } },
    });
  });
});

test('a query’s number is a number, and a time is the text that is sent', () => {
  const query = z.object({
    limit: z._default(z.pipe(z.coerce.number(), z.int().check(z.minimum(1), z.maximum(9))), 5),
  });
  assert.deepEqual(queryProperties(query), [
    {
      name: 'limit',
      isRequired: false,
      schema: { type: 'integer', minimum: 1, maximum: 9, default: 5 },
    },
  ]);
  assert.deepEqual(queryProperties(usageQuery), [
    { name: 'since', isRequired: false, schema: { type: 'string' } },
  ]);
});
