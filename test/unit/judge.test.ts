import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Conversation } from '../../src/domain/conversation.ts';
import { judgeOffline } from '../../src/domain/judge-offline.ts';
import {
  judgeDefinition,
  judgeRequest,
  judgeTask,
  readJudgement,
  type JudgeDefinition,
  type JudgeOutputDefinition,
} from '../../src/domain/judge.ts';

const OPTIONS = [
  { value: 'excellent', description: 'answers the question clearly' },
  { value: 'poor', description: 'fails or refuses' },
];
const CLASSIFICATION = { type: 'CLASSIFICATION' as const, options: OPTIONS };
const REGRESSION = {
  type: 'REGRESSION' as const,
  min: 1,
  min_description: 'bad',
  max: 5,
  max_description: 'good',
};

function definition(change: Partial<JudgeDefinition> = {}): JudgeDefinition {
  return {
    name: 'a judge',
    description: '',
    model_name: 'mistral-small-latest',
    output: CLASSIFICATION,
    instructions: 'Is it good?',
    tools: [],
    ...change,
  };
}

const CONVERSATION: Conversation = {
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'First?' },
    { role: 'assistant', content: 'One.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Second ' },
        { type: 'text', text: '{{x}}?' },
      ],
    },
    { role: 'assistant', content: 'Two.' },
  ],
  properties: { expected: 'Two', deep: { list: ['a', { b: 7 }] }, 'odd key': 'odd', no: false },
  tools: [],
};

describe('a definition', () => {
  const parsed = (change: object) => judgeDefinition.safeParse({ ...definition(), ...change });
  const mistakesOf = (change: object) =>
    parsed(change).error?.issues.map(({ path }) => path.join('.')) ?? [];

  const good: [string, object][] = [
    ['a name of 5 and of 50 characters', { name: 'n'.repeat(50) }],
    ['the longest texts', { description: 'd'.repeat(500), instructions: 'i'.repeat(10_000) }],
    ['the longest model name', { model_name: 'm'.repeat(500) }],
    ['empty texts', { description: '', model_name: '', instructions: '' }],
    ['equal bounds', { output: { ...REGRESSION, min: 5 } }],
    ['the widest bounds', { output: { ...REGRESSION, min: 0, max: 999_999_999.9 } }],
  ];
  for (const [what, change] of good) {
    test(`may have ${what}`, () => assert.deepEqual(mistakesOf(change), []));
  }

  const bad: [string, object, string][] = [
    ['a name of 4 characters', { name: 'four' }, 'name'],
    ['a name of 51 characters', { name: 'n'.repeat(51) }, 'name'],
    ['no name', { name: undefined }, 'name'],
    ['a long description', { description: 'd'.repeat(501) }, 'description'],
    ['a long model name', { model_name: 'm'.repeat(501) }, 'model_name'],
    ['long instructions', { instructions: 'i'.repeat(10_001) }, 'instructions'],
    ['no tools', { tools: undefined }, 'tools'],
    ['tools that are no texts', { tools: [{}] }, 'tools.0'],
    ['tools beyond what can be stored', { tools: ['t'.repeat(600_001)] }, 'output'],
    ['no output', { output: undefined }, 'output'],
    ['an output that is a list', { output: [] }, 'output'],
    ['an unknown type', { output: { ...REGRESSION, type: 'RANKING' } }, 'output.type'],
    ['a type that is null', { output: { ...CLASSIFICATION, type: null } }, 'output.type'],
    ['no options', { output: { type: 'CLASSIFICATION' } }, 'output.options'],
    ['an empty list of options', { output: { options: [] } }, 'output.options'],
    [
      'an option without a description',
      { output: { options: [{ value: '' }] } },
      'output.options.0.description',
    ],
    ['a negative min', { output: { ...REGRESSION, min: -0.1 } }, 'output.min'],
    ['a max of 1e9', { output: { ...REGRESSION, max: 1e9 } }, 'output.max'],
    ['a min above the max', { output: { ...REGRESSION, min: 6 } }, 'output.min'],
    ['a bound that is a text', { output: { ...REGRESSION, max: '5' } }, 'output.max'],
    [
      'a bound without its description',
      { output: { type: 'REGRESSION', min_description: '' } },
      'output.max_description',
    ],
  ];
  for (const [what, change, at] of bad) {
    test(`may not have ${what}`, () => assert.deepEqual(mistakesOf(change), [at]));
  }

  test('without a type is a classification, or a regression where it has bounds', () => {
    assert.deepEqual(parsed({ output: { options: OPTIONS } }).data?.output, CLASSIFICATION);
    const described = { min_description: '', max_description: '' };
    const expected = { type: 'REGRESSION', min: 0, max: 1, ...described };
    assert.deepEqual(parsed({ output: described }).data?.output, expected);
    assert.deepEqual(mistakesOf({ output: {} }), ['output.options']);
  });
});

