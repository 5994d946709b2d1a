// The OpenAPI document as the tests read it: plain JSON.

export type Json = Record<string, unknown>;

export interface Media {
  schema?: Json;
  'x-item-schema'?: Json;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}

export interface DocumentedAnswer {
  description: string;
  headers: Record<string, Json>;
  content?: Record<string, Media>;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Json;
  example?: unknown;
}

/** An operation with all references to other parts than schemas resolved. */
export interface Documented {
  /** Method and path: `GET /imports/{id}`. */
  call: string;
  method: string;
  path: string;
  operationId: string;
  summary: string;
  description: string;
  security: Record<string, string[]>[];
  parameters: Parameter[];
  /** The bodies that it takes, by type. */
  bodies: Record<string, Media>;
  responses: Record<string, DocumentedAnswer>;
}

/** The document of a running Worker. */
export interface ApiDocument extends Json {
  paths: Record<string, Record<string, Json>>;
  components: Record<string, Record<string, Json>>;
}

export async function documentOf(url: string): Promise<ApiDocument> {
  const answer = await fetch(`${url}/openapi.json`);
  return (await answer.json()) as ApiDocument;
}

/** All operations of a document, in its order. */
export function operationsOf(document: ApiDocument): Documented[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => {
      const { parameters, responses, requestBody, ...rest } = described as unknown as Documented & {
        requestBody?: { content: Record<string, Media> };
      };
      return {
        ...rest,
        call: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        parameters: parameters.map((one) => resolved(document, one)),
        bodies: requestBody?.content ?? {},
        responses: Object.fromEntries(
          Object.entries(responses).map(([status, response]) => {
            const answer = resolved(document, response);
            const headers = Object.entries(answer.headers ?? {}).map(([name, header]) => [
              name,
              resolved(document, header),
            ]);
            return [status, { ...answer, headers: Object.fromEntries(headers) as object }];
          }),
        ) as Documented['responses'],
      };
    }),
  );
}

/** What a reference leads to; anything else is itself. */
export function resolved<T extends object>(document: ApiDocument, object: T): T {
  const ref = (object as Json)['$ref'];
  if (typeof ref !== 'string') return object;
  const found = ref
    .slice(2)
    .split('/')
    .reduce<unknown>((at, key) => (at as Json | undefined)?.[key], document);
  if (found === undefined) throw new Error(`${ref} leads nowhere.`);
  return found as T;
}
