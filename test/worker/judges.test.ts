import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Mistral } from '@mistralai/mistralai';
import { ObservabilityError } from '@mistralai/mistralai/models/errors';
import { answered, BuiltinApi, NOWHERE, observabilityError } from '../support/builtin.ts';
import {
  definition,
  EVENTS,
  judge,
  judgeList,
  judgeOutput,
  JUDGES,
  MESSAGES,
  recordChat,
  REGRESSION,
} from '../support/judges.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

let worker: TestWorker;
let api: BuiltinApi;
let mistral: Mistral;

before(async () => {
  worker = await startWorker();
  const client = await worker.createClient();
  api = new BuiltinApi(worker, client);
  mistral = new Mistral({ serverURL: worker.url, apiKey: client.key });
});
after(() => worker.dispose());

const create = (change: object = {}) =>
  api.expect([201, judge], 'POST', JUDGES, definition(change));

/** Checks status and code of a refusal. */
async function refused(response: Promise<Response>, status: number, code: string): Promise<string> {
  const { detail } = await answered(await response, status, observabilityError);
  assert.equal(detail.error_code, code, detail.message);
  return detail.message;
}

describe('a saved judge', () => {
  test('is answered as it was defined, by create, fetch and list', async () => {
    const sent = definition({ output: REGRESSION, tools: ['web_search'] });
    const created = await api.expect([201, judge], 'POST', JUDGES, sent);
    const { name, description, model_name, instructions, output, tools } = created;
    assert.deepEqual({ name, description, model_name, instructions, output, tools }, sent);
    assert.deepEqual(await api.expect([200, judge], 'GET', `${JUDGES}/${created.id}`), created);
    const upper = `${JUDGES}/${created.id.toUpperCase()}`;
    assert.deepEqual(await api.expect([200, judge], 'GET', upper), created);
    const { judges } = await api.expect([200, judgeList], 'GET', JUDGES);
    assert.deepEqual(judges.results[0], created);
  });

  test('may leave out type and bounds where the OpenAPI has defaults', async () => {
    const { options } = definition().output;
    assert.equal((await create({ output: { options } })).output.type, 'CLASSIFICATION');
    const described = { type: 'REGRESSION', min_description: '', max_description: '' };
    assert.deepEqual((await create({ output: described })).output, {
      ...described,
      min: 0,
      max: 1,
    });
  });

  test('keeps texts of any script, and a lone surrogate harms nothing', async () => {
    const text = 'ß Σ 風 \u0000 "{}" \u{1F4A8}';
    const { id } = await create({ description: text, instructions: text });
    const fetched = await api.expect([200, judge], 'GET', `${JUDGES}/${id}`);
    assert.deepEqual([fetched.description, fetched.instructions], [text, text]);
    await create({ description: '\uD800' });
  });

  test('has a name of its own: the second of that name is a conflict, however many come at once', async () => {
    const { name } = await create();
    await refused(api.send('POST', JUDGES, definition({ name })), 409, 'JUDGE_NAME_ALREADY_EXISTS');
    const again = definition();
    const all = await Promise.all(Array.from({ length: 8 }, () => api.send('POST', JUDGES, again)));
    assert.deepEqual(
      all.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, ...Array<number>(7).fill(409)],
    );
  });

  test('is updated in place', async () => {
    const { id, created_at, updated_at } = await create();
    const changed = definition({ output: REGRESSION });
    const answer = await api.send('PUT', `${JUDGES}/${id}`, changed);
    assert.equal(answer.status, 204);
    assert.equal(await answer.text(), '');
    const fetched = await api.expect([200, judge], 'GET', `${JUDGES}/${id}`);
    assert.equal(fetched.name, changed.name);
    assert.deepEqual(fetched.output, REGRESSION);
    assert.equal(fetched.created_at, created_at);
    assert.ok(fetched.updated_at >= updated_at);
  });

  test('is not updated to what it is, nor to the name of another', async () => {
    const other = await create();
    const sent = definition();
    const { id } = await api.expect([201, judge], 'POST', JUDGES, sent);
    const put = (change: object) => api.send('PUT', `${JUDGES}/${id}`, { ...sent, ...change });
    await refused(put({}), 409, 'JUDGE_DID_NOT_CHANGE');
    await refused(put({ name: other.name }), 409, 'JUDGE_NAME_ALREADY_EXISTS');
    assert.equal((await put({ tools: ['x'] })).status, 204);
    assert.equal((await put({ tools: ['x'], description: '' })).status, 204);
  });

  test('is deleted, and its name is free again', async () => {
    const { id, name } = await create();
    assert.equal((await api.send('DELETE', `${JUDGES}/${id}`)).status, 204);
    for (const method of ['GET', 'DELETE']) {
      await refused(api.send(method, `${JUDGES}/${id}`), 404, 'JUDGE_NOT_FOUND');
    }
    await create({ name });
  });

  test('that does not exist is a 404 on every path', async () => {
    const path = `${JUDGES}/${NOWHERE}`;
    await refused(api.send('PUT', path, definition()), 404, 'JUDGE_NOT_FOUND');
    const judging = api.send('POST', `${path}/live-judging`, { messages: MESSAGES });
    await refused(judging, 404, 'JUDGE_NOT_FOUND');
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? definition() : undefined;
      await refused(api.send(method, `${JUDGES}/no-uuid`, body), 422, 'VALIDATION_ERROR');
    }
  });

  test('whose instructions can never be filled in is not saved', async () => {
    const send = (instructions: string) => api.send('POST', JUDGES, definition({ instructions }));
    await refused(send('{{ user_message'), 400, 'TEMPLATE_SYNTAX_ERROR');
    assert.match(await refused(send('{{ nonsense }}'), 400, 'TEMPLATE_ERROR'), /user_message/);
    const { id } = await create();
    const put = api.send('PUT', `${JUDGES}/${id}`, definition({ instructions: '{% if %}' }));
    await refused(put, 400, 'TEMPLATE_SYNTAX_ERROR');
  });

  test('that is too large for a row is refused, one just below is kept', async () => {
    const options = (count: number) =>
      Array.from({ length: count }, (_, n) => ({ value: `${n}`, description: '風'.repeat(1000) }));
    const large = definition({ output: { options: options(600) } });
    await refused(api.send('POST', JUDGES, large), 422, 'VALIDATION_ERROR');
    await create({ output: { options: options(480) }, tools: ['風'.repeat(100_000)] });
    const tools = ['風'.repeat(590_000)];
    await create({ tools, instructions: '風'.repeat(10_000) });
    const both = definition({ tools, output: { options: options(100) } });
    await refused(api.send('POST', JUDGES, both), 422, 'VALIDATION_ERROR');
  });
});