describe('a conversation', () => {
  const taskOf = (messages: unknown[]) =>
    judgeTask(definition(), { messages, properties: {}, tools: [] });

  const bad: [string, unknown[]][] = [
    ['no messages', []],
    ['a message that is a text', ['hello']],
    ['a message that is null', [null]],
    ['a message without a role', [{ content: 'hello' }]],
    ['a role that is a number', [{ role: 7, content: 'hello' }]],
    ['a content that is an object', [{ role: 'user', content: {} }]],
    ['a content that is a number', [{ role: 'user', content: 7 }]],
  ];
  for (const [what, messages] of bad) {
    test(`with ${what} is a JUDGE_CONVERSATION_FORMAT_ERROR`, () => {
      const made = taskOf(messages);
      assert.ok(!made.ok);
      assert.equal(made.code, 'JUDGE_CONVERSATION_FORMAT_ERROR');
    });
  }

  test('may have messages without a content, chunks of all kinds, tool calls and other roles', () => {
    const made = taskOf([
      { role: 'user', content: [{ type: 'image_url', image_url: 'x' }, 'odd', null] },
      { role: 'assistant', tool_calls: [{ function: { name: 'search', arguments: '{"q":1}' } }] },
      { role: 'tool', content: 'found', name: 'search' },
      { role: 'assistant', content: null },
      { role: 'developer', content: 'noted' },
    ]);
    assert.ok(made.ok);
    assert.match(made.task.parts.lastTurn, /assistant: calls \{"name":"search"/);
    assert.match(made.task.parts.lastTurn, /tool: found/);
    assert.equal(made.task.parts.assistant, '');
  });

  test('without a user has its last message as last turn', () => {
    const made = taskOf([
      { role: 'system', content: 's' },
      { role: 'assistant', content: 'a' },
    ]);
    assert.ok(made.ok);
    const { systemPrompt, history, user, lastTurn } = made.task.parts;
    assert.deepEqual([systemPrompt, history, user, lastTurn], ['s', '', '', 'assistant: a']);
  });
});

describe('the request to the model', () => {
  const schemaOf = (output: JudgeOutputDefinition) => {
    const made = judgeTask(definition({ output }), CONVERSATION);
    assert.ok(made.ok);
    const request = judgeRequest(definition({ output }), made.task);
    assert.equal(request.model, 'mistral-small-latest');
    assert.deepEqual(
      request.messages.map(({ role }) => role),
      ['system', 'user'],
    );
    assert.equal(request.response_format.type, 'json_schema');
    return request.response_format.json_schema.schema.properties.answer;
  };

  test('offers the options, each once', () => {
    const output = { ...CLASSIFICATION, options: [...OPTIONS, ...OPTIONS] };
    assert.deepEqual(schemaOf(output), { type: 'string', enum: ['excellent', 'poor'] });
  });

  test('states the bounds', () => {
    assert.deepEqual(schemaOf(REGRESSION), { type: 'number', minimum: 1, maximum: 5 });
  });
});

describe('the answer of the model', () => {
  const bodyOf = (content: unknown) => ({ choices: [{ message: { role: 'assistant', content } }] });
  const read = (answer: unknown, output: JudgeOutputDefinition = CLASSIFICATION) =>
    readJudgement(bodyOf(JSON.stringify({ analysis: 'because', answer })), output);

  test('is read from a text and from chunks, thinking left out', () => {
    const text = JSON.stringify({ analysis: 'because', answer: 'poor', more: 1 });
    const expected = { analysis: 'because', answer: 'poor' };
    assert.deepEqual(readJudgement(bodyOf(text), CLASSIFICATION), expected);
    const chunks = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
      { type: 'text', text },
    ];
    assert.deepEqual(readJudgement(bodyOf(chunks), CLASSIFICATION), expected);
  });

  test('has to be one of the options, to the letter', () => {
    assert.equal(read('excellent')?.answer, 'excellent');
    for (const answer of ['Excellent', ' poor', '', 1, null, undefined, ['poor']]) {
      assert.equal(read(answer), null, String(answer));
    }
  });

  test('has to be a number within the bounds, which belong to them', () => {
    for (const answer of [1, 2.5, 5]) assert.equal(read(answer, REGRESSION)?.answer, answer);
    for (const answer of [0.99, 5.01, -1, '3', null, true]) {
      assert.equal(read(answer, REGRESSION), null, String(answer));
    }
  });

  test('that is no judgement at all is none', () => {
    const contents = ['', 'poor', '{"answer":"poor"}', '{"analysis":1,"answer":"poor"}', null, 7];
    for (const content of contents) {
      assert.equal(readJudgement(bodyOf(content), CLASSIFICATION), null);
    }
    for (const body of [undefined, null, 'x', {}, { choices: [] }, { choices: [{}] }]) {
      assert.equal(readJudgement(body, CLASSIFICATION), null);
    }
  });
});

