import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseEnv } from 'node:util';

/** The folder that holds wrangler.toml. */
export const ROOT = join(import.meta.dirname, '..');

const DEV_VARS = join(ROOT, '.dev.vars');
const READY_DEADLINE_MS = 90_000;
const STOP_DEADLINE_MS = 10_000;

export interface DevServerOptions {
  /** Vars that hold for this run. */
  vars?: Record<string, string>;
  /** Takes each line that the server prints. */
  onLine?: (line: string) => void;
}

/** A Worker that runs on this machine. */
export interface DevServer {
  url: string;
  /** Ends the server and everything that it started. */
  stop: () => Promise<void>;
  /** Resolves when the server has ended, by itself or by {@link stop}. */
  ended: Promise<void>;
}

/** Secrets of the local Worker; written on the first start, git-ignored. */
export function devVars(): Record<string, string | undefined> {
  if (!existsSync(DEV_VARS)) {
    const lines = [
      '# Secrets of the Worker on this machine. Git ignores this file; `npm start` wrote it.',
      `ADMIN_KEY="${randomBytes(32).toString('base64url')}"`,
      '# A key here makes Windsock relay to Mistral instead of serving its own backend:',
      '# MISTRAL_API_KEY="…"',
      '# Lets webhooks go to receivers on this machine; leave it out where you deploy.',
      'CALLBACK_ALLOW_PRIVATE="true"',
    ];
    writeFileSync(DEV_VARS, `${lines.join('\n')}\n`, { mode: 0o600 });
  }
  return parseEnv(readFileSync(DEV_VARS, 'utf8'));
}

/** A port that nothing listens on; throws a message for people when the one asked for is taken. */
export async function freePort(wanted: number): Promise<number> {
  const server = createServer();
  server.listen(wanted, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'is taken' : 'cannot be used';
    throw new Error(`Port ${wanted} ${reason}. Choose another one: PORT=${wanted + 1} npm start`, {
      cause: error,
    });
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : wanted;
}

/**
 * Runs the Worker with `wrangler dev` and resolves once it answers.
 * @param stateFolder where KV and Durable Objects are kept
 */
export async function startDevServer(
  port: number,
  stateFolder: string,
  { vars = {}, onLine = () => undefined }: DevServerOptions = {},
): Promise<DevServer> {
  const wrangler = join(ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js');
  const child = spawn(
    process.execPath,
    [
      wrangler,
      'dev',
      ...['--port', String(port), '--ip', '127.0.0.1', '--inspector-port', '0'],
      ...['--persist-to', stateFolder, '--show-interactive-dev-session', 'false'],
      ...Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
    ],
    {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_HIDE_BANNER: 'true' },
    },
  );
  const ended = once(child, 'exit').then(() => undefined);
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await ended;
    clearTimeout(timer);
  };
  const printed: string[] = [];
  const ready = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        printed.push(line);
        onLine(line);
        if (/Ready on http/.test(line)) resolve();
      });
    }
  });
  const failed = ended.then(() => {
    throw new Error(`The Worker did not start:\n${printed.join('\n')}`);
  });
  failed.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error('The Worker did not start in time.')),
      READY_DEADLINE_MS,
    );
  });
  try {
    await Promise.race([ready, failed, late]);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return { url: `http://localhost:${port}`, stop, ended };
}
