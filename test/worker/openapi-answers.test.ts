import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { callsOf, goodCalls, type ApiCall } from '../support/openapi/calls.ts';
import { DocumentCheck } from '../support/openapi/check.ts';
import {
  documentOf,
  operationsOf,
  type ApiDocument,
  type Documented,
} from '../support/openapi/document.ts';
import { ApiWorld } from '../support/openapi/world.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

// Real answers, held against the document.

let world: ApiWorld;
let document: ApiDocument;
let operations: Documented[];
let check: DocumentCheck;

before(async () => {
  world = await ApiWorld.start();
  document = await documentOf(world.worker.url);
  operations = operationsOf(document);
  check = new DocumentCheck(document);
});
after(() => world.dispose());

function ask(operation: Documented, call: ApiCall, key = world.keyOf(operation)) {
  const isLink = operation.path.startsWith('/downloads/') && call.query?.includes('%00') !== true;
  const query = isLink ? world.link : world.here(call.query);
  const path = world.pathOf(operation, call.ids) + (query ? `?${query}` : '');
  return world.call(operation.method, path, call.body, call.headers, key);
}

async function checked(operation: Documented, call: ApiCall, key?: string | null) {
  const response = await ask(operation, call, key);
  const { status } = response;
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  try {
    await check.assertAnswer(operation, response);
  } catch (error) {
    throw new Error(`${operation.call}, ${call.what}`, { cause: error });
  }
  assert.notEqual(status, 500, `${operation.call}, ${call.what}`);
  if (operation.method === 'DELETE' && response.ok) await world.refill(operation.path);
  return { status, type };
}

/** What the built-in backend can be brought to answer. */
function expectedOf(operation: Documented): string[] {
  const { call, parameters, bodies, responses } = operation;
  const isPublic = operation.security.length === 0;
  const takesBody = Object.keys(bodies).length > 0 && !call.includes(' /v1/');
  const takesQuery = parameters.some((one) => one.in === 'query') && !isPublic;
  const refused = [
    ...(parameters.some((one) => one.in === 'path') && !isPublic ? ['404'] : []),
    ...(takesBody ? ['400', '413', '415'] : []),
    ...(takesQuery ? ['400'] : []),
  ];
  // A ping comes to hooks of GitHub only: test/worker/hook-calls.test.ts.
  const isPing = (status: string) => call === 'POST /hooks/{id}' && status === '204';
  const good = Object.entries(responses).filter(
    ([status]) => Number(status) < 300 && !isPing(status),
  );
  const forms = good.flatMap(([status, { content }]) =>
    content === undefined ? [status] : Object.keys(content).map((type) => `${status} ${type}`),
  );
  return [...new Set([...refused, ...forms])];
}

test('every good or bad call of every operation is answered as documented, in every form there is', async (t) => {
  let calls = 0;
  for (const operation of operations) {
    const seen = new Set<string>();
    for (const call of callsOf(operation)) {
      const { status, type } = await checked(operation, call);
      calls++;
      seen.add(String(status)).add(`${status} ${type}`).add(`${status} */*`);
    }
    const missing = expectedOf(operation).filter((answer) => !seen.has(answer));
    assert.deepEqual(missing, [], `${operation.call} never answered so`);
  }
  t.diagnostic(`${operations.length} operations, ${calls} calls`);
});

test('a key that is missing, of no use, without the scope or used up is refused as documented', async () => {
  for (const operation of operations) {
    const [needed] = operation.security;
    if (needed === undefined) continue;
    const [call = { what: 'good' }] = goodCalls(operation);
    for (const key of [null, 'nonsense', `wsk_${'A'.repeat(43)}`]) {
      assert.equal((await checked(operation, call, key)).status, 401, operation.call);
    }
    const scope = needed['clientKey']?.[0];
    if (scope !== undefined) {
      const others = ['chat', 'observability:read', 'observability:write', 'files', 'proxy'];
      const scopes = others.filter((one) => one !== scope);
      const { key } = await world.worker.createClient({ scopes });
      assert.equal((await checked(operation, call, key)).status, 403, operation.call);
    }
    if (!('clientKey' in needed)) continue;
    const { key } = await world.worker.createClient({ rate_limit: 1 });
    await checked(operation, call, key);
    assert.equal((await checked(operation, call, key)).status, 429, operation.call);
  }
});

describe('with a Mistral API that fails', () => {
  let upstream: ScriptedUpstream;
  let worker: TestWorker;
  let key: string;

  before(async () => {
    upstream = await startUpstream();
    worker = await startWorker({
      MISTRAL_BASE_URL: upstream.url,
      MISTRAL_API_KEY: 'mistral-key-0123456789',
      UPSTREAM_HEADERS_TIMEOUT_MS: '200',
    });
    ({ key } = await worker.createClient());
  });
  after(async () => {
    await worker.dispose();
    upstream.close();
  });

  const failures: [string, Parameters<ScriptedUpstream['script']>[0]][] = [
    ...[400, 401, 403, 404, 409, 410, 418, 422, 429, 500].map(
      (status): (typeof failures)[number] => [
        String(status),
        (_, response) =>
          json(
            response,
            status,
            { detail: { message: 'no', error_code: 'X' } },
            { 'retry-after': '9' },
          ),
      ],
    ),
    ['a success that is nonsense', (_, response) => json(response, 200, ['?'])],
    ['no JSON', (_, response) => void response.writeHead(200).end('<html>')],
    ['a closed connection', (_, response) => void response.destroy()],
    ['silence', () => undefined],
  ];

  for (const [what, script] of failures) {
    test(`${what} is answered as documented`, async () => {
      upstream.script(script);
      for (const operation of operations.filter(({ responses }) => responses[502] !== undefined)) {
        const [call = { what: 'good' }] = goodCalls(operation);
        const response = await fetch(worker.url + world.pathOf(operation), {
          method: operation.method,
          headers: { connection: 'close', authorization: `Bearer ${key}`, ...call.headers },
          ...(call.body !== undefined && {
            body: typeof call.body === 'string' ? call.body : JSON.stringify(call.body),
          }),
        });
        await check.assertAnswer(operation, response);
      }
    });
  }
});

test('the check itself tells an answer that is not documented', async () => {
  const health = operations.find(({ operationId }) => operationId === 'health');
  assert.ok(health);
  const answer = await ask(health, { what: 'good' });
  const good = (await answer.json()) as object;
  const { headers } = answer;
  const refused: [unknown, ResponseInit][] = [
    [{ ...good, more: 1 }, { headers }],
    [{ status: 'ok' }, { headers }],
    [good, { headers, status: 202 }],
    [good, { headers: { 'content-type': 'application/json' } }],
    [good, { headers: { ...Object.fromEntries(headers), location: '/x' } }],
    [good, { headers: { ...Object.fromEntries(headers), 'content-type': 'text/plain' } }],
  ];
  await check.assertAnswer(health, new Response(JSON.stringify(good), { headers }));
  for (const [body, init] of refused) {
    await assert.rejects(check.assertAnswer(health, new Response(JSON.stringify(body), init)));
  }
});