describe('the offline judge', () => {
  const offline = (output: JudgeOutputDefinition, user: string, assistant: string) => {
    const messages = [
      { role: 'user', content: user },
      { role: 'assistant', content: assistant },
    ];
    const made = judgeTask(definition({ output }), { messages, properties: {}, tools: [] });
    assert.ok(made.ok);
    return judgeOffline(definition({ output }), made.task.parts);
  };

  test('picks the option that shares the most words with the last turn, in any case', () => {
    const { answer, analysis } = offline(CLASSIFICATION, 'Why?', 'It FAILS, and refuses');
    assert.equal(answer, 'poor');
    assert.match(analysis, /offline judge.*: 2\.$/);
    assert.equal(offline(CLASSIFICATION, 'A clear question', 'Clearly.').answer, 'excellent');
  });

  test('picks the first option on a tie, and when nothing is shared', () => {
    assert.equal(offline(CLASSIFICATION, 'the question', 'refuses').answer, 'excellent');
    assert.equal(offline(CLASSIFICATION, '', '').answer, 'excellent');
  });

  test('counts a word once and leaves out the short ones', () => {
    const options = [
      { value: 'a', description: 'is it so, or is it' },
      { value: 'b', description: 'wind' },
    ];
    const output = { type: 'CLASSIFICATION' as const, options };
    assert.equal(offline(output, 'is it so? or is it', 'wind wind').answer, 'b');
  });

  test('lays the share of words taken up over the range', () => {
    const scores: [string, string, number][] = [
      ['alpha beta gamma delta', 'ALPHA and Beta', 3],
      ['alpha beta', 'alpha beta', 5],
      ['alpha beta', 'none of it', 1],
      ['alpha beta gamma', 'alpha', 2.3333],
      ['', 'alpha', 1],
    ];
    for (const [user, assistant, expected] of scores) {
      const { answer, analysis } = offline(REGRESSION, user, assistant);
      assert.equal(answer, expected);
      assert.match(analysis, /offline judge/);
    }
  });

  test('stays within bounds that are finer than it rounds', () => {
    const output = { ...REGRESSION, min: 0.000012, max: 0.000013 };
    const { answer } = offline(output, 'alpha beta', 'alpha');
    assert.ok(typeof answer === 'number' && answer >= output.min && answer <= output.max);
  });

  test('says the same of the same', () => {
    const once = offline(REGRESSION, 'alpha beta gamma', 'alpha');
    assert.deepEqual(offline(REGRESSION, 'alpha beta gamma', 'alpha'), once);
  });
});
