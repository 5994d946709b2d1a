import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { definition, JUDGES } from '../support/judges.ts';
import { startReceiver } from '../support/receiver.ts';
import { ADMIN_KEY, send, startWorker } from '../support/worker.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

/** The curl commands of a page as they are pasted: those of its shell blocks, and those within its text. */
async function commandsOf(page: string): Promise<string[]> {
  const text = await readFile(join(ROOT, page), 'utf8');
  const blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block);
  const inText = [...text.matchAll(/`(curl "http[^`]*)`/g)].map(([, command = '']) => command);
  return [...blocks.flatMap((block) => block.split(/^(?=curl )/m)), ...inText].filter((command) =>
    command.startsWith('curl '),
  );
}

for (const [page, least] of [
  ['README.md', 13],
  ['docs/schedules.md', 2],
] as const) {
  test(`the commands of ${page} work as they are written`, async (t) => {
    const { url, createClient, dispose } = await startWorker();
    t.after(dispose);
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    const folder = await mkdtemp(join(tmpdir(), 'windsock-readme-'));
    t.after(() => rm(folder, { recursive: true }));
    await cp(join(ROOT, 'examples/support.jsonl'), join(folder, 'examples/support.jsonl'));
    const { key } = await createClient();
    const make = async (path: string, body: object) => {
      const answer = await send(url + path, key, 'POST', body);
      assert.equal(answer.status, 201, await answer.clone().text());
      return ((await answer.json()) as { id: string }).id;
    };

    const form = new FormData();
    form.set(
      'file',
      new Blob([await readFile(join(ROOT, 'examples/support.jsonl'))]),
      'rows.jsonl',
    );
    const headers = { authorization: `Bearer ${key}` };
    const upload = await fetch(`${url}/v1/files`, { method: 'POST', headers, body: form });
    const file = ((await upload.json()) as { id: string }).id;
    const campaign = await make('/v1/observability/campaigns', {
      name: 'campaign',
      description: '',
      judge_id: await make(JUDGES, definition()),
      max_nb_events: 5,
      search_params: { filters: null },
    });
    const env: Record<string, string> = {
      PATH: process.env['PATH'] ?? '',
      ADMIN_KEY,
      KEY: key,
      FILE: file,
      DATASET: await make('/datasets', { name: 'from the page' }),
    };

    const commands = await commandsOf(page);
    assert.ok(commands.length >= least, `${commands.length} commands`);
    for (const command of commands) {
      const adapted = command
        .replaceAll('http://localhost:8787', url)
        .replaceAll('https://example.com/hook', receiver.url)
        .replace('{"id":"…"}', `{"id":"${campaign}"}`);
      const script = `curl() { command curl --silent --show-error --fail-with-body "$@"; }\n${adapted}`;
      const { stdout } = await run('bash', ['-ec', script], { cwd: folder, env });
      if (stdout.startsWith('{"id":"sch_')) {
        env['SCHEDULE'] = (JSON.parse(stdout) as { id: string }).id;
      }
      if (stdout.startsWith('{"id":"hook_')) {
        const hook = JSON.parse(stdout) as { url: string; secret: string };
        Object.assign(env, { HOOK_URL: hook.url, HOOK_SECRET: hook.secret });
      }
    }
  });
}
