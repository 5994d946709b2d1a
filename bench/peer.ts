// Another gateway, on Node, to compare with: fetched from npm when asked for, into a folder that is removed again.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../test/support/until.ts';
import type { Target } from './client.ts';

// With a newer @hono/node-server, which npm would choose, it answers every stream with 500 (its issue 1389).
const BESIDE = { '@hono/node-server': '1.13.5', hono: '4.9.7' };
const PACKAGE = {
  private: true,
  dependencies: { '@portkey-ai/gateway': '1.15.2', ...BESIDE },
  overrides: BESIDE,
};
const ENDS_WITH_PARENT = 'data:text/javascript,process.on("disconnect",()=>process.exit())';

/** @param upstream where the peer sends the chats that it is asked */
export async function startPeer(
  upstream: string,
): Promise<{ target: Target; stop: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'windsock-peer-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(join(folder, 'package.json'), JSON.stringify(PACKAGE));
    const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    execFileSync('npm', install, { cwd: folder, stdio: 'ignore' });
    const port = await freePort();
    const main = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js');
    const child = fork(main, [`--port=${port}`, '--headless'], {
      cwd: folder,
      execArgv: ['--import', ENDS_WITH_PARENT],
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: 'ignore',
    });
    const stop = async () => {
      if (child.kill()) await once(child, 'exit');
      await remove();
    };
    const url = `http://127.0.0.1:${port}`;
    await until('the peer to listen', () => fetch(url).catch(() => null)).catch(
      async (error: unknown) => {
        await stop();
        throw error;
      },
    );
    const headers = {
      authorization: 'Bearer upstream-key',
      'x-portkey-provider': 'mistral-ai',
      'x-portkey-custom-host': `${upstream}/v1`,
    };
    const target = {
      name: 'Portkey 1.15.2 on Node',
      url: `${url}/v1/chat/completions`,
      headers,
      pid: child.pid ?? null,
    };
    return { target, stop };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
