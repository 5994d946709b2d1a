// `npm run demo`: an import, its signed webhook and a streamed chat, from nothing to the end.
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { call, events, importFile, showProgress, type NewClient } from './api.ts';
import { devVars, freePort, ROOT, startDevServer } from './dev-server.ts';

const WEBHOOK_DEADLINE_MS = 20_000;
const FILE = 'support.jsonl';

const adminKey = devVars()['ADMIN_KEY'];
if (adminKey === undefined) throw new Error('ADMIN_KEY is missing in .dev.vars.');
const state = await mkdtemp(join(tmpdir(), 'windsock-demo-'));
const receiver = await openReceiver();
console.log('Starting the Worker …');
const starting = startDevServer(await freePort(0), state, {
  // Polled fast, to show more of the progress of so small an import.
  vars: { CALLBACK_ALLOW_PRIVATE: 'true', POLL_MIN_MS: '10' },
});
process.on('SIGINT', () => {
  process.exitCode = 130;
  void close().then(() => process.exit());
});
try {
  const { url } = await starting;
  const client = await call<NewClient>(`${url}/admin/clients`, adminKey, { name: 'demo' });

  const file = new Uint8Array(await readFile(join(ROOT, 'examples', FILE)));
  console.log(`Importing ${FILE} (${file.length} bytes) with a callback to ${receiver.url}`);
  const started = await importFile(url, client.key, FILE, file, receiver.url);
  await showProgress(url, client.key, started.id);

  const { headers, body } = await receiver.webhook;
  console.log('\nThe webhook as it came:');
  for (const [name, value] of Object.entries(headers)) {
    if (/^(?:webhook-|content-type|user-agent)/.test(name))
      console.log(`  ${name}: ${String(value)}`);
  }
  console.log(`\n  ${body}\n`);
  new Webhook(client.signing_secret).verify(body, headers as Record<string, string>);
  console.log('  signature verified\n');

  console.log('A streamed chat:\n');
  await streamChat(url, client.key);
} catch (error) {
  // Ctrl-C reaches the Worker as well, and what waited for it fails: nothing to tell.
  if (process.exitCode !== 130) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
} finally {
  await close();
}

async function close(): Promise<void> {
  receiver.close();
  const server = await starting.catch(() => null);
  await server?.stop();
  await rm(state, { recursive: true, force: true });
}

async function streamChat(url: string, key: string): Promise<void> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'mistral-small-latest',
      stream: true,
      messages: [{ role: 'user', content: 'Why does a windsock have stripes?' }],
    }),
  });
  process.stdout.write('  ');
  for await (const data of events(response)) {
    if (data === '[DONE]') break;
    const chunk = JSON.parse(data) as { choices: { delta: { content?: string } }[] };
    process.stdout.write(chunk.choices[0]?.delta.content ?? '');
  }
  process.stdout.write('\n');
}

/** Opens a receiver on loopback that keeps the first webhook it gets. */
async function openReceiver() {
  let resolve: (webhook: { headers: IncomingHttpHeaders; body: string }) => void;
  let reject: (error: Error) => void;
  const webhook = new Promise<{ headers: IncomingHttpHeaders; body: string }>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  webhook.catch(() => undefined);
  const timer = setTimeout(
    () => reject(new Error('No webhook came in time.')),
    WEBHOOK_DEADLINE_MS,
  );
  const http = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      response.writeHead(204).end();
      clearTimeout(timer);
      resolve({ headers: request.headers, body });
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/webhooks`,
    webhook,
    close: () => {
      clearTimeout(timer);
      http.close();
      http.closeAllConnections();
    },
  };
}
