import assert from 'node:assert/strict';
import { after, before, describe, mock, test } from 'node:test';
import { Mistral } from '@mistralai/mistralai';
import { answered, NOWHERE } from '../support/builtin.ts';
import { assertGood, assertRefused, assertStream } from '../support/contract/check.ts';
import type { Case, Operation, Sent } from '../support/contract/operation.ts';
import * as shape from '../support/contract/shapes.ts';
import { callsOf, NOT_OFFERED, OFFERED } from '../support/contract/surface.ts';
import { OPERATIONS } from '../support/contract/table.ts';
import { World } from '../support/contract/world.ts';
import { EVENTS } from '../support/judges.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

let worker: TestWorker;
let world: World;
/** The official SDK as anyone has it: only server URL and key are set. */
let mistral: Mistral;
/** What the SDK asked, and what it was answered; it alone makes a `Request` first. */
let asked: { call: string; status: number }[] = [];

before(async () => {
  worker = await startWorker();
  world = await World.of(worker);
  mistral = new Mistral({ serverURL: worker.url, apiKey: world.api.key });
  const send = globalThis.fetch;
  mock.method(globalThis, 'fetch', async (...request: Parameters<typeof fetch>) => {
    const response = await send(...request);
    if (request[0] instanceof Request) {
      const { method, url } = request[0];
      asked.push({ call: `${method} ${new URL(url).pathname}`, status: response.status });
    }
    return response;
  });
});
after(async () => {
  mock.restoreAll();
  await worker.dispose();
});

test('the table has every operation that is offered, and no other', () => {
  const calls = OPERATIONS.map(({ call }) => call);
  assert.deepEqual(calls.toSorted(), callsOf(OFFERED).toSorted());
});

test('the table names an SDK call for each operation, and the 404 of each id in its path', () => {
  for (const { call, sdk, unknown = {} } of OPERATIONS) {
    assert.ok(sdk.length > 0, call);
    assert.deepEqual(Object.keys(unknown), parametersOf(call), call);
  }
});

describe('what is not offered answers 404 in the shape of its family', () => {
  const ids = { trace_id: 'a', span_id: 'b', job_id: NOWHERE };
  for (const call of callsOf(NOT_OFFERED)) {
    test(call, async () => {
      const sent = call.startsWith('POST') ? { ids, body: {} } : { ids };
      await assertRefused(await world.send(call, sent), pathOf(call), 404);
    });
  }
});

test('every sample event has every key, on its page of the search and alone', async () => {
  const body = { search_params: { filters: null } };
  let cursor: string | null = '';
  let seen = 0;
  do {
    const sent = { query: `page_size=100&cursor=${encodeURIComponent(cursor)}`, body };
    const page = await world.send(`POST ${EVENTS}/search`, sent);
    const { completion_events: feed } = await answered(page, 200, shape.eventFeed);
    for (const { event_id } of feed.results) {
      const event = await world.send(`GET ${EVENTS}/{event_id}`, { ids: { event_id } });
      await answered(event, 200, shape.event);
      seen++;
    }
    cursor = feed.next;
  } while (cursor !== null);
  assert.ok(seen > 300, `${seen} events`);
});

for (const operation of OPERATIONS) {
  const { call, status } = operation;
  describe(call, () => {
    test(`answers ${status} with every key of its schema`, async () => {
      await assertGood(await world.send(call, await goodOf(operation)), operation);
    });

    for (const [index, sdkCall] of operation.sdk.entries()) {
      test(`is reached by the official SDK${index > 0 ? ', streamed' : ''}`, async () => {
        asked = [];
        await sdkCall(mistral, world);
        assert.equal(asked.length, 1);
        assert.match(asked[0]?.call ?? '', new RegExp(`^${call.replaceAll(/\{\w+\}/g, '[^/]+')}$`));
        assert.equal(asked[0]?.status, status);
      });
    }

    for (const [name, code] of Object.entries(operation.unknown ?? {})) {
      test(`an unknown ${name} answers 404 ${code ?? ''}`, async () => {
        await refused(operation, { ids: { [name]: NOWHERE } }, 404, code);
      });
      if (['model_id', 'field_name'].includes(name)) continue;
      test(`a ${name} that is no UUID answers 422`, async () => {
        for (const id of ['x', `${NOWHERE}0`]) await refused(operation, { ids: { [name]: id } });
      });
    }

    if (takesJson(call)) {
      test('a body that is no JSON object, or not sent as JSON, answers 422', async () => {
        for (const body of ['', '{', 'null', '[]', '5']) await refused(operation, { body });
        await refused(operation, { contentType: 'text/plain' });
      });
    }

    for (const one of operation.cases ?? []) {
      test(`${one.what}: ${one.status} ${one.code ?? ''}`, () => behaves(operation, one));
    }
  });
}

async function behaves(operation: Operation, one: Case): Promise<void> {
  const sent = await one.change(await goodOf(operation), world);
  const response = await world.send(operation.call, sent);
  if (one.answer === 'stream') await assertStream(response);
  else if (one.status === 'good') await assertGood(response, operation);
  else await assertRefused(response, pathOf(operation.call), one.status, one.code);
}

async function refused(
  operation: Operation,
  change: Sent,
  status = 422,
  code?: string | null,
): Promise<void> {
  const good = await goodOf(operation);
  const sent = { ...good, ...change, ids: { ...good.ids, ...change.ids } };
  const response = await world.send(operation.call, sent);
  await assertRefused(response, pathOf(operation.call), status, code);
}

async function goodOf(operation: Operation): Promise<Sent> {
  return (await operation.good?.(world)) ?? {};
}

function pathOf(call: string): string {
  return call.split(' ')[1] ?? '';
}

function parametersOf(call: string): string[] {
  return [...call.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
}

function takesJson(call: string): boolean {
  return !/^(?:GET|DELETE) /.test(call) && call !== 'POST /v1/files';
}
