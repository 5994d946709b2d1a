import type { JsonObject } from '../../domain/json.ts';
import { VERSION } from '../../platform/version.ts';
import { answerSchemas } from './answers.ts';
import { TAGS, type Answer, type BodyPart, type Operation } from './operation.ts';
import { adminOperations } from './operations/admin.ts';
import { chatOperations } from './operations/chat.ts';
import { datasetOperations } from './operations/datasets.ts';
import { eventOperations } from './operations/events.ts';
import { hookOperations } from './operations/hooks.ts';
import { importOperations } from './operations/imports.ts';
import { mistralOperations } from './operations/mistral.ts';
import { scheduleOperations } from './operations/schedules.ts';
import { serviceOperations } from './operations/service.ts';
import { ANSWER_HEADERS, headerRefs } from './headers.ts';
import type { OpenApiDocument, ServiceDescription } from './openapi-document.ts';
import { parametersOf } from './parameters.ts';
import {
  mistralResponse,
  refusalResponse,
  RELAYED_RESPONSE,
  refusalsOf,
  responseName,
} from './refusals.ts';
import { namedSchemas, schemaRef } from './schemas.ts';
import { WHERE_SCHEMAS } from './where.ts';

let built: ServiceDescription | null = null;

/**
 * The document of the whole service. It is made once an isolate, when it is first asked for.
 * @param origin where the service was reached, its only server
 */
export function openApiDocument(origin: string): OpenApiDocument {
  built ??= build([
    ...serviceOperations(),
    ...chatOperations(),
    ...eventOperations(),
    ...datasetOperations(),
    ...importOperations(),
    ...scheduleOperations(),
    ...hookOperations(),
    ...adminOperations(),
    ...mistralOperations(),
  ]);
  return { ...built, servers: [{ url: origin }] };
}

const MISTRAL_DOCS = { description: 'The Mistral API', url: 'https://docs.mistral.ai/api' };

function build(operations: readonly Operation[]): ServiceDescription {
  const paths: ServiceDescription['paths'] = {};
  const responses: Record<string, JsonObject> = {};
  for (const operation of operations) {
    const [method = '', path = ''] = operation.call.split(' ');
    (paths[path] ??= {})[method.toLowerCase()] = describe(operation, responses);
  }
  const bodies = operations.flatMap(({ bodies = [] }) => bodies);
  return {
    openapi: '3.1.1',
    info: { title: 'Windsock', version: VERSION, description: ABOUT, license: LICENSE },
    externalDocs: MISTRAL_DOCS,
    tags: Object.entries(TAGS).map(([name, description]) => ({
      name,
      description,
      ...(name === 'mistral' && { externalDocs: MISTRAL_DOCS }),
    })),
    paths,
    components: {
      schemas: {
        ...namedSchemas(answerSchemas(), 'output'),
        ...namedSchemas(
          Object.fromEntries(bodies.map(({ name, schema }) => [name, schema])),
          'input',
        ),
        ...WHERE_SCHEMAS,
      },
      responses,
      headers: ANSWER_HEADERS,
      parameters: { 'x-request-id': REQUEST_ID },
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

function describe(operation: Operation, responses: Record<string, JsonObject>): JsonObject {
  const { id, tag, summary, description, key, bodies, answers, isMistral = false } = operation;
  const required = operation.isBodyOptional !== true;
  const refused = [...refusalsOf(operation)].map(([status, codes]) => {
    const name = responseName(status, codes) + (isMistral ? '.v1' : '');
    responses[name] ??= (isMistral ? mistralResponse : refusalResponse)(status, codes);
    return [status, { $ref: `#/components/responses/${name}` }] as const;
  });
  return {
    operationId: id,
    tags: [tag],
    summary,
    description,
    security: securityOf(key),
    parameters: parametersOf(operation),
    ...(bodies && { requestBody: { required, content: contentOf(bodies) } }),
    responses: Object.fromEntries([
      ...answers.map((answer) => [answer.status, success(answer)] as const),
      ...refused,
      ...(isMistral ? [['default', RELAYED_RESPONSE] as const] : []),
    ]),
    ...(isMistral && { externalDocs: MISTRAL_DOCS }),
  };
}

function securityOf(key: Operation['key']): JsonObject[] {
  switch (key) {
    case 'none':
      return [];
    case 'admin':
      return [{ adminKey: [] }];
    case 'hook':
      return [{ hookSecret: [] }, { hookSignature: [] }, { githubSignature: [] }];
    case 'any':
      return [{ clientKey: [] }];
    default:
      return [{ clientKey: [key] }];
  }
}

function contentOf(bodies: readonly BodyPart[]): JsonObject {
  return Object.fromEntries(
    bodies.map(({ type, name, examples }) => [
      type,
      {
        ...(type === 'application/json'
          ? { schema: { $ref: schemaRef(name) } }
          : { schema: { type: 'string' }, 'x-item-schema': { $ref: schemaRef(name) } }),
        examples: Object.fromEntries(
          Object.entries(examples).map(([title, value]) => [title, { value }]),
        ),
      },
    ]),
  );
}

function success({ description, headers = [], content }: Answer): JsonObject {
  return {
    description,
    headers: headerRefs(...headers),
    ...(content && {
      content: Object.fromEntries(
        content.map(({ type, name, items, example }) => [
          type,
          {
            schema: name === undefined ? { type: 'string' } : { $ref: schemaRef(name) },
            ...(items && { 'x-item-schema': { $ref: schemaRef(items) } }),
            ...(example !== undefined && { example }),
          },
        ]),
      ),
    }),
  };
}

const REQUEST_ID = {
  name: 'x-request-id',
  in: 'header',
  description: 'Names the request in answers and logs, 1 to 128 of `A-Za-z0-9._-`.',
  schema: { type: 'string' },
};

const SECURITY_SCHEMES = {
  clientKey: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'wsk_…',
    description: 'The key of a client, with the scope that is named.',
  },
  hookSecret: { type: 'http', scheme: 'bearer', description: 'The secret of a hook.' },
  hookSignature: { type: 'apiKey', in: 'header', name: 'webhook-signature' },
  githubSignature: { type: 'apiKey', in: 'header', name: 'x-hub-signature-256' },
  adminKey: { type: 'http', scheme: 'bearer', description: 'The `ADMIN_KEY` of the operator.' },
};

const LICENSE = { name: 'MIT', identifier: 'MIT' };

const ABOUT =
  'One Worker in front of the Mistral API. What is below `/v1` is Mistral’s own and is relayed as it is; everything else is described here. Answers outside `/v1` have one error shape, `{"error":{"code","message","request_id"}}`; a path that is not here answers `not_found`, another method `method_not_allowed` with `Allow`.';