describe('the list of judges', () => {
  let own: BuiltinApi;
  let other: TestWorker;
  before(async () => {
    other = await startWorker();
    own = new BuiltinApi(other, await other.createClient());
    for (const [name, model_name, output] of [
      ['first judge', 'small', undefined],
      ['second judge', 'large', REGRESSION],
      ['third JUDGE', 'small', REGRESSION],
      ['something', 'other', undefined],
    ] as const) {
      await own.expect(
        [201, judge],
        'POST',
        JUDGES,
        definition({ name, model_name, ...(output && { output }) }),
      );
    }
  });
  after(() => other.dispose());

  const namesOf = async (query: string) => {
    const { judges } = await own.expect([200, judgeList], 'GET', `${JUDGES}?${query}`);
    return judges.results.map(({ name }) => name.split(' ')[0]).join(' ');
  };

  const queries: [string, string][] = [
    ['', 'something third second first'],
    ['q=judge', 'third second first'],
    ['q=%25', ''],
    ['q=', 'something third second first'],
    ['type_filter=REGRESSION', 'third second'],
    ['type_filter=REGRESSION&type_filter=CLASSIFICATION', 'something third second first'],
    ['model_filter=small', 'third first'],
    ['model_filter=small&model_filter=other', 'something third first'],
    ['model_filter=', ''],
    ['model_filter=small&type_filter=REGRESSION&q=THIRD', 'third'],
    ['page_size=3', 'something third second'],
    ['page_size=3&page=2', 'first'],
    ['page_size=0', ''],
    [
      Array.from({ length: 200 }, (_, n) => `model_filter=m${n}`).join('&') + '&model_filter=small',
      'third first',
    ],
  ];
  for (const [query, expected] of queries) {
    test(`?${query.slice(0, 60)} gives: ${expected}`, async () => {
      assert.equal(await namesOf(query), expected);
    });
  }

  test('links its pages, filters kept', async () => {
    const path = `${JUDGES}?type_filter=REGRESSION&page_size=1`;
    const { judges } = await own.expect([200, judgeList], 'GET', path);
    assert.equal(judges.count, 2);
    const next = await own.expect([200, judgeList], 'GET', judges.next ?? '');
    assert.equal(next.judges.results[0]?.name, 'second judge');
    assert.equal(next.judges.next, null);
  });

  test('refuses what is no filter', async () => {
    const bad = [
      'type_filter=regression',
      'type_filter=',
      'page=0',
      'page_size=101',
      'page=x',
      'q=a&q=b',
    ];
    for (const query of bad) {
      await refused(own.send('GET', `${JUDGES}?${query}`), 422, 'VALIDATION_ERROR');
    }
  });
});

