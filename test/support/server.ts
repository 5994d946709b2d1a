import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { workerOptions } from './worker.ts';

/** A Worker in processes of its own, over one state folder, that can be killed and started again. */
export interface TestServer {
  /** Scheme, host and port; the same after a restart. */
  url: string;
  /** `kill -9` for the server and its workerd at once, as a crash of the machine would be. */
  kill: () => Promise<void>;
  /** Starts it again over the state that the last run left. */
  restart: () => Promise<void>;
  /** Kills it and removes its state. */
  dispose: () => Promise<void>;
}

export async function startServer(vars: Record<string, string>): Promise<TestServer> {
  const state = await mkdtemp(join(tmpdir(), 'windsock-test-'));
  let running = await launch(0, state, vars);
  const { url } = running;
  const port = Number(new URL(url).port);
  return {
    url,
    kill: () => running.kill(),
    restart: async () => {
      running = await launch(port, state, vars);
    },
    dispose: async () => {
      await running.kill();
      await rm(state, { recursive: true, force: true });
    },
  };
}

async function launch(port: number, state: string, vars: Record<string, string>) {
  const script = join(import.meta.dirname, 'run-server.ts');
  // Detached: a process group of its own, so that one signal reaches workerd too.
  const child = spawn(process.execPath, [script], { detached: true, stdio: 'pipe' });
  // Made here: the config of the Worker is read by wrangler, which takes longer to load than all the rest.
  child.stdin.end(JSON.stringify(workerOptions(vars, port, state)));
  const exited = once(child, 'exit');
  const kill = async () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, 'SIGKILL');
    await exited;
  };
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) throw new Error(`The server did not start: ${errors}`);
  child.stdout.resume();
  return { url: first.value, kill };
}
