import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { DocumentCheck } from '../support/openapi/check.ts';
import {
  documentOf,
  operationsOf,
  type ApiDocument,
  type Documented,
  type Json,
} from '../support/openapi/document.ts';
import { callsIn } from '../support/registered-calls.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

let worker: TestWorker;
let document: ApiDocument;
let operations: Documented[];

before(async () => {
  worker = await startWorker();
  document = await documentOf(worker.url);
  operations = operationsOf(document);
});
after(() => worker.dispose());

/** Of the Mistral API the document has one call, where Windsock adds to it; the rest is relayed. */
const RELAYED = 'ALL /v1/*';

test('the document has every route of the app, and no other', () => {
  const registered = callsIn('http/app.ts')
    .filter((call) => call !== RELAYED)
    .map((call) => call.replace('/imports/:source', '/imports/from-{source}'))
    .map((call) => call.replaceAll(/:(\w+)/g, '{$1}'));
  const documented = operations.map(({ call }) => call);
  assert.deepEqual(documented.toSorted(), [...new Set(registered)].toSorted());
});

test('it is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document));
  assert.deepEqual(result, { valid: true });
  assert.equal(validator.version, '3.1');
});

test('it names the version of the package and the server it was asked of', async () => {
  const { version } = JSON.parse(
    readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'),
  ) as { version: string };
  assert.equal((document['info'] as { version: string }).version, version);
  assert.deepEqual(document['servers'], [{ url: worker.url }]);
});

test('every operation says what it is, under a name of its own, and every answer has an example', () => {
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length);
  for (const { call, summary, description, responses, bodies } of operations) {
    assert.ok(summary && description, call);
    for (const media of Object.values(bodies)) {
      assert.ok(Object.keys(media.examples ?? {}).length > 0, call);
    }
    for (const [status, { content = {} }] of Object.entries(responses)) {
      for (const [type, media] of Object.entries(content)) {
        const hasExample = media.example !== undefined || media.examples !== undefined;
        const isOpen = type === '*/*' || call.includes(' /v1/');
        assert.ok(hasExample || isOpen, `${call} ${status} ${type}`);
      }
    }
  }
});

test('a filter is made of named schemas: generators lose one that holds itself without a name', () => {
  const { schemas = {} } = document.components;
  const members = (schemas['FilterTree'] as { anyOf: Json[] }).anyOf;
  assert.deepEqual(members, [
    { $ref: '#/components/schemas/FilterCondition' },
    { $ref: '#/components/schemas/FilterGroup' },
  ]);
});

test('a body may be left out where the call does without', () => {
  const optional = Object.entries(document.paths).filter(([, calls]) =>
    Object.values(calls).some((call) =>
      JSON.stringify(call).includes('"required":false,"content"'),
    ),
  );
  assert.deepEqual(
    optional.map(([path]) => path),
    ['/schedules/{id}/run'],
  );
});

test('every example fits its schema', () => {
  const check = new DocumentCheck(document);
  for (const { call, parameters, bodies, responses } of operations) {
    for (const { name, schema, example } of parameters) {
      if (example !== undefined) check.assertFits(schema, example, `${call} ${name}`);
    }
    const answers = Object.values(responses).map(({ content = {} }) => content);
    for (const [type, media] of [bodies, ...answers].flatMap((content) =>
      Object.entries(content),
    )) {
      const named = Object.values(media.examples ?? {}).map(({ value }) => value);
      const examples = media.example === undefined ? named : [...named, media.example];
      for (const example of examples) {
        const text = typeof example === 'string' ? example : JSON.stringify(example);
        check.assertBody(type, media, text, `example of ${call}`);
      }
    }
  }
});

test('every refusal is in the one error shape, with the codes of its status', () => {
  for (const { call, responses } of operations.filter((one) => !one.call.includes(' /v1/'))) {
    for (const [status, { content = {} }] of Object.entries(responses)) {
      if (Number(status) < 400) continue;
      const { schema } = content['application/json'] ?? assert.fail(`${call} ${status}`);
      assert.match(JSON.stringify(schema), /schemas\/Error.*"enum":\["[a-z_]+"/, call);
    }
  }
});

test('the page shows every operation and every schema, and its links lead somewhere', async () => {
  const answer = await fetch(`${worker.url}/docs`);
  assert.equal(answer.headers.get('content-type'), 'text/html; charset=UTF-8');
  assert.match(answer.headers.get('content-security-policy') ?? '', /^default-src 'none'; style/);
  const html = await answer.text();
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id = '']) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const { operationId } of operations) assert.ok(ids.includes(operationId), operationId);
  for (const name of Object.keys(document.components['schemas'] ?? {})) {
    assert.ok(ids.includes(`schema-${name}`), name);
  }
  for (const [, href = ''] of html.matchAll(/href="([^"]+)"/g)) {
    if (href.startsWith('#')) assert.ok(ids.includes(href.slice(1)), href);
    else assert.ok(href === '/openapi.json' || href.startsWith('https://'), href);
  }
  assert.doesNotMatch(html, /undefined|\[object Object\]/);
  assert.doesNotMatch(html, /<script|<link|<img| style=| src=|@import|url\(/);
});

test('a path that is not here is told where the calls are shown', async () => {
  for (const path of ['/', '/chats', '/chat/']) {
    const answer = await fetch(worker.url + path);
    const { error } = (await answer.json()) as { error: { code: string; message: string } };
    const message = `There is no ${path} here; GET /docs shows every call.`;
    assert.deepEqual([error.code, error.message], ['not_found', message]);
  }
  assert.equal((await fetch(`${worker.url}/docs`)).status, 200);
});
