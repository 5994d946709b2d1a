import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { refusalOf } from '../support/facade.ts';
import { CALLS, CONDITION, EVENT, ID, TRANSLATIONS } from '../support/facade-calls.ts';
import { until } from '../support/until.ts';
import { json, startUpstream, type ScriptedUpstream } from '../support/upstream.ts';
import { send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

// What the facade asks of the Mistral API and makes of its answers, with a scripted upstream in its place.

const KEY = 'mistral-key-0123456789';
const TIMEOUT_MS = 500;

let upstream: ScriptedUpstream;
let worker: TestWorker;
let client: TestClient;

before(async () => {
  upstream = await startUpstream();
  worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: KEY,
    UPSTREAM_HEADERS_TIMEOUT_MS: String(TIMEOUT_MS),
  });
  client = await worker.createClient();
});
beforeEach(() => void upstream.seen.splice(0));
after(async () => {
  await worker.dispose();
  upstream.close();
});

const ask = (method: string, path: string, body?: object) =>
  send(worker.url + path, client.key, method, body);

const answers = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  upstream.script((_, response) => json(response, status, body, headers));

for (const { what, call, sent, got, answer } of TRANSLATIONS) {
  test(`${what} is asked for and answered in the upstream's and the facade's words`, async () => {
    upstream.script((_, response) => {
      if (got[1] === undefined) response.writeHead(got[0]).end();
      else json(response, got[0], got[1]);
    });
    const [method, path, body] = call;
    const response = await send(worker.url + path, client.key, method, body, {
      accept: 'application/json',
    });
    const text = await response.text();
    assert.equal(response.status, answer[0], text);
    assert.deepEqual(text === '' ? undefined : JSON.parse(text), answer[1]);
    const [seen, ...more] = upstream.seen;
    assert.ok(seen);
    assert.deepEqual(more, []);
    assert.deepEqual([seen.method, seen.path], sent.slice(0, 2));
    assert.equal(seen.headers.authorization, `Bearer ${KEY}`);
    assert.equal(seen.headers.accept, 'application/json');
    const read = seen.body.length === 0 ? undefined : JSON.parse(String(seen.body));
    assert.deepEqual(read, sent[2]);
  });
}

test('what is no id, and a body with mistakes, is refused without asking the upstream', async () => {
  answers(200, {});
  await refusalOf(await ask('GET', '/events/nonsense'), 404, 'not_found');
  await refusalOf(await ask('DELETE', '/datasets/nonsense'), 404, 'not_found');
  await refusalOf(await ask('POST', '/datasets', { name: 'four' }), 400, 'invalid_request');
  await refusalOf(await ask('POST', '/events/search', { where: {} }), 400, 'invalid_filter');
  assert.deepEqual(upstream.seen, []);
});

const error = (message: string, error_code: string | null) => ({ detail: { message, error_code } });

for (const [method, path, body] of CALLS) {
  describe(`${method} ${path}`, () => {
    test('keeps an upstream 400, 404, 409, 422 and 429 with its message', async () => {
      for (const [status, code, message, sent] of [
        [400, 'invalid_request', 'No.', error('No.', 'UNKNOWN_ERROR')],
        [404, 'not_found', 'Not there.', error('Not there.', 'DATASET_NOT_FOUND')],
        [409, 'invalid_request', 'Taken.', error('Taken.', 'PROJECT_NAME_ALREADY_EXISTS')],
        [
          422,
          'invalid_request',
          'name: too short',
          { detail: [{ loc: ['body', 'name'], msg: 'too short' }] },
        ],
        [429, 'rate_limited', 'Slow down.', { object: 'error', message: 'Slow down.' }],
      ] as const) {
        answers(status, sent, { 'retry-after': '77' });
        const answer = await ask(method, path, body);
        const told = await refusalOf(answer, status, code);
        assert.equal(told.message, message);
        assert.equal(answer.headers.get('retry-after'), status === 429 ? '77' : null);
      }
    });

    test('says so when the upstream offers it no more', async () => {
      for (const [status, sent] of [
        [404, { detail: 'Not Found' }],
        [410, error('Gone.', null)],
      ] as const) {
        answers(status, sent);
        const told = await refusalOf(await ask(method, path, body), 404, 'not_found');
        assert.match(told.message, /no longer offers .*OBSERVABILITY_BACKEND=builtin/);
        assert.match(told.message, status === 404 ? /Not Found$/ : /Gone\.$/);
      }
    });

    test('answers 502 to any other failure, with the upstream’s answer and without its key', async () => {
      for (const status of [301, 401, 403, 408, 500]) {
        const sent = error(`Bearer ${KEY} is wrong.`, null);
        answers(status, sent, { location: 'https://elsewhere.example/' });
        const answer = await ask(method, path, body);
        const told = await refusalOf(answer, 502, 'upstream_error');
        assert.match(told.message, /Bearer \[redacted\] is wrong\./);
        assert.equal(told.upstream?.status, status);
        assert.equal(told.upstream.body, JSON.stringify(sent).replace(KEY, '[redacted]'));
        assert.equal(answer.headers.get('location'), null);
      }
    });

    test('answers 502 to an answer that breaks off', async () => {
      upstream.script((_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
        response.write('{"id":', () => response.destroy());
      });
      await refusalOf(await ask(method, path, body), 502, 'upstream_error');
    });

    if (method === 'DELETE') return;

    test('answers 502 to a success that cannot be read', async () => {
      for (const sent of ['<html>Welcome</html>', '', '[]', '{"datasets":{"results":7}}', 'null']) {
        if (path.startsWith(`/events/${ID}`) && sent.startsWith('{')) continue;
        if (path.startsWith(`/datasets/${ID}`) && sent.startsWith('{')) continue;
        upstream.script((_, response) => {
          response.writeHead(200, { 'content-type': 'text/html' });
          response.end(sent);
        });
        const told = await refusalOf(await ask(method, path, body), 502, 'upstream_error');
        assert.deepEqual(told.upstream, { status: 200, body: sent });
      }
    });
  });
}

