import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerHeaders, requestHeaders } from '../../src/relay/headers.ts';

function crossed(cross: (headers: Headers) => Headers, given: Record<string, string>) {
  return Object.fromEntries(cross(new Headers(given)));
}

describe('to the upstream', () => {
  const passed = [
    'accept',
    'accept-language',
    'content-type',
    'content-language',
    'idempotency-key',
    'user-agent',
    'x-api-version',
    'range',
    'cfx',
    'x-forward',
    'x-cf-ray',
  ];
  for (const name of passed) {
    test(`${name} goes`, () => {
      assert.deepEqual(crossed(requestHeaders, { [name]: 'value' }), { [name]: 'value' });
    });
  }

  const dropped: Readonly<Record<string, readonly string[]>> = {
    'what is ours to set': ['authorization', 'host', 'content-length', 'accept-encoding'],
    'what tells about the client': [
      'cookie',
      'x-real-ip',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
      'cf-connecting-ip',
      'cf-ray',
      'cf-ipcountry',
    ],
    'what is for us': ['windsock-callback', 'windsock-callback-events', 'windsock-metadata'],
    'hop-by-hop': [
      'connection',
      'keep-alive',
      'proxy-authenticate',
      'proxy-authorization',
      'proxy-connection',
      'te',
      'trailer',
      'transfer-encoding',
      'upgrade',
    ],
  };
  for (const [kind, names] of Object.entries(dropped)) {
    for (const name of names) {
      test(`${name} does not go: ${kind}`, () => {
        assert.deepEqual(crossed(requestHeaders, { [name]: 'value', accept: '*/*' }), {
          accept: '*/*',
        });
      });
    }
  }

  test('names count in any case', () => {
    const given = { AUTHORIZATION: 'x', 'CF-Ray': 'x', 'X-Forwarded-For': 'x', Accept: '*/*' };
    assert.deepEqual(crossed(requestHeaders, given), { accept: '*/*' });
  });

  test('what Connection names does not go', () => {
    const given = { connection: 'close, X-Hop ,x-other-hop', 'x-hop': '1', 'x-other-hop': '1' };
    assert.deepEqual(crossed(requestHeaders, { ...given, 'x-hops': '1' }), { 'x-hops': '1' });
  });

  test('the client’s headers are left as they are', () => {
    const client = new Headers({ authorization: 'Bearer x', accept: '*/*' });
    requestHeaders(client);
    assert.equal(client.get('authorization'), 'Bearer x');
  });
});

describe('to the client', () => {
  const passed = [
    'content-type',
    'content-disposition',
    'retry-after',
    'location',
    'ratelimit',
    'ratelimit-remaining',
    'ratelimit-policy',
    'x-ratelimit-limit-tokens',
    'mistral-correlation-id',
    'x-model-deprecation-timestamp',
  ];
  for (const name of passed) {
    test(`${name} comes`, () => {
      assert.deepEqual(crossed(answerHeaders, { [name]: 'value' }), { [name]: 'value' });
    });
  }

  const dropped = [
    'set-cookie',
    'server',
    'via',
    'x-powered-by',
    'cf-ray',
    'alt-svc',
    'x-kong-upstream-latency',
    'access-control-allow-origin',
    'strict-transport-security',
    'x-request-id',
    'server-timing',
    'connection',
    'transfer-encoding',
    'content-encoding',
    'content-length',
  ];
  for (const name of dropped) {
    test(`${name} does not come`, () => {
      assert.deepEqual(crossed(answerHeaders, { [name]: 'value' }), {});
    });
  }
});
