import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Conversation } from '../../src/domain/conversation.ts';
import { instructionsProblem, judgeTask } from '../../src/domain/judge.ts';

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

const definition = (change: { instructions: string }) => ({
  name: 'a judge',
  description: '',
  model_name: 'any',
  output: {
    type: 'CLASSIFICATION' as const,
    options: [{ value: 'poor', description: 'fails or refuses' }],
  },
  tools: [],
  ...change,
});

describe('instructions', () => {
  const promptOf = (instructions: string, conversation = CONVERSATION) => {
    const made = judgeTask(definition({ instructions }), conversation);
    return made.ok ? made.task.prompt : `${made.code}: ${made.message}`;
  };
  /** With a variable of the conversation in front, so that nothing is appended. */
  const filled = (instructions: string) => promptOf(`{{ assistant_message }}|${instructions}`);

  const variables: [string, string][] = [
    ['{{ user_message }}', 'Second {{x}}?'],
    ['{{assistant_message}}', 'Two.'],
    ['{{ conversation_history }}', 'user: First?\nassistant: One.'],
    ['{{ system_prompt }}', 'Be brief.'],
    ['{{ available_tools }}', '[]'],
    ['{{ properties.expected }}', 'Two'],
    ['{{ properties.deep.list }}', '["a",{"b":7}]'],
    ['{{ properties.deep.list.1.b }}', '7'],
    ['{{ properties["odd key"] }}', 'odd'],
    ["{{ properties['deep'].list[0] }}", 'a'],
    ['{{ properties.no }}', 'false'],
    ['a  {{- user_message -}}  b', 'aSecond {{x}}?b'],
    ['{# a {{ nonsense }} comment #}x', 'x'],
    ['{"a": {"b": 1}} and }} and %}', '{"a": {"b": 1}} and }} and %}'],
    ['{% if properties.expected %}yes{% else %}no{% endif %}', 'yes'],
    ['{% if properties.missing %}yes{% else %}no{% endif %}', 'no'],
    ['{% if available_tools %}yes{% endif %}', ''],
    ['{% if not available_tools %}none{% endif %}', 'none'],
    ['{% if properties.no %}{{ properties.missing }}{% endif %}', ''],
    ['{% if system_prompt %}{% if properties.no %}1{% else %}2{% endif %}3{% endif %}', '23'],
    ['{%- if system_prompt -%}  x  {%- endif -%}', 'x'],
  ];
  for (const [template, expected] of variables) {
    test(`${template} becomes ${expected}`, () => {
      assert.equal(filled(template), `Two.|${expected}`);
    });
  }

  const mistakes: [string, string][] = [
    ['{{ user_message', 'TEMPLATE_SYNTAX_ERROR'],
    ['{% if user_message %}', 'TEMPLATE_SYNTAX_ERROR'],
    ['{% if user_message }}', 'TEMPLATE_SYNTAX_ERROR'],
    ['{% endif %}', 'TEMPLATE_SYNTAX_ERROR'],
    ['{% else %}', 'TEMPLATE_SYNTAX_ERROR'],
    ['{% if properties %}{% else %}{% else %}{% endif %}', 'TEMPLATE_SYNTAX_ERROR'],
    ['{% for m in messages %}{% endfor %}', 'TEMPLATE_SYNTAX_ERROR'],
    ['{% if %}{% endif %}', 'TEMPLATE_SYNTAX_ERROR'],
    ['{{ }}', 'TEMPLATE_SYNTAX_ERROR'],
    ['{{-}}', 'TEMPLATE_SYNTAX_ERROR'],
    ['{{ user_message | upper }}', 'TEMPLATE_SYNTAX_ERROR'],
    ['{{ 1 + 1 }}', 'TEMPLATE_SYNTAX_ERROR'],
    ['{{ properties. }}', 'TEMPLATE_SYNTAX_ERROR'],
    ['{{ properties["a }}', 'TEMPLATE_SYNTAX_ERROR'],
    ['{#', 'TEMPLATE_SYNTAX_ERROR'],
    ['{{ expected_output }}', 'TEMPLATE_ERROR'],
    ['{{ user_message.length }}', 'TEMPLATE_ERROR'],
    ['{% if nonsense %}{% endif %}', 'TEMPLATE_ERROR'],
  ];
  for (const [template, code] of mistakes) {
    test(`${template} is a ${code}, known before anything is judged`, () => {
      assert.equal(instructionsProblem(template)?.code, code);
      assert.match(promptOf(template), new RegExp(`^${code}: \\S`));
    });
  }

  test('name a property that is not there, or only inherited: TEMPLATE_ERROR when judged', () => {
    for (const key of ['missing', 'constructor', '__proto__', 'expected.length', 'deep.list.9']) {
      const template = `{{ properties.${key} }}`;
      assert.equal(instructionsProblem(template), null);
      assert.match(promptOf(template), /^TEMPLATE_ERROR: .*properties\./);
    }
  });

  test('that are as long and as nested as can be are read', () => {
    const nested = '{% if x %}'.replace('x', 'properties');
    const deep = nested.repeat(300) + '{% endif %}'.repeat(300);
    assert.equal(instructionsProblem(deep), null);
    assert.equal(filled(deep), 'Two.|');
    assert.equal(instructionsProblem('{{'.repeat(5000))?.code, 'TEMPLATE_SYNTAX_ERROR');
  });

  test('a property nested too deeply to be shown is a TEMPLATE_ERROR', () => {
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown;
    const conversation = { ...CONVERSATION, properties: { deep } };
    assert.match(promptOf('{{ properties.deep }}', conversation), /^TEMPLATE_ERROR/);
  });

  test('that show nothing of the conversation get it appended, with what there is of it', () => {
    const whole = promptOf('Is it {{ properties.expected }}?');
    assert.ok(whole.startsWith('Is it Two?\n'));
    for (const part of ['Be brief.', 'assistant: One.', 'Second {{x}}?', 'Two.']) {
      assert.ok(whole.includes(part), part);
    }
    assert.doesNotMatch(whole, /Available tools/);
    const short = { ...CONVERSATION, messages: [{ role: 'user', content: 'hi' }], tools: ['t'] };
    assert.doesNotMatch(promptOf('Good?', short), /System prompt|history/);
    assert.match(promptOf('Good?', short), /Available tools\n\["t"\]/);
    assert.equal(promptOf('{{ user_message }}', short), 'hi');
  });

  test('define the answer themselves, or it is defined for them', () => {
    const made = (instructions: string) => {
      const task = judgeTask(definition({ instructions }), CONVERSATION);
      assert.ok(task.ok);
      return task.task;
    };
    assert.match(made('Good?').system, /- poor: fails or refuses/);
    const own = made('Good? {{ answer_type_definition }}');
    assert.doesNotMatch(own.system, /poor/);
    assert.match(own.prompt, /- poor: fails or refuses/);
  });

  test('that become longer than any model reads are a TEMPLATE_ERROR', () => {
    const messages = [{ role: 'user', content: 'x'.repeat(1_000_000) }];
    const conversation = { messages, properties: {}, tools: [] };
    assert.match(promptOf('{{ user_message }}'.repeat(500), conversation), /^TEMPLATE_ERROR/);
    assert.equal(promptOf('{{ user_message }}'.repeat(4), conversation).length, 4_000_000);
  });
});
