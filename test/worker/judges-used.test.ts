import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CAMPAIGNS } from '../support/campaigns.ts';
import { definition, JUDGES } from '../support/judges.ts';
import { send, startWorker, type TestWorker } from '../support/worker.ts';

let worker: TestWorker;

before(async () => {
  worker = await startWorker();
});
after(() => worker.dispose());

test('a judge that a campaign uses can be neither updated nor deleted, but fetched', async () => {
  const { key } = await worker.createClient();
  const call = (method: string, path: string, body?: object) =>
    send(worker.url + path, key, method, body);
  const created = async (path: string, body: object) => {
    const answer = await call('POST', path, body);
    assert.equal(answer.status, 201, path);
    return ((await answer.json()) as { id: string }).id;
  };
  const judge = `${JUDGES}/${await created(JUDGES, definition())}`;
  const campaign = await created(CAMPAIGNS, {
    search_params: { filters: null },
    judge_id: judge.slice(JUDGES.length + 1),
    name: 'a campaign',
    description: '',
    max_nb_events: 1,
  });
  for (const [method, body] of [
    ['PUT', definition({ description: 'another' })],
    ['DELETE'],
  ] as const) {
    const answer = await call(method, judge, body);
    assert.equal(answer.status, 409);
    assert.match(await answer.text(), /JUDGE_USED_IN_CAMPAIGN_CANNOT_BE_UPDATED/);
  }
  assert.equal((await call('GET', judge)).status, 200);
  assert.equal((await call('DELETE', `${CAMPAIGNS}/${campaign}`)).status, 204);
  assert.equal((await call('DELETE', judge)).status, 204);
});
