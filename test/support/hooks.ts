import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { taskBody } from './tasks.ts';
import { json, startUpstream, type Script, type ScriptedUpstream } from './upstream.ts';
import { send, startWorker, type TestClient, type TestWorker } from './worker.ts';

export const DATASET = randomUUID();

/** What a call brings. */
export const CONTENT = { data: { campaign: { id: 'c-1' } } };

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

/** A Worker with one client, in front of an upstream whose imports are completed at once. */
export interface HookSide {
  upstream: ScriptedUpstream;
  worker: TestWorker;
  client: TestClient;
  make: (settings?: object, by?: TestClient) => Promise<TestHook>;
  log: (hook: TestHook, by?: TestClient) => Promise<LoggedCall[]>;
  /** The bodies of the start calls that reached the upstream. */
  starts: () => string[];
  /** Forgets what the upstream has seen, and how it was scripted. */
  reset: () => void;
  dispose: () => Promise<void>;
}

export async function startHookSide(): Promise<HookSide> {
  const upstream = await startUpstream();
  const worker = await startWorker({
    MISTRAL_BASE_URL: upstream.url,
    MISTRAL_API_KEY: 'mistral-key-that-stays-inside',
    POLL_MIN_MS: '20',
    POLL_MAX_MS: '100',
  });
  const client = await worker.createClient();
  return {
    upstream,
    worker,
    client,
    make: (settings = {}, by = client) =>
      createHook(worker.url, by, { dataset_id: DATASET, ...settings }),
    log: (hook, by = client) => callsOf(worker.url, by, hook),
    starts: () =>
      upstream.seen.filter(({ method }) => method === 'POST').map(({ body }) => body.toString()),
    reset: () => {
      upstream.seen.splice(0);
      upstream.script(completeAtOnce);
    },
    dispose: async () => {
      await worker.dispose();
      upstream.close();
    },
  };
}

/** Starts any import, and says of each that it is completed. */
export const completeAtOnce: Script = ({ method, path }, response) => {
  if (method === 'POST') return json(response, 202, taskBody(randomUUID(), DATASET));
  const id = path.split('/').at(-1) ?? '';
  return json(response, 200, taskBody(id, DATASET, { status: 'COMPLETED', progress: 100 }));
};

/** What a call was answered. */
export interface CallAnswer {
  status: number;
  isReplayed: boolean;
  location: string | null;
  body: {
    id?: string;
    error?: {
      code: string;
      message: string;
      position?: number;
      details?: { path: string; message: string }[];
    };
  };
}

export async function answerOf(asked: Response | Promise<Response>): Promise<CallAnswer> {
  const response = await asked;
  return {
    status: response.status,
    isReplayed: response.headers.get('idempotency-replayed') === 'true',
    location: response.headers.get('location'),
    body: (await response.json()) as CallAnswer['body'],
  };
}

/** Checks that a request was refused, and returns the error. */
export async function refused(asked: Response | Promise<Response>, status: number, code: string) {
  const { body, ...answer } = await answerOf(asked);
  assert.equal(answer.status, status, JSON.stringify(body));
  assert.equal(body.error?.code, code);
  return body.error;
}
