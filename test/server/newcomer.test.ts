import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '../../examples/dev-server.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { createClient, send } from '../support/worker.ts';

const ROOT = join(import.meta.dirname, '..', '..');
let clone: string;

before(async () => {
  // As after a fresh clone and `npm ci`: no .dev.vars, no state.
  clone = await mkdtemp(join(tmpdir(), 'windsock-clone-'));
  for (const name of ['src', 'examples', 'package.json', 'tsconfig.json', 'wrangler.toml']) {
    await cp(join(ROOT, name), join(clone, name), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
});
after(() => rm(clone, { recursive: true, force: true }));

interface Run {
  child: ChildProcess;
  output: () => string;
  exit: Promise<[number | null]>;
}

/** Runs an npm script in a process group of its own, as a terminal does. */
function npm(script: string, port: number, env: Record<string, string> = {}): Run {
  const child = spawn('npm', ['run', script], {
    cwd: clone,
    detached: true,
    env: { ...process.env, PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  return { child, output: () => output, exit: once(child, 'exit') as Promise<[number | null]> };
}

/** The exit code of a run that has to end by itself. */
async function codeOf({ child }: Run): Promise<number | null> {
  await until('the run to end', () => child.exitCode !== null || child.signalCode !== null, 30_000);
  return child.exitCode;
}

/** Whether any process of a group is still there. */
function isAlive({ child }: Run): boolean {
  try {
    process.kill(-(child.pid ?? 0), 0);
    return true;
  } catch {
    return false;
  }
}

/** Runs a command that was shown to paste, and returns what it prints. */
async function paste(command: string): Promise<string> {
  const child = spawn(command, { cwd: clone, shell: true, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0, `${command}\n${output}`);
  return output;
}

test('npm start makes secrets and a demo client, its four commands work, Ctrl-C leaves nothing', async (t) => {
  const port = await freePort(0);
  const run = npm('start', port);
  t.after(() => isAlive(run) && process.kill(-(run.child.pid ?? 0), 'SIGKILL'));
  await until('the commands', () => run.output().includes('/health\n'), 60_000);

  const vars = await readFile(join(clone, '.dev.vars'), 'utf8');
  assert.match(vars, /^ADMIN_KEY="[\w-]{43}"$/m);
  assert.equal((await stat(join(clone, '.dev.vars'))).mode & 0o077, 0, 'for the owner alone');

  const commands = run
    .output()
    .split('\n')
    .filter((line) => /^ {2}(?:curl|npm) /.test(line));
  const [chat, stream, importing, health] = commands.map((line) => line.trim());
  assert.equal(commands.length, 4);
  assert.match(await paste(chat ?? ''), /"object":"chat\.completion".*"usage":/);
  assert.match(await paste(stream ?? ''), /^data: \{[\s\S]*data: \[DONE\]\n\n$/);
  assert.match(await paste(importing ?? ''), /100 % {2}completed/);
  assert.match(await paste(health ?? ''), /"status":"ok"/);

  process.kill(-(run.child.pid ?? 0), 'SIGINT');
  await run.exit;
  await until('every process to end', () => !isAlive(run));
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
});

test('a second start keeps the secrets and the demo client', async (t) => {
  const secrets = await readFile(join(clone, '.dev.vars'), 'utf8');
  const client = await readFile(join(clone, '.wrangler/state/demo-client.json'), 'utf8');
  const run = npm('start', await freePort(0));
  t.after(() => isAlive(run) && process.kill(-(run.child.pid ?? 0), 'SIGKILL'));
  await until('the commands', () => run.output().includes('/health\n'), 60_000);
  assert.equal(await readFile(join(clone, '.dev.vars'), 'utf8'), secrets);
  assert.ok(run.output().includes((JSON.parse(client) as { key: string }).key));
  process.kill(-(run.child.pid ?? 0), 'SIGINT');
  await run.exit;
  await until('every process to end', () => !isAlive(run));
});

test('a second start beside a running one is told where it runs, and nothing starts', async (t) => {
  const first = npm('start', await freePort(0));
  t.after(() => isAlive(first) && process.kill(-(first.child.pid ?? 0), 'SIGKILL'));
  await until('the commands', () => first.output().includes('/health\n'), 60_000);
  const [url = ''] = /http:\/\/localhost:\d+/.exec(first.output()) ?? [];

  const second = npm('start', await freePort(0));
  t.after(() => isAlive(second) && process.kill(-(second.child.pid ?? 0), 'SIGKILL'));
  assert.equal(await codeOf(second), 1);
  assert.ok(second.output().includes(`Windsock runs already on ${url}`), second.output());
  assert.ok(!second.output().includes('    at '), 'no stack');

  process.kill(-(first.child.pid ?? 0), 'SIGINT');
  await first.exit;
  await until('every process to end', () => !isAlive(first));
});

test('a start with a wrong value in .dev.vars names it and ends', async (t) => {
  const vars = join(clone, '.dev.vars');
  const secrets = await readFile(vars, 'utf8');
  await writeFile(vars, `${secrets}POLL_MIN_MS="1s"\n`);
  t.after(() => writeFile(vars, secrets));
  const run = npm('start', await freePort(0));
  t.after(() => isAlive(run) && process.kill(-(run.child.pid ?? 0), 'SIGKILL'));
  assert.equal(await codeOf(run), 1);
  assert.match(run.output(), /POLL_MIN_MS must be a whole number/);
  await until('every process to end', () => !isAlive(run));
});

test('a port that is taken is told in one clear line, and nothing starts', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1');
  t.after(() => holder.close());
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  const run = npm('start', port);
  const [code] = await run.exit;
  assert.equal(code, 1);
  assert.match(
    run.output(),
    new RegExp(`Port ${port} is taken\\. Choose another one: PORT=${port + 1} npm start`),
  );
  assert.ok(!run.output().includes('    at '), 'no stack');
});

test('npm run demo shows a verified webhook and a streamed chat, and ends by itself within 30 s', async (t) => {
  const run = npm('demo', 0);
  t.after(() => isAlive(run) && process.kill(-(run.child.pid ?? 0), 'SIGKILL'));
  const startedAt = performance.now();
  const [code] = await run.exit;
  assert.equal(code, 0, run.output());
  assert.ok(performance.now() - startedAt < 30_000);
  const output = run.output();
  assert.match(output, /webhook-signature: v1,/);
  assert.match(output, /"type":"import\.completed"/);
  assert.match(output, /signature verified/);
  assert.match(output, /A streamed chat:\s+This is the offline model of Windsock/);
  await until('every process to end', () => !isAlive(run));
});

test('with a key in .dev.vars, and nothing else, the demo runs against the Mistral API', async (t) => {
  // Stands where Mistral would be: a Windsock of its own, which answers the same paths.
  const mistral = await startServer({});
  t.after(() => mistral.dispose());
  const { key } = await createClient(mistral.url);
  const vars = join(clone, '.dev.vars');
  const secrets = await readFile(vars, 'utf8');
  await writeFile(vars, `${secrets}MISTRAL_API_KEY="${key}"\nMISTRAL_BASE_URL="${mistral.url}"\n`);
  const run = npm('demo', 0);
  t.after(() => isAlive(run) && process.kill(-(run.child.pid ?? 0), 'SIGKILL'));
  const [code] = await run.exit;
  assert.equal(code, 0, run.output());
  assert.match(run.output(), /signature verified/);
  const list = await send(`${mistral.url}/v1/observability/datasets`, key, 'GET');
  const { datasets } = (await list.json()) as { datasets: { count: number } };
  assert.equal(datasets.count, 1, 'the dataset is on the other side');
});

test('an import that cannot be made is told in one line', async () => {
  for (const [url, file, told] of [
    ['http://localhost:9', 'examples/support.jsonl', 'Cannot reach http://localhost:9/datasets: '],
    ['http://localhost:9', 'nofile.jsonl', 'ENOENT'],
  ] as const) {
    const child = spawn('node', ['examples/import.ts', url, 'wsk_0', file], { cwd: clone });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 1);
    assert.ok(output.includes(told), output);
    assert.equal(output.trimEnd().split('\n').length, 1, output);
  }
});

test('Ctrl-C while the demo starts leaves no process and no folder', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'windsock-interrupted-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const run = npm('demo', 0, { TMPDIR: folder });
  t.after(() => isAlive(run) && process.kill(-(run.child.pid ?? 0), 'SIGKILL'));
  const demos = async () =>
    (await readdir(folder)).filter((name) => name.startsWith('windsock-demo-'));
  await until('its folder', async () => (await demos()).length === 1);
  await until('its Worker', async () => {
    const [demo = ''] = await demos();
    return (await readdir(join(folder, demo))).length > 0;
  });
  process.kill(-(run.child.pid ?? 0), 'SIGINT');
  await run.exit;
  await until('every process to end', () => !isAlive(run));
  assert.deepEqual(await demos(), []);
  assert.ok(!run.output().includes('    at '), run.output());
});

test('the sample file holds 200 conversations that every line check accepts', async () => {
  const { checkRow } = await import('../../src/domain/jsonl.ts');
  const lines = (await readFile(join(ROOT, 'examples/support.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n');
  assert.equal(lines.length, 200);
  for (const line of lines) assert.ok(checkRow(line).ok);
});
