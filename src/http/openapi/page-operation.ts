import { html } from 'hono/html';
import type { JsonObject } from '../../domain/json.ts';
import type { OpenApiDocument } from './openapi-document.ts';
import type { Call } from './page.ts';
import { proseHtml } from './page-prose.ts';
import { noteOf, schemaHtml, type Html } from './page-schema.ts';

type Named = Record<string, JsonObject>;

/** A call as a section that opens: what it takes, what it answers, what it may be refused with. */
export function operationHtml({ method, path, operation }: Call, document: OpenApiDocument): Html {
  const { operationId, summary, description, requestBody } = operation as Record<string, string>;
  const parameters = (operation['parameters'] ?? []) as JsonObject[];
  const responses = Object.entries(operation['responses'] as Named);
  const body = requestBody as unknown as { content: Named } | undefined;
  return html`
    <details id="${operationId}">
      <summary><b>${method}</b> <code>${path}</code> <span>${summary}</span></summary>
      <p>${proseHtml(description ?? '')}</p>
      <p>${keyHtml(operation)}</p>
      <dl>${parameters.map((one) => parameterHtml(resolved(one, document)))}</dl>
      ${
        body === undefined
          ? ''
          : html`<h3>Body</h3>
              ${contentHtml(body.content)}`
      }
      <h3>Answers</h3>
      ${responses.map(([status, response]) =>
        '$ref' in response
          ? refusalHtml(status, resolved(response, document))
          : answerHtml(status, response),
      )}
    </details>
  `;
}

/** What a reference of the document leads to, or the object itself. */
function resolved(object: JsonObject, { components }: OpenApiDocument): JsonObject {
  const [, , kind = '', name = ''] =
    typeof object['$ref'] === 'string' ? object['$ref'].split('/') : [];
  return components[kind]?.[name] ?? object;
}

function keyHtml(operation: JsonObject): Html {
  const [needed] = (operation['security'] ?? []) as Record<string, string[]>[];
  if (needed === undefined) return html`No key needed.`;
  if ('adminKey' in needed) return html`Bearer: <code>ADMIN_KEY</code>`;
  if ('hookSecret' in needed) return html`Signed with the secret of the hook, or bearing it`;
  const [scope] = needed['clientKey'] ?? [];
  return scope === undefined
    ? html`Bearer: any client key`
    : html`Bearer: a client key with the scope <code>${scope}</code>`;
}

function parameterHtml(parameter: JsonObject): Html {
  const { name, description = '' } = parameter as Record<string, string>;
  const schema = parameter['schema'] as JsonObject;
  const needed = parameter['required'] === true ? ', required' : '';
  return html`<dt>
      <code>${name}</code> <i>${parameter['in']}${needed}</i>:
      <code>${schemaHtml(schema)}</code>${noteOf(schema)}
    </dt>
    <dd>${proseHtml(description)}</dd>`;
}

/** All refusals have one shape, so that a line tells all. */
function refusalHtml(status: string, { description }: JsonObject): Html {
  return html`<p><b>${status}</b> ${proseHtml(String(description))}</p>`;
}

function answerHtml(status: string, response: JsonObject): Html {
  const headers = Object.keys(response['headers'] ?? {}).join(', ');
  const content = (response['content'] ?? {}) as Named;
  return html`
    <details>
      <summary><b>${status}</b> ${proseHtml(String(response['description']))}</summary>
      ${headers === '' ? '' : html`<p>Headers: <code>${headers}</code></p>`} ${contentHtml(content)}
    </details>
  `;
}

function contentHtml(content: Named): Html {
  return html`${Object.entries(content).map(([type, media]) => {
    const items = media['x-item-schema'] as JsonObject | undefined;
    const schema = (items ?? media['schema'] ?? {}) as JsonObject;
    const examples = (media['examples'] ?? {}) as Record<string, { value: unknown }>;
    const values = Object.values(examples).map(({ value }) => value);
    if (media['example'] !== undefined) values.push(media['example']);
    return html`
      <p><code>${type}</code>: <code>${schemaHtml(schema)}</code>${items ? ', many' : ''}</p>
      ${values.map((value) => html`<pre>${textOf(value)}</pre>`)}
    `;
  })}`;
}

function textOf(example: unknown): string {
  return typeof example === 'string' ? example : JSON.stringify(example, null, 2);
}