const askAll = (code: string, status: number) =>
  Promise.all(
    CALLS.map(async ([method, path, body]) => {
      await refusalOf(await ask(method, path, body), status, code);
    }),
  );

test('an upstream that hangs is 504, whatever was asked', async () => {
  upstream.script(() => undefined);
  await askAll('upstream_timeout', 504);
});

test('an upstream that falls silent in the middle of its answer is 504, and closed', async () => {
  upstream.script((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"id":');
  });
  await askAll('upstream_timeout', 504);
  await until('the upstream to be closed', () =>
    upstream.seen.every(({ wasAborted }) => wasAborted),
  );
});

test('a read is asked again after a 503, a search too; a write and a judgement are not', async () => {
  for (const [method, path, body] of CALLS) {
    upstream.seen.splice(0);
    let turn = 0;
    upstream.script((_, response) =>
      json(response, turn++ === 0 ? 503 : 404, error('No.', 'X_NOT_FOUND')),
    );
    const isRead = method === 'GET' || path === '/events/search' || path === '/events/ids';
    const answer = await ask(method, path, body);
    await refusalOf(answer, isRead ? 404 : 502, isRead ? 'not_found' : 'upstream_error');
    assert.equal(upstream.seen.length, isRead ? 2 : 1, `${method} ${path}`);
  }
});

test('no upstream at all is 503', async () => {
  const gone = await startUpstream();
  gone.close();
  const alone = await startWorker({ MISTRAL_BASE_URL: gone.url, MISTRAL_API_KEY: KEY });
  try {
    const { key } = await alone.createClient();
    const answer = await send(`${alone.url}/datasets`, key, 'POST', { name: 'a dataset' });
    await refusalOf(answer, 503, 'upstream_unavailable');
  } finally {
    await alone.dispose();
  }
});

test('a 400 that can only be of the filter is invalid_filter; any other is not', async () => {
  const bad = error('There is no field "x".', 'SEARCH_BAD_REQUEST');
  const where = { ...CONDITION, field: 'x' };
  for (const [sent, body, code] of [
    [bad, { where }, 'invalid_filter'],
    [bad, { where, cursor: 'c' }, 'invalid_request'],
    [bad, { where, fields: ['x'] }, 'invalid_request'],
    [bad, { fields: ['x'] }, 'invalid_request'],
    [error('No.', 'UNKNOWN_ERROR'), { where }, 'invalid_request'],
    [
      error('No.', 'SEARCH_FILTER_TO_SQL_CONVERSION_ERROR'),
      { where, cursor: 'c' },
      'invalid_filter',
    ],
  ] as const) {
    answers(400, sent);
    const told = await refusalOf(await ask('POST', '/events/search', body), 400, code);
    assert.equal(told.message, sent.detail.message);
    assert.equal(told.position, undefined);
  }
});

test('a 403 says that Mistral opens the API to some only', async () => {
  answers(403, error('Feature not supported.', 'FEATURE_NOT_SUPPORTED'));
  const told = await refusalOf(await ask('GET', '/datasets'), 502, 'upstream_error');
  assert.match(told.message, /Feature not supported\..*OBSERVABILITY_BACKEND=builtin/);
});

test('the key is struck out of a success too', async () => {
  answers(200, { ...EVENT, request_messages: [{ content: `my key is ${KEY}` }] });
  const text = await (await ask('GET', `/events/${ID}`)).text();
  assert.match(text, /my key is \[redacted\]/);
  assert.ok(!text.includes(KEY));
});

test('an integer that no number holds keeps its digits', async () => {
  const record = '{"id":"r-1","payload":{"tweet":12345678901234567890},"properties":{"n":1.5}}';
  const body = `{"records":{"results":[${record}],"count":1,"next":null}}`;
  upstream.script((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  });
  const answer = await ask('GET', `/datasets/${ID}/records`);
  assert.equal(await answer.text(), `{"records":[${record}],"count":1,"next_page":null}`);
});

test('a page that would not fit in memory is refused with what to do', async () => {
  upstream.script(async (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const part = 'x'.repeat(1_000_000);
    for (let n = 0; n < 40 && !response.destroyed; n++) {
      if (!response.write(part))
        await Promise.race([new Promise((r) => response.once('drain', r)), delay(200)]);
    }
    response.end();
  });
  const told = await refusalOf(await ask('GET', `/datasets/${ID}/records`), 400, 'invalid_request');
  assert.match(told.message, /smaller limit/);
});
