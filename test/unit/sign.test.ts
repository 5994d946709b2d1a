import './workerd-globals.ts';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { signatureHeaders } from '../../src/webhook/sign.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const BODY = '{"test": 2432232314}';

test('the vector of Standard Webhooks', async () => {
  assert.deepEqual(await signatureHeaders(ID, BODY, [SECRET], 1_614_265_330_000), {
    'webhook-id': ID,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('the timestamp is in whole seconds, rounded down', async () => {
  const headers = await signatureHeaders(ID, BODY, [SECRET], 1_614_265_330_999);
  assert.equal(headers['webhook-timestamp'], '1614265330');
});

describe('a receiver with the standardwebhooks package', () => {
  for (const body of [BODY, '{"name":"é€😀"}', '{}']) {
    test(`takes ${body}`, async () => {
      const headers = await signatureHeaders(ID, body, [SECRET], Date.now());
      assert.deepEqual(new Webhook(SECRET).verify(body, headers), JSON.parse(body));
    });
  }

  test('refuses another body, another id, another time and another secret', async () => {
    const headers = await signatureHeaders(ID, BODY, [SECRET], Date.now());
    const later = String(Number(headers['webhook-timestamp']) + 1);
    const receiver = new Webhook(SECRET);
    assert.throws(() => receiver.verify('{"test": 1}', headers));
    assert.throws(() => receiver.verify(BODY, { ...headers, 'webhook-id': 'msg_2' }));
    assert.throws(() => receiver.verify(BODY, { ...headers, 'webhook-timestamp': later }));
    assert.throws(() => new Webhook(OTHER_SECRET).verify(BODY, headers));
  });

  test('verifies with either secret while one is being rotated', async () => {
    const headers = await signatureHeaders(ID, BODY, [OTHER_SECRET, SECRET], Date.now());
    const signatures = headers['webhook-signature']?.split(' ') ?? [];
    assert.equal(signatures.length, 2);
    assert.equal(new Set(signatures).size, 2);
    for (const signature of signatures) assert.match(signature, /^v1,[A-Za-z0-9+/]{43}=$/);
    for (const secret of [OTHER_SECRET, SECRET]) {
      assert.doesNotThrow(() => new Webhook(secret).verify(BODY, headers));
    }
  });
});
