import { Hono } from 'hono/tiny';
import type { AppEnv } from '../context.ts';
import { openApiDocument } from '../openapi/document.ts';
import { docsPage } from '../openapi/page.ts';

/** `GET /openapi.json`: what the service offers, as an OpenAPI 3.1 document. No key needed. */
export const openApiRoutes = new Hono<AppEnv>().get('/', (c) =>
  c.json(openApiDocument(new URL(c.req.url).origin)),
);

/** `GET /docs`: the same as a page to read. No key needed. */
export const docsRoutes = new Hono<AppEnv>().get('/', async (c) => {
  const { html, policy } = await docsPage(openApiDocument(new URL(c.req.url).origin));
  return c.html(html, 200, {
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
});
