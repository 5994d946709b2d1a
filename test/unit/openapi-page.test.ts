import './workerd-globals.ts';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { OpenApiDocument } from '../../src/http/openapi/openapi-document.ts';
import { docsPage } from '../../src/http/openapi/page.ts';
import { proseHtml } from '../../src/http/openapi/page-prose.ts';
import { schemaHtml, type Html } from '../../src/http/openapi/page-schema.ts';

const EVIL = `<script>alert(1)</script><img src=x onerror=alert(1)>" onmouseover="alert(1)' x='`;

/** A document in which every text, and every name that a document is free in, is an attack. */
const HOSTILE: OpenApiDocument = {
  openapi: '3.1.1',
  info: { title: EVIL, version: EVIL, description: EVIL, license: {} },
  externalDocs: {},
  servers: [{ url: EVIL }],
  tags: [{ name: EVIL, description: `\`${EVIL}\` [${EVIL}](https://x/"onclick=alert(1))` }],
  paths: {
    [EVIL]: {
      [EVIL]: {
        operationId: EVIL,
        tags: [EVIL],
        summary: EVIL,
        description: EVIL,
        security: [{ clientKey: [EVIL] }],
        parameters: [{ name: EVIL, in: EVIL, description: EVIL, schema: { type: EVIL } }],
        requestBody: {
          content: { [EVIL]: { schema: { enum: [EVIL] }, examples: { [EVIL]: { value: EVIL } } } },
        },
        responses: {
          [EVIL]: {
            description: EVIL,
            headers: { [EVIL]: {} },
            content: { [EVIL]: { schema: { $ref: EVIL }, example: { [EVIL]: EVIL } } },
          },
          500: { $ref: '#/components/responses/r' },
        },
      },
    },
  },
  components: {
    responses: { r: { description: EVIL } },
    schemas: {
      [EVIL]: {
        type: 'object',
        properties: { [EVIL]: { type: 'string', format: EVIL, default: EVIL } },
      },
    },
  },
};

test('whatever the document says is shown as text', async () => {
  const { html } = await docsPage(HOSTILE);
  assert.doesNotMatch(html, /<script|<img/i);
  assert.doesNotMatch(html.replaceAll(/="[^"<>]*"/g, ''), /<[^>]*(?:\son\w+|=)[^>]*>/i);
  assert.ok(html.split('&lt;script&gt;').length > 25, 'it is shown everywhere');
});

test('the policy allows the page’s own style and nothing else', async () => {
  const { html, policy } = await docsPage(HOSTILE);
  const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(html) ?? [];
  const hash = createHash('sha256').update(style).digest('base64');
  assert.deepEqual(policy.split('; '), [
    "default-src 'none'",
    `style-src 'sha256-${hash}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
});

const textOf = async (html: Html) => (await html).toString();

const SCHEMAS: [object, string][] = [
  [{}, 'any'],
  [{ type: 'string', format: 'uuid' }, 'string (uuid)'],
  [{ const: 'x' }, '"x"'],
  [{ enum: ['a', 1] }, '"a" | 1'],
  [{ anyOf: [{ type: 'integer' }, { type: 'null' }] }, 'integer | null'],
  [{ allOf: [{ $ref: '#/components/schemas/A' }, {}] }, 'A & any'],
  [{ type: 'array', items: { type: 'string' } }, 'string[]'],
  [{ type: 'array', items: { anyOf: [{ type: 'string' }, { const: 1 }] } }, '(string | 1)[]'],
  [{ type: 'array', items: { type: 'string', enum: ['a', 'b'] } }, '("a" | "b")[]'],
  [{ type: 'object' }, 'object'],
  [
    {
      type: 'object',
      properties: {
        a: { type: 'integer', minimum: 1, maximum: 9, default: 5 },
        b: { type: 'string', minLength: 2 },
        c: { type: 'object', properties: { d: {} }, additionalProperties: false },
      },
      required: ['a'],
    },
    '{\n  a: integer 1…9, default 5\n  b?: string 2… characters\n  c?: {\n    d?: any\n  }\n  …\n}',
  ],
];

test('a schema is written as one reads it in code', async () => {
  for (const [schema, text] of SCHEMAS) {
    const shown = (await textOf(schemaHtml(schema as Record<string, unknown>))).replaceAll(
      /<[^>]+>/g,
      '',
    );
    assert.equal(shown.replaceAll('&quot;', '"').replaceAll('&amp;', '&'), text);
  }
  const linked = await textOf(schemaHtml({ $ref: '#/components/schemas/Import' }));
  assert.equal(linked, '<a href="#schema-Import">Import</a>');
});

test('a parameter is shown with its bounds and its default', async () => {
  const schema = { type: 'integer', minimum: 1, maximum: 100, default: 50 };
  const parameters = [{ name: 'limit', in: 'query', description: 'How many.', schema }];
  const operation = { ...HOSTILE.paths[EVIL]?.[EVIL], parameters };
  const { html } = await docsPage({ ...HOSTILE, paths: { '/x': { get: operation } } });
  const text = html.replaceAll(/<[^>]+>/g, '').replaceAll(/\s+/g, ' ');
  assert.match(text, /limit query: integer 1…100, default 50 How many\./);
});

test('code and links of a text are marked up', async () => {
  const html = await textOf(proseHtml('Send `a<b`, see [the docs](https://example.com/x).'));
  assert.equal(html, 'Send <code>a&lt;b</code>, see <a href="https://example.com/x">the docs</a>.');
  assert.equal(await textOf(proseHtml('[x](javascript:alert(1))')), '[x](javascript:alert(1))');
});
