import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { send, type TestClient } from './worker.ts';

/** A hook as it was answered when it was made. */
export interface TestHook {
  id: string;
  url: string;
  secret: string;
}

/** A call as the log has it. */
export interface LoggedCall {
  at: string;
  outcome: string;
  status: number;
  message: string | null;
  import_id: string | null;
  webhook_id: string | null;
}

/** Makes a hook of a campaign, whose id the calls bring, or what is given. */
export async function createHook(
  url: string,
  client: TestClient,
  settings: object,
): Promise<TestHook> {
  const answer = await send(`${url}/hooks`, client.key, 'POST', {
    name: 'a hook',
    import: { source: 'campaign' },
    map: { '/campaign_id': '/data/campaign/id' },
    ...settings,
  });
  const text = await answer.text();
  assert.equal(answer.status, 201, text);
  return JSON.parse(text) as TestHook;
}

/** The log of a hook, the newest first. */
export async function callsOf(
  url: string,
  client: TestClient,
  hook: TestHook,
): Promise<LoggedCall[]> {
  const answer = await send(`${url}/hooks/${hook.id}/calls`, client.key, 'GET');
  assert.equal(answer.status, 200);
  return ((await answer.json()) as { calls: LoggedCall[] }).calls;
}

/** What a sender of Standard Webhooks adds to its request. @param at milliseconds since the epoch */
export function signed(
  secret: string,
  id: string,
  body: string,
  at = Date.now(),
): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, new Date(at), body),
  };
}

/** Calls a hook as a sender of Standard Webhooks does; an object is sent as JSON. */
export function call(
  hook: TestHook,
  id: string,
  content: object | string,
  secret = hook.secret,
): Promise<Response> {
  const body = typeof content === 'string' ? content : JSON.stringify(content);
  return send(hook.url, null, 'POST', body, signed(secret, id, body));
}

/** What GitHub adds to its request. */
export function signedByGitHub(secret: string, body: string, id: string): Record<string, string> {
  return {
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    'x-github-delivery': id,
    'x-github-event': 'release',
  };
}
