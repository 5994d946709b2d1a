import type { JsonObject } from '../../domain/json.ts';

/** An OpenAPI 3.1 document, as far as the page reads it. */
export interface OpenApiDocument extends ServiceDescription {
  servers: { url: string }[];
}

/** The same, wherever it was asked for. */
export interface ServiceDescription {
  openapi: string;
  info: { title: string; version: string; description: string; license: JsonObject };
  externalDocs: JsonObject;
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, JsonObject>>;
  components: Record<string, Record<string, JsonObject>>;
}
