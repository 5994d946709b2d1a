import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BuiltinApi } from '../support/builtin.ts';
import { newEvent, recordEvents } from '../support/events.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

const EVENTS = '/v1/observability/chat-completion-events';
const FIELDS = '/v1/observability/chat-completion-fields';

let worker: TestWorker;
let api: BuiltinApi;

before(async () => {
  worker = await startWorker();
  api = new BuiltinApi(worker, await worker.createClient());
  await recordEvents(
    worker,
    Array.from({ length: 20 }, () => newEvent()),
  );
});
after(() => worker.dispose());

const deep = (levels: number) => `${'{"AND":['.repeat(levels)}{}${']}'.repeat(levels)}`;

/** What stands for the filter in the body, as it is sent, and the status that answers it. */
const FILTERS: [string, number][] = [
  ['null', 200],
  ['{}', 200],
  ['{"AND":null,"OR":[],"more":1}', 200],
  ['7', 422],
  ['[]', 422],
  ['"model_name"', 422],
  ['{"AND":{}}', 400],
  ['{"AND":[7]}', 400],
  ['{"field":"model_name","op":"eq"}', 400],
  ['{"field":"colour","op":"eq","value":1}', 400],
  ['{"field":"__judge_x","op":"eq","value":"x"}', 400],
  ['{"field":{},"op":[],"value":{}}', 400],
  ['{"field":"model_name","op":"like","value":"x"}', 400],
  ['{"field":"model_name","op":"eq","value":["x"]}', 400],
  ['{"field":"input_tokens","op":"gt","value":1e400}', 400],
  ['{"field":"input_tokens","op":"gt","value":-1e308}', 200],
  ['{"field":"timestamp","op":"gt","value":"yesterday"}', 400],
  ['{"field":"timestamp","op":"gt","value":"9999-12-31T23:59:59Z"}', 200],
  ['{"field":"model_name","op":"matches","value":"("}', 400],
  ['{"field":"model_name","op":"matches","value":"(a*)*$"}', 200],
  ['{"field":"model_name","op":"contains","value":"\\u0000"}', 200],
  ['{"field":"model_name","op":"neq","value":"\\ud800"}', 200],
  [`{"field":"model_name","op":"eq","value":"'; DROP TABLE events; --"}`, 200],
  ['{"__proto__":{"AND":[]},"constructor":1}', 200],
  [deep(99), 200],
  [deep(100), 400],
  [deep(50_000), 400],
  [`{"AND":[${Array(1001).fill('{"field":"streamed","op":"eq","value":true}').join(',')}]}`, 400],
  [`{"field":"model_name","op":"eq","value":"${'x'.repeat(110_000)}"}`, 400],
];

for (const [filters, status] of FILTERS) {
  test(`the filter ${filters.slice(0, 80)} is answered ${status} everywhere`, async () => {
    const paths: [string, string][] = [
      [`${EVENTS}/search`, 'search_params'],
      [`${EVENTS}/search-ids`, 'search_params'],
      [`${FIELDS}/model_name/options-counts`, 'filter_params'],
    ];
    for (const [path, name] of paths) {
      const answer = await api.send('POST', path, `{"${name}":{"filters":${filters}}}`);
      const text = await answer.text();
      assert.equal(answer.status, status, `${path}: ${text.slice(0, 300)}`);
      if (status === 400) assert.match(text, /"error_code":"SEARCH_BAD_REQUEST"/);
    }
  });
}
