import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readWhere } from '../../src/domain/where.ts';

const NOW = Date.parse('2026-03-10T12:00:00Z');

const c = (field: string, op: string, value: unknown) => ({ field, op, value });
const and = (...parts: unknown[]) => ({ AND: parts });
const or = (...parts: unknown[]) => ({ OR: parts });
const [A, B, C, D] = [c('a', 'eq', 1), c('b', 'eq', 2), c('c', 'eq', 3), c('d', 'eq', 4)];

const VALID: readonly (readonly [string, unknown])[] = [
  // Operators.
  ['model_name = "m"', c('model_name', 'eq', 'm')],
  ['model_name != "m"', c('model_name', 'neq', 'm')],
  ['total_time_elapsed > 5', c('total_time_elapsed', 'gt', 5)],
  ['total_time_elapsed < 5', c('total_time_elapsed', 'lt', 5)],
  ['total_time_elapsed >= 5', c('total_time_elapsed', 'gte', 5)],
  ['total_time_elapsed <= 5', c('total_time_elapsed', 'lte', 5)],
  ['a contains "x"', c('a', 'contains', 'x')],
  ['a icontains "x"', c('a', 'icontains', 'x')],
  ['a notcontains "x"', c('a', 'notcontains', 'x')],
  ['a inotcontains "x"', c('a', 'inotcontains', 'x')],
  ['a startswith "x"', c('a', 'startswith', 'x')],
  ['a starts_with "x"', c('a', 'startswith', 'x')],
  ['a istartswith "x"', c('a', 'istartswith', 'x')],
  ['a endswith "x"', c('a', 'endswith', 'x')],
  ['a ends_with "x"', c('a', 'endswith', 'x')],
  ['a iendswith "x"', c('a', 'iendswith', 'x')],
  ['a matches "^x+$"', c('a', 'matches', '^x+$')],
  ['invoked_tools includes "x"', c('invoked_tools', 'includes', 'x')],
  ['invoked_tools excludes "x"', c('invoked_tools', 'excludes', 'x')],
  ['api_agent_id isnull true', c('api_agent_id', 'isnull', true)],
  ['api_agent_id isnull False', c('api_agent_id', 'isnull', false)],
  ['invoked_tools length_equals 0', c('invoked_tools', 'len_eq', 0)],
  ['invoked_tools length_equals 2e1', c('invoked_tools', 'len_eq', 20)],
  // Keywords in any case.
  ['a CONTAINS "x"', c('a', 'contains', 'x')],
  ['a Starts_With "x"', c('a', 'startswith', 'x')],
  ['a = 1 and b = 2 Or c = 3', or(and(A, B), C)],
  ['a isNull TRUE', c('a', 'isnull', true)],
  ['a = NULL', c('a', 'eq', null)],
  // Values.
  ['a = true', c('a', 'eq', true)],
  ['a != false', c('a', 'neq', false)],
  ['a = null', c('a', 'eq', null)],
  ['a = 0', c('a', 'eq', 0)],
  ['a = -12', c('a', 'eq', -12)],
  ['a = 0.5', c('a', 'eq', 0.5)],
  ['a = -0.25e-2', c('a', 'eq', -0.0025)],
  ['a = 1E+3', c('a', 'eq', 1000)],
  ['a = ""', c('a', 'eq', '')],
  ['a = "say \\"hi\\""', c('a', 'eq', 'say "hi"')],
  ['a = "c:\\\\x"', c('a', 'eq', 'c:\\x')],
  ['a = "\\\\"', c('a', 'eq', '\\')],
  ['a = "1\\n2\\t3"', c('a', 'eq', '1\n2\t3')],
  ['a = "1\n2\t3\0"', c('a', 'eq', '1\n2\t3\0')],
  ['a = "é😀 \ud83d"', c('a', 'eq', 'é😀 \ud83d')],
  ['a = "AND (b) OR \'c\'"', c('a', 'eq', "AND (b) OR 'c'")],
  // White space.
  ['a=1', A],
  ['  a\n=\t1\r\n', A],
  ['\ufeffa\u00a0= 1', A],
  ['a="x"AND b=2', and(c('a', 'eq', 'x'), B)],
  ['(a=1)OR(b=2)', or(A, B)],
  ['a>-1', c('a', 'gt', -1)],
  // Fields.
  ['_x.y-z.0 = 1', c('_x.y-z.0', 'eq', 1)],
  ['metadata.team = "x"', c('metadata.team', 'eq', 'x')],
  ['__judge_6f1d3c1e-8f0e > 3', c('__judge_6f1d3c1e-8f0e', 'gt', 3)],
  ['__proto__ = 1', c('__proto__', 'eq', 1)],
  ['constructor isnull true', c('constructor', 'isnull', true)],
  ['contains contains "contains"', c('contains', 'contains', 'contains')],
  ['true = true', c('true', 'eq', true)],
  ['not = 1', c('not', 'eq', 1)],
  ['android = 1 AND order = 2', and(c('android', 'eq', 1), c('order', 'eq', 2))],
  ['stream = true', c('stream', 'eq', true)],
  ['event_ts = 1', c('event_ts', 'eq', 1)],
  ['latest_user_mesage_previw = 1', c('latest_user_mesage_previw', 'eq', 1)],
  ['agent_id = 1', c('agent_id', 'eq', 1)],
  // Groups.
  ['a = 1 AND b = 2 AND c = 3', and(A, B, C)],
  ['a = 1 OR b = 2 OR c = 3', or(A, B, C)],
  ['a = 1 OR b = 2 AND c = 3', or(A, and(B, C))],
  ['a = 1 AND b = 2 OR c = 3 AND d = 4', or(and(A, B), and(C, D))],
  ['(a = 1 OR b = 2) AND c = 3', and(or(A, B), C)],
  ['a = 1 AND (b = 2 OR c = 3) AND d = 4', and(A, or(B, C), D)],
  ['a = 1 AND (b = 2 AND c = 3)', and(A, and(B, C))],
  ['(a = 1 OR b = 2) OR c = 3', or(or(A, B), C)],
  ['a = 1 OR (b = 2 AND (c = 3 OR d = 4))', or(A, and(B, or(C, D)))],
  ['(a = 1)', A],
  ['(((a = 1)) AND (b = 2))', and(A, B)],
  [
    'model_name = "mistral-medium-2508" AND total_time_elapsed > 5 AND (last_user_message_preview contains "password" OR invoked_tools includes "web_search")',
    and(
      c('model_name', 'eq', 'mistral-medium-2508'),
      c('total_time_elapsed', 'gt', 5),
      or(
        c('last_user_message_preview', 'contains', 'password'),
        c('invoked_tools', 'includes', 'web_search'),
      ),
    ),
  ],
  // Times.
  ['timestamp >= "now-7d"', c('timestamp', 'gte', '2026-03-03T12:00:00.000Z')],
  ['timestamp > "now-90m"', c('timestamp', 'gt', '2026-03-10T10:30:00.000Z')],
  ['timestamp > "now-30s"', c('timestamp', 'gt', '2026-03-10T11:59:30.000Z')],
  ['timestamp < "now-36h"', c('timestamp', 'lt', '2026-03-09T00:00:00.000Z')],
  ['timestamp < "now-2w"', c('timestamp', 'lt', '2026-02-24T12:00:00.000Z')],
  ['timestamp <= "now"', c('timestamp', 'lte', '2026-03-10T12:00:00.000Z')],
  ['timestamp <= "now-0d"', c('timestamp', 'lte', '2026-03-10T12:00:00.000Z')],
  ['timestamp > "2026-02-01T00:00:00Z"', c('timestamp', 'gt', '2026-02-01T00:00:00Z')],
  [
    'timestamp > "2026-02-01T00:00:00.123456+02:00"',
    c('timestamp', 'gt', '2026-02-01T00:00:00.123456+02:00'),
  ],
  ['timestamp > "2026-02-01T10:00:00"', c('timestamp', 'gt', '2026-02-01T10:00:00')],
  ['timestamp > "2026-02-01"', c('timestamp', 'gt', '2026-02-01')],
  ['timestamp startswith "2026-"', c('timestamp', 'startswith', '2026-')],
  ['timestamp isnull false', c('timestamp', 'isnull', false)],
  ['timestamp > 1770000000', c('timestamp', 'gt', 1770000000)],
  [
    'last_user_message_preview contains "now-7d"',
    c('last_user_message_preview', 'contains', 'now-7d'),
  ],
  ['metadata.timestamp = "now-7x"', c('metadata.timestamp', 'eq', 'now-7x')],
];

