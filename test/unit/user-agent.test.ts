import assert from 'node:assert/strict';
import { test } from 'node:test';
import manifest from '../../package.json' with { type: 'json' };
import { WEBHOOK_USER_AGENT } from '../../src/webhook/deliver.ts';

test('the user agent of webhooks tells the version of this package', () => {
  assert.equal(WEBHOOK_USER_AGENT, `Windsock-Webhooks/${manifest.version}`);
});