describe('live judging without a key', () => {
  const judging = (id: string, body: object) =>
    api.send('POST', `${JUDGES}/${id}/live-judging`, body);

  test('of a conversation by a saved judge: an option, and how the offline judge came to it', async () => {
    const { id } = await create();
    const output = await answered(await judging(id, { messages: MESSAGES }), 200, judgeOutput);
    assert.equal(output.answer, 'helpful');
    assert.match(output.analysis, /offline judge/);
  });

  test('of a conversation with properties: they are there for the instructions', async () => {
    const { id } = await create({ instructions: 'Expected: {{ properties.expected }}' });
    const good = { messages: MESSAGES, properties: { expected: 'wind' } };
    await answered(await judging(id, good), 200, judgeOutput);
    for (const properties of [{}, null, undefined]) {
      await refused(judging(id, { messages: MESSAGES, properties }), 400, 'TEMPLATE_ERROR');
    }
  });

  test('of what is no conversation is refused, never a fault of ours', async () => {
    const { id } = await create();
    const bad = [[], [{}], [{ role: 7 }], [{ role: 'user', content: { a: 1 } }]];
    for (const messages of bad) {
      await refused(judging(id, { messages }), 400, 'JUDGE_CONVERSATION_FORMAT_ERROR');
    }
    const deep = `{"messages":[{"role":"user","content":"x","tool_calls":${'['.repeat(50_000)}${']'.repeat(50_000)}}]}`;
    const { status } = await api.send('POST', `${JUDGES}/${id}/live-judging`, deep);
    assert.ok(status === 200 || status === 400, `${status}`);
  });

  test('of a recorded chat by a judge that is not saved', async () => {
    const eventId = await recordChat(worker, MESSAGES.slice(0, 1), MESSAGES.slice(1));
    const path = `${EVENTS}/${eventId}/live-judging`;
    const byOptions = { judge_definition: definition() };
    const chosen = await api.expect([200, judgeOutput], 'POST', path, byOptions);
    assert.equal(chosen.answer, 'helpful');
    const byScore = { judge_definition: definition({ output: REGRESSION }) };
    const { answer } = await api.expect([200, judgeOutput], 'POST', path, byScore);
    assert.ok(typeof answer === 'number' && answer >= 1 && answer <= 5);
    const { judges } = await api.expect(
      [200, judgeList],
      'GET',
      `${JUDGES}?q=${byOptions.judge_definition.name}`,
    );
    assert.equal(judges.count, 0);
  });

  test('of a recorded chat: its tools are there for the instructions', async () => {
    const tools = [{ type: 'function', function: { name: 'lookup', parameters: {} } }];
    const eventId = await recordChat(worker, MESSAGES, [], tools);
    const instructions = '{% if not available_tools %}{{ properties.fails }}{% endif %}';
    const body = { judge_definition: definition({ instructions }) };
    await api.expect([200, judgeOutput], 'POST', `${EVENTS}/${eventId}/live-judging`, body);
  });

  test('of an event that is not there, or holds no messages', async () => {
    const body = { judge_definition: definition() };
    const of = (id: string) => api.send('POST', `${EVENTS}/${id}/live-judging`, body);
    await refused(of(NOWHERE), 404, 'SEARCH_NOT_FOUND');
    await refused(of('no-uuid'), 422, 'VALIDATION_ERROR');
    const empty = await recordChat(worker, [], []);
    await refused(of(empty), 400, 'JUDGE_CONVERSATION_FORMAT_ERROR');
  });

  test('with a definition that is wrong', async () => {
    const eventId = await recordChat(worker, MESSAGES, []);
    const path = `${EVENTS}/${eventId}/live-judging`;
    const by = (change: object) => api.send('POST', path, { judge_definition: definition(change) });
    await refused(by({ name: 'four' }), 422, 'VALIDATION_ERROR');
    await refused(by({ output: { options: [] } }), 422, 'VALIDATION_ERROR');
    await refused(by({ instructions: '{{' }), 400, 'TEMPLATE_SYNTAX_ERROR');
    await refused(by({ instructions: '{{ x }}' }), 400, 'TEMPLATE_ERROR');
  });
});