describe('an expression becomes the tree of the upstream', () => {
  for (const [source, tree] of VALID) {
    test(JSON.stringify(source), () => {
      assert.deepEqual(readWhere(source, NOW), { ok: true, filters: tree });
    });
  }
});

const END = /not the end/;

/** Expression, position, and what the message says. */
const INVALID: readonly (readonly [string, number, RegExp])[] = [
  // The end comes too early.
  ['', 0, /a field or "\(", not the end/],
  ['   ', 3, END],
  ['a', 1, /an operator after a.*, not the end/],
  ['a =', 3, /a text in double quotes, a number, true, false or null, not the end/],
  ['a =  ', 5, END],
  ['a = 1 AND', 9, /a field or "\(", not the end/],
  ['a = 1 OR ', 9, END],
  ['(a = 1', 6, /AND, OR or "\)" for the "\(" at 0, not the end/],
  ['a = 1 AND ((b = 2)', 18, /for the "\(" at 10/],
  ['(', 1, END],
  // Fields.
  ['= 1', 0, /a field/],
  ['5 = 1', 0, /a field or "\(", not 5/],
  ['"model_name" = "m"', 0, /without quotes: model_name/],
  ['a = 1 AND "b" = 2', 10, /a field/],
  ['AND a = 1', 0, /AND and OR stand between/],
  ['a = 1 AND or = 2', 10, /AND and OR stand between/],
  ['()', 1, /a field or "\(", not \)/],
  ['a = 1 AND ) b = 2', 10, /a field/],
  ['é = 1', 0, /not é/],
  ['a = 1 AND 😀 = 1', 10, /not 😀/],
  ['\0', 0, /a field/],
  ['\ud800', 0, /not \ufffd/],
  ['model_nam = "m"', 0, /not model_nam; did you mean model_name\?/],
  ['Model_Name = "m"', 0, /did you mean model_name\?/],
  ['a = 1 AND (modle_name = "m")', 11, /did you mean model_name\?/],
  ['last_user_mesage_previw = 1', 0, /did you mean last_user_message_preview\?/],
  ['input_token > 5', 0, /did you mean input_tokens\?/],
  ['timestmap > "now-7d"', 0, /did you mean timestamp\?/],
  ['NOT a = 1', 0, /There is no NOT/],
  ['a = 1 AND not (b = 2)', 10, /There is no NOT/],
  // Operators.
  ['a startwith "x"', 2, /not startwith; did you mean startswith\?/],
  ['a contians "x"', 2, /did you mean contains\?/],
  ['a is_null true', 2, /did you mean isnull\?/],
  ['a == 1', 2, /not ==; did you mean =\?/],
  ['a <> 1', 2, /did you mean !=\?/],
  ['a => 1', 2, /did you mean >=\?/],
  ['a eq 1', 2, /did you mean =\?/],
  ['a len_eq 1', 2, /did you mean length_equals\?/],
  ['a not contains "x"', 2, /did you mean notcontains\?/],
  ['a ! 1', 2, /an operator after a, such as = or contains, not !\./],
  ['a 1', 2, /an operator/],
  ['a "x"', 2, /an operator/],
  ['a AND b = 1', 2, /an operator/],
  ['(a) = 1', 2, /an operator/],
  ['a b c', 2, /an operator after a, such as = or contains, not b\./],
  ['a __proto__ 1', 2, /not __proto__\./],
  // Values.
  ['a = b', 4, /text needs its quotes\), not b/],
  ['model_name = mistral-large', 13, /text needs its quotes/],
  ['timestamp > now-7d', 12, /text needs its quotes\), not now-7d/],
  ["a = 'x'", 4, /straight double quotes/],
  ...Array.from(
    '`‘’‚“”„«»‹›「＂',
    (quote) => [`a = ${quote}x${quote}`, 4, /straight double quotes/] as const,
  ),
  ['a = (1)', 4, /a number/],
  ['a = AND', 4, /a number/],
  ['a = 01', 4, /a number as in JSON.*not 01/],
  ['a = +1', 4, /a number as in JSON/],
  ['a = 1.', 4, /a number as in JSON/],
  ['a = .5', 4, /a number as in JSON/],
  ['a = 1e', 4, /a number as in JSON/],
  ['a = -', 4, /a number as in JSON/],
  ['a = 7d', 4, /a number as in JSON.*not 7d/],
  ['a = 1.2.3', 4, /not 1\.2\.3/],
  ['a = 1AND b = 2', 4, /not 1AND/],
  ['a = 1e999', 4, /1e999 is too large/],
  ['a = "x', 4, /no end/],
  ['a = "', 4, /no end/],
  ['a = "x\\"', 4, /no end/],
  ['a = "x\\', 4, /no end/],
  ['a = "x\\d+"', 6, /no escape of "d".*A backslash itself is written \\\\/],
  ['a = "\\u0041"', 5, /no escape of "u"/],
  ['a = "\\😀"', 5, /no escape of "😀"/],
  ['a isnull', 8, /true or false after isnull, not the end/],
  ['a isnull 1', 9, /true or false after isnull, not 1/],
  ['a isnull "true"', 9, /true or false after isnull/],
  ['a isnull null', 9, /true or false after isnull/],
  ['a length_equals', 15, /a whole number from 0 after length_equals, not the end/],
  ['a isnull yes', 9, /true or false after isnull, not yes/],
  ["a isnull 'yes'", 9, /true or false after isnull, not '/],
  ['a length_equals "2"', 16, /a whole number from 0/],
  ['a length_equals -1', 16, /a whole number from 0/],
  ['a length_equals 1.5', 16, /a whole number from 0/],
  // Times.
  ['timestamp > "now-7x"', 12, /"now-7x" is not a time.*one of s, m, h, d, w/],
  ['timestamp > "now+7d"', 12, /a time before now is/],
  ['timestamp > "now - 7d"', 12, /a time before now is/],
  ['timestamp > "NOW-7d"', 12, /a time before now is/],
  ['timestamp > " now"', 12, /a time before now is/],
  ['timestamp > "now-1.5h"', 12, /a time before now is/],
  ['timestamp > "now-"', 12, /a time before now is/],
  ['timestamp > "now-999999d"', 12, /before the year 1/],
  [`timestamp > "now-${'9'.repeat(400)}w"`, 12, /before the year 1/],
  ['timestamp contains "nowhere"', 19, /a time before now is/],
  ['timestamp > "yesterday"', 12, /"yesterday" is not a time; write one like/],
  ['timestamp > "2026-02-30T00:00:00Z"', 12, /is not a time/],
  ['timestamp = ""', 12, /is not a time/],
  // Between conditions and after them.
  ['a = 1)', 5, /AND, OR or the end, not \)/],
  ['(a = 1))', 7, /AND, OR or the end/],
  ['a = 1 b = 2', 6, /AND, OR or the end, not b\./],
  ['(a = 1 b = 2)', 7, /AND, OR or "\)"/],
  ['a = 1 && b = 2', 6, /not &&; did you mean AND\?/],
  ['a = 1 || b = 2', 6, /did you mean OR\?/],
  ['a = 1 adn b = 2', 6, /not adn; did you mean AND\?/],
  ['a = 1, b = 2', 5, /AND, OR or the end, not ,/],
  ['a = 1 (b = 2)', 6, /AND, OR or the end/],
  ['a = "x" "y"', 8, /AND, OR or the end/],
  ['a = 1;', 5, /AND, OR or the end/],
  ['a = 1 AND b == 2', 12, /did you mean =\?/],
  ['a = "😀" b', 9, /AND, OR or the end/],
];

describe('a mistake is told with its place and what was expected there', () => {
  for (const [source, position, message] of INVALID) {
    test(JSON.stringify(source.slice(0, 60)), () => {
      const read = readWhere(source, NOW);
      assert.ok(!read.ok, JSON.stringify(read));
      assert.match(read.message, message);
      assert.equal(read.position, position);
      assert.equal(read.path, undefined);
    });
  }
});

test('nothing at all matches everything', () => {
  assert.deepEqual(readWhere(undefined, NOW), { ok: true, filters: null });
  assert.deepEqual(readWhere(null, NOW), { ok: true, filters: null });
});

test('a long piece of the text is cut in the message, between characters', () => {
  const read = readWhere(`a = ${'😀'.repeat(50)}`, NOW);
  assert.ok(!read.ok);
  assert.match(read.message, /not 😀\.$/u);
  const long = readWhere(`a ${'b'.repeat(5000)} 1`, NOW);
  assert.ok(!long.ok && long.message.length < 200);
});
