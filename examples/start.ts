// `npm start`: the Worker on this machine, with a demo client and commands to paste.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { call, type NewClient } from './api.ts';
import { devVars, freePort, ROOT, startDevServer } from './dev-server.ts';

const STATE = join(ROOT, '.wrangler', 'state');
const DEMO_CLIENT = join(STATE, 'demo-client.json');

/** The demo client, and where the Worker ran that knew it last. */
type DemoClient = NewClient & { url?: string };

const port = Number(process.env['PORT'] ?? 8787);
if (!Number.isInteger(port) || port < 1 || port > 65_535) {
  console.error('PORT must be a number from 1 to 65535.');
  process.exit(1);
}
const adminKey = devVars()['ADMIN_KEY'];
if (adminKey === undefined) {
  console.error('ADMIN_KEY is missing in .dev.vars. Delete the file and a new one is made.');
  process.exit(1);
}

try {
  await refuseSecondStart();
  await freePort(port);
  let isShown = false;
  const onLine = (line: string) => {
    if (isShown) console.log(line);
  };
  const server = await startDevServer(port, STATE, { onLine });
  const onSignal = () => void server.stop();
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  try {
    show(server.url, await demoClient(server.url, adminKey));
    isShown = true;
    await server.ended;
  } finally {
    await server.stop();
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** Two Workers on one state lock each other out of its databases. @throws a message for people */
async function refuseSecondStart(): Promise<void> {
  const last = lastDemoClient();
  if (last?.url === undefined || !(await knows(last.url, last.key))) return;
  throw new Error(`Windsock runs already on ${last.url}; end it with Ctrl-C before another start.`);
}

/** The demo client of the last start while its key still holds, else a new one. */
async function demoClient(url: string, admin: string): Promise<DemoClient> {
  const last = lastDemoClient();
  const client =
    last !== null && (await knows(url, last.key))
      ? last
      : await call<NewClient>(`${url}/admin/clients`, admin, { name: 'demo' });
  mkdirSync(STATE, { recursive: true });
  writeFileSync(DEMO_CLIENT, JSON.stringify({ ...client, url }), { mode: 0o600 });
  return client;
}

function lastDemoClient(): DemoClient | null {
  try {
    return JSON.parse(readFileSync(DEMO_CLIENT, 'utf8')) as DemoClient;
  } catch {
    return null;
  }
}

/** Whether a Worker answers there that takes the key. */
async function knows(url: string, key: string): Promise<boolean> {
  try {
    await call(`${url}/imports?limit=1`, key);
    return true;
  } catch {
    return false;
  }
}

function show(url: string, { key, signing_secret }: DemoClient): void {
  const auth = `-H "authorization: Bearer ${key}"`;
  const json = '-H "content-type: application/json"';
  const chat = (more: string) =>
    `-d "{\\"model\\":\\"mistral-small-latest\\",\\"messages\\":[{\\"role\\":\\"user\\",\\"content\\":\\"Which way does the wind blow?\\"}]${more}}"`;
  console.log(`
Windsock runs on ${url} (Ctrl-C ends it).

Key of the demo client: ${key}
Its webhooks are signed with: ${signing_secret}

A chat:
  curl ${url}/v1/chat/completions ${auth} ${json} ${chat('')}

A streamed chat:
  curl -N ${url}/v1/chat/completions ${auth} ${json} ${chat(',\\"stream\\":true')}

A JSONL import with its progress:
  npm run import -- ${url} ${key} examples/support.jsonl

The health page:
  curl ${url}/health

Every call, to read: ${url}/docs
`);
}