describe('the official SDK', () => {
  const output = { type: 'CLASSIFICATION' as const, options: definition().output.options };
  const sdkDefinition = (name: string) => ({
    name,
    description: 'of the SDK',
    modelName: 'mistral-small-latest',
    instructions: '{{ user_message }} {{ assistant_message }}',
    output,
    tools: [],
  });

  test('creates, fetches, lists, updates, judges with and deletes a judge', async () => {
    const { judges } = mistral.beta.observability;
    const created = await judges.create(sdkDefinition('sdk judge'));
    assert.deepEqual(created.output, output);
    const judgeId = created.id;
    assert.deepEqual(await judges.fetch({ judgeId }), created);
    const list = await judges.list({
      q: 'SDK',
      typeFilter: ['CLASSIFICATION', 'REGRESSION'],
      modelFilter: ['mistral-small-latest'],
    });
    assert.deepEqual(list.judges.results, [created]);
    await judges.update({ judgeId, updateJudgeRequest: sdkDefinition('sdk judge 2') });
    assert.equal((await judges.fetch({ judgeId })).name, 'sdk judge 2');
    const judged = await judges.judgeConversation({
      judgeId,
      judgeConversationRequest: { messages: MESSAGES, properties: null },
    });
    assert.equal(judged.answer, 'helpful');
    await judges.delete({ judgeId });
    await assert.rejects(judges.fetch({ judgeId }), (error) => {
      assert.ok(error instanceof ObservabilityError);
      assert.equal(error.detail.errorCode, 'JUDGE_NOT_FOUND');
      return true;
    });
  });

  test('judges a recorded chat', async () => {
    const eventId = await recordChat(worker, MESSAGES, []);
    const { chatCompletionEvents } = mistral.beta.observability;
    const judgeDefinition = {
      ...sdkDefinition('sdk judge 3'),
      output: {
        type: 'REGRESSION' as const,
        min: 0,
        max: 10,
        minDescription: '',
        maxDescription: '',
      },
    };
    const judged = await chatCompletionEvents.judge({
      eventId,
      judgeChatCompletionEventRequest: { judgeDefinition },
    });
    assert.equal(typeof judged.answer, 'number');
  });
});
