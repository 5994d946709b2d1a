import { html, raw } from 'hono/html';
import type { JsonObject } from '../../domain/json.ts';
import { sha256Bytes } from '../../platform/crypto.ts';
import type { OpenApiDocument } from './openapi-document.ts';
import { operationHtml } from './page-operation.ts';
import { proseHtml } from './page-prose.ts';
import { schemaHtml } from './page-schema.ts';

/**
 * The document as a page: no script, nothing loaded, everything escaped. It is rendered for each request, which is rare.
 * @returns the page and the Content-Security-Policy that allows its style and nothing else
 */
export async function docsPage(
  document: OpenApiDocument,
): Promise<{ html: string; policy: string }> {
  const { info, tags, servers, components } = document;
  const calls = callsOf(document);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${info.title} ${info.version}</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <header>
          <h1>${info.title} <small>${info.version}</small></h1>
          <p>${proseHtml(info.description)}</p>
          <p><code>${servers[0]?.url}</code> · <a href="/openapi.json">openapi.json</a></p>
        </header>
        <main>
          ${tags.map(
            ({ name, description }) => html`
              <section id="tag-${name}">
                <h2>${name}</h2>
                <p>${proseHtml(description)}</p>
                ${calls
                  .filter(({ operation }) => (operation['tags'] as string[]).includes(name))
                  .map((call) => operationHtml(call, document))}
              </section>
            `,
          )}
          <section id="schemas">
            <h2>schemas</h2>
            ${Object.entries(components['schemas'] ?? {}).map(
              ([name, schema]) => html`
                <details id="schema-${name}">
                  <summary><b>${name}</b></summary>
                  <pre>${schemaHtml(schema)}</pre>
                </details>
              `,
            )}
          </section>
        </main>
      </body>
    </html>`;
  return { html: String(await page), policy: await policy() };
}

/** An operation with where it stands. */
export interface Call {
  method: string;
  path: string;
  operation: JsonObject;
}

function callsOf({ paths }: OpenApiDocument): Call[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
}

async function policy(): Promise<string> {
  const hash = (await sha256Bytes(STYLE)).toBase64();
  return [
    "default-src 'none'",
    `style-src 'sha256-${hash}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #b45309; }
@media (prefers-color-scheme: dark) { :root { --accent: #fbbf24; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 0 auto; padding: 1rem; }
h1 small { font-weight: normal; opacity: .6; }
h2 { margin-top: 2rem; }
a { color: var(--accent); }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: 0 .75rem; }
details details { border-width: 1px 0 0; border-radius: 0; padding: 0; }
summary { cursor: pointer; padding: .5rem 0; overflow-wrap: anywhere; }
summary b { color: var(--accent); }
summary span { opacity: .75; }
code, pre { font: .875em/1.45 ui-monospace, monospace; }
code { overflow-wrap: anywhere; }
pre { background: var(--soft); border-radius: 6px; padding: .6rem; overflow-x: auto; }
pre i { opacity: .65; }
dt { margin-top: .5rem; }
dd { margin: 0 0 0 1rem; }
`;
