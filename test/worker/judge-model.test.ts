import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, test } from 'node:test';
import { answered, BuiltinApi, observabilityError } from '../support/builtin.ts';
import { definition, judge, judgeOutput, JUDGES, MESSAGES, REGRESSION } from '../support/judges.ts';
import { until } from '../support/until.ts';
import { json, startUpstream, type Script, type ScriptedUpstream } from '../support/upstream.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

// The built-in backend with a Mistral key: judges ask their model, which a script stands in for.

const KEY = 'the-upstream-key-0123456789';
let upstream: ScriptedUpstream;
let worker: TestWorker;
let api: BuiltinApi;

const start = async (vars: Record<string, string> = {}) =>
  startWorker({
    OBSERVABILITY_BACKEND: 'builtin',
    MISTRAL_API_KEY: KEY,
    MISTRAL_BASE_URL: upstream.url,
    ...vars,
  });

before(async () => {
  upstream = await startUpstream();
  worker = await start();
  api = new BuiltinApi(worker, await worker.createClient());
});
after(async () => {
  await worker.dispose();
  upstream.close();
});

/** A chat completion whose text this is. */
const completion = (content: unknown) => ({
  id: 'x',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
});
const says = (answer: unknown) => JSON.stringify({ analysis: 'because', answer });

/** Answers the first request with the first script, and so on; the last one stays. */
function inTurn(...scripts: ((response: ServerResponse) => void)[]): Script {
  let turn = 0;
  return (_, response) => scripts[Math.min(turn++, scripts.length - 1)]?.(response);
}
const answering = (...contents: unknown[]) =>
  inTurn(
    ...contents.map(
      (content) => (response: ServerResponse) => json(response, 200, completion(content)),
    ),
  );

/** Judges with a judge of this output; tells the answer and how often the model was asked. */
async function judged(script: Script, change: object = {}, by = api) {
  const { id } = await by.expect([201, judge], 'POST', JUDGES, definition(change));
  upstream.script(script);
  const before = upstream.seen.length;
  const answer = await by.send('POST', `${JUDGES}/${id}/live-judging`, { messages: MESSAGES });
  return { answer, asked: upstream.seen.slice(before) };
}

async function failed(answer: Response, status: number, code: string): Promise<string> {
  const { detail } = await answered(answer, status, observabilityError);
  assert.equal(detail.error_code, code);
  assert.ok(!detail.message.includes(KEY), detail.message);
  return detail.message;
}

test('the model of the judge is asked, with the instructions, the conversation and the form', async () => {
  const { answer, asked } = await judged(answering(says('useless')), { model_name: 'some-model' });
  assert.deepEqual(await answered(answer, 200, judgeOutput), {
    analysis: 'because',
    answer: 'useless',
  });
  assert.equal(asked.length, 1);
  const [{ method, path, headers, body } = assert.fail()] = asked;
  assert.equal(`${method} ${path}`, 'POST /v1/chat/completions');
  assert.equal(headers.authorization, `Bearer ${KEY}`);
  const request = JSON.parse(body.toString()) as {
    model: string;
    messages: { content: string }[];
    response_format: { json_schema: { schema: { properties: { answer: object } } } };
  };
  assert.equal(request.model, 'some-model');
  const said = request.messages.map(({ content }) => content).join('\n');
  for (const part of ['Does the answer help?', 'What does a windsock show?', 'refuses or evades']) {
    assert.ok(said.includes(part), part);
  }
  assert.deepEqual(request.response_format.json_schema.schema.properties.answer, {
    type: 'string',
    enum: ['helpful', 'useless'],
  });
});

const malformed: [string, unknown, object][] = [
  ['no JSON', 'I think it is useless.', {}],
  ['an answer that is no option', says('mediocre'), {}],
  ['a number where an option is asked for', says(1), {}],
  ['no analysis', '{"answer":"useless"}', {}],
  ['nothing', null, {}],
  ['a score above the bounds', says(5.5), { output: REGRESSION }],
  ['a score below the bounds', says(0), { output: REGRESSION }],
  ['a score as a text', says('3'), { output: REGRESSION }],
];
for (const [what, content, change] of malformed) {
  test(`a model that answers ${what} is asked once more`, async () => {
    const good = 'output' in change ? 3 : 'useless';
    const { answer, asked } = await judged(answering(content, says(good)), change);
    assert.equal((await answered(answer, 200, judgeOutput)).answer, good);
    assert.equal(asked.length, 2);
  });

  test(`a model that answers ${what} twice is a JUDGE_MISTRAL_API_ERROR`, async () => {
    const { answer, asked } = await judged(answering(content), change);
    await failed(answer, 400, 'JUDGE_MISTRAL_API_ERROR');
    assert.equal(asked.length, 2);
  });
}

test('an answer that is no JSON at all is asked for once more, too', async () => {
  const page = (response: ServerResponse) => response.writeHead(200).end('<html>');
  const good = (response: ServerResponse) => json(response, 200, completion(says('useless')));
  const { answer, asked } = await judged(inTurn(page, good));
  await answered(answer, 200, judgeOutput);
  assert.equal(asked.length, 2);
});

for (const status of [302, 400, 401, 422, 429, 500, 503]) {
  test(`a ${status} of the Mistral API is told, its echo of the key is not`, async () => {
    const { answer, asked } = await judged((_, response) =>
      json(response, status, { message: `it broke, ${KEY}` }),
    );
    const message = await failed(answer, 400, 'JUDGE_MISTRAL_API_ERROR');
    assert.match(message, new RegExp(`${status}.*it broke`));
    assert.equal(asked.length, 1);
  });
}

test('an analysis that echoes the key is told without it', async () => {
  const content = JSON.stringify({ analysis: `I know ${KEY}`, answer: 'useless' });
  const { answer } = await judged(answering(content));
  const { analysis } = await answered(answer, 200, judgeOutput);
  assert.equal(analysis, 'I know [redacted]');
});

test('a connection that breaks off is a JUDGE_MISTRAL_API_ERROR', async () => {
  const atOnce = await judged((_, response) => void response.destroy());
  await failed(atOnce.answer, 400, 'JUDGE_MISTRAL_API_ERROR');
  const inBody = await judged((_, response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('{"choices":');
    setTimeout(() => response.destroy(), 50);
  });
  await failed(inBody.answer, 400, 'JUDGE_MISTRAL_API_ERROR');
});

test('a model that hangs, before its answer or within it, is a JUDGE_MISTRAL_API_TIMEOUT', async () => {
  const hasty = await start({ UPSTREAM_HEADERS_TIMEOUT_MS: '400' });
  try {
    const by = new BuiltinApi(hasty, await hasty.createClient());
    const hangs: Script[] = [
      () => undefined,
      (_, response) => void response.writeHead(200).write('{"choices":'),
      inTurn(
        (response) => json(response, 200, completion('malformed')),
        () => undefined,
      ),
    ];
    for (const script of hangs) {
      const { answer, asked } = await judged(script, {}, by);
      await failed(answer, 408, 'JUDGE_MISTRAL_API_TIMEOUT');
      await until('the request to be closed', () => asked.at(-1)?.wasAborted === true);
    }
  } finally {
    await hasty.dispose();
  }
});

test('a mistake in instructions or conversation is found without asking the model', async () => {
  const { answer, asked } = await judged(answering(says('useless')), {
    instructions: '{{ properties.missing }}',
  });
  await failed(answer, 400, 'TEMPLATE_ERROR');
  assert.equal(asked.length, 0);
});
