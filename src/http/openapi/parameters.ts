import type { JsonObject } from '../../domain/json.ts';
import { REQUEST_HEADERS } from './headers.ts';
import type { Operation } from './operation.ts';
import { CLIENT_ID, DATASET_ID, EVENT_ID, HOOK_ID, IMPORT_ID, SCHEDULE_ID } from './examples.ts';
import { queryProperties } from './schemas.ts';

/** The parameters of an operation, as OpenAPI lists them: path, query, headers. */
export function parametersOf({ call, query, headers = [] }: Operation): JsonObject[] {
  const inPath = [...call.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    ...pathParameter(name, call),
  }));
  const inQuery = query === undefined ? [] : queryProperties(query.schema);
  return [
    ...inPath,
    ...inQuery.map(({ name, isRequired, schema }) => ({
      name,
      in: 'query',
      ...(isRequired && { required: true }),
      ...query?.notes[name],
      schema,
      ...(schema['type'] === 'array' && { style: 'form', explode: false }),
    })),
    ...headers.map((name) => ({ name, in: 'header', ...REQUEST_HEADERS[name] })),
    { $ref: '#/components/parameters/x-request-id' },
  ];
}

const uuid = (example: string) => ({ schema: { type: 'string', format: 'uuid' }, example });
const id = (prefix: string, example: string) => ({
  schema: { type: 'string', pattern: `^${prefix}_[A-Za-z0-9_-]{22}$` },
  example,
});

const PATH_PARAMETERS: Record<string, { schema: JsonObject; example: string }> = {
  dataset_id: uuid(DATASET_ID),
  event_id: uuid(EVENT_ID),
  file_id: uuid(EVENT_ID),
  source: {
    schema: { enum: ['campaign', 'explorer', 'file', 'playground', 'dataset'] },
    example: 'explorer',
  },
  'clients/id': id('cl', CLIENT_ID),
  'schedules/id': id('sch', SCHEDULE_ID),
  'hooks/id': id('hook', HOOK_ID),
  'imports/id': id('imp', IMPORT_ID),
};

/** An `id` is that of what its path is named after. */
function pathParameter(name: string, call: string): { schema: JsonObject; example: string } {
  const resource = /\/(\w+)\/\{id\}/.exec(call)?.[1];
  const known = PATH_PARAMETERS[name === 'id' ? `${resource}/id` : name];
  if (known === undefined) throw new Error(`${call}: nothing is known of {${name}}.`);
  return known;
}
