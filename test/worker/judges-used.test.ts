import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Miniflare } from 'miniflare';
import { definition, JUDGES } from '../support/judges.ts';
import { createClient, send, workerOptions } from '../support/worker.ts';

/** Runs the Worker on a folder; its clients, judges and campaigns are there when it runs on it again. */
async function running<T>(folder: string, use: (url: string) => Promise<T>): Promise<T> {
  const miniflare = new Miniflare(workerOptions({}, 0, folder));
  try {
    return await use((await miniflare.ready).origin);
  } finally {
    await miniflare.dispose();
  }
}

/** Writes a campaign straight into the workspace's tables: what counts here is only that it is there. */
async function addCampaign(folder: string, judgeId: string): Promise<void> {
  const files = await readdir(folder, { recursive: true });
  const paths = files.filter((file) => /Workspace.*[0-9a-f]{64}\.sqlite$/.test(file));
  assert.equal(paths.length, 1, files.join('\n'));
  const database = new DatabaseSync(join(folder, paths[0] ?? ''));
  database
    .prepare(
      `INSERT INTO campaigns
         (id, name, description, judge_id, max_nb_events, search_params, status, nb_events, created_at, updated_at)
       VALUES ('c', 'campaign', '', ?, 1, '{}', 'COMPLETED', 0, 0, 0)`,
    )
    .run(judgeId);
  database.close();
}

test('a judge that a campaign uses can be neither updated nor deleted, but fetched', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'windsock-judges-'));
  try {
    const { key, id } = await running(folder, async (url) => {
      const { key } = await createClient(url);
      const created = await send(url + JUDGES, key, 'POST', definition());
      return { key, id: ((await created.json()) as { id: string }).id };
    });
    await addCampaign(folder, id);
    await running(folder, async (url) => {
      for (const [method, body] of [['PUT', definition()], ['DELETE']] as const) {
        const answer = await send(`${url}${JUDGES}/${id}`, key, method, body);
        assert.equal(answer.status, 409);
        assert.match(await answer.text(), /JUDGE_USED_IN_CAMPAIGN_CANNOT_BE_UPDATED/);
      }
      assert.equal((await send(`${url}${JUDGES}/${id}`, key, 'GET')).status, 200);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
