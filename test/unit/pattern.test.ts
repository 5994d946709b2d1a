import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fold } from '../../src/domain/fold.ts';
import { caseVariants } from '../../src/domain/pattern/code-points.ts';
import { compilePattern, type Pattern, PatternBudgetError } from '../../src/domain/pattern.ts';
import { numbersFrom } from '../support/numbers.ts';

const AMPLE = 1e12;

function patternOf(source: string): Pattern {
  const compiled = compilePattern(source);
  assert.ok(compiled.ok, compiled.ok ? '' : `${source}: ${compiled.message}`);
  return compiled.pattern;
}

const isFound = (source: string, text: string) =>
  patternOf(source).test(text, { stepsLeft: AMPLE });

/** Pattern, texts in which it is found, texts in which it is not. */
const CASES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  // Literals, found anywhere, by code point.
  ['', ['', 'a'], []],
  ['abc', ['abc', 'xxabcxx', 'ababc'], ['', 'ab', 'ab c', 'ABC']],
  ['a]}{,b', ['a]}{,b'], ['a']],
  ['a{,5}|x{y|{"k"', ['a{,5}', 'x{y', '{"k"'], ['a', 'aaaaa']],
  ['^😀$', ['😀'], ['\ud83d', '\ude00', '😁']],
  ['^[😀-😂]{2}$', ['😀😂'], ['😀', '😃😃']],
  ['\ud83d$', ['\ud83d'], ['😀']],
  // The dot.
  ['^.$', ['a', '😀', '\r'], ['', '\n', 'ab']],
  ['(?s)^.$', ['\n', 'a'], ['', 'ab']],
  ['a(?s:.)b.c', ['a\nbxc'], ['a\nb\nc']],
  // Classes.
  ['^[abc]$', ['a', 'c'], ['d', '', 'A']],
  ['^[a-cx-z]$', ['b', 'y'], ['d', '-']],
  ['^[^a-c]$', ['d', '\n', '😀'], ['a', '']],
  ['^[-a]$|^[b-]$', ['-', 'a', 'b'], ['c']],
  ['^[]a]$', [']', 'a'], ['[']],
  ['^[^]a]$', ['[', 'b'], [']', 'a']],
  ['^[\\d_.-]$', ['7', '_', '.', '-'], ['a', '\\']],
  ['^[\\w-.]$', ['w', '-', '.'], ['+']],
  ['^[^\\W\\d]$', ['w', '_'], ['1', '-']],
  ['^[\\]\\\\^]$', [']', '\\', '^'], ['[']],
  ['^[a\\-c]$', ['-', 'a'], ['b']],
  ['^[.*+?()|$]$', ['.', '*', ')', '|', '$'], ['a']],
  ['^[[:]$', ['[', ':'], ['a']],
  // Escapes.
  ['^\\d\\D$', ['1a', '1٣'], ['11', 'aa', '٣a']],
  ['^\\w\\W$', ['_-', 'Zé'], ['é-', 'ab']],
  ['^\\s\\S$', [' a', '\ta', '\f\v', '\r\u00a0'], ['\va', '\u00a0a', '  ']],
  ['^\\t\\n\\r\\f\\v\\0$', ['\t\n\r\f\v\0'], ['tnrfv0']],
  ['^\\x41\\x{1F600}\\u00e9\\u{42}$', ['A😀éB'], ['A😀eB']],
  ['^\\uD83D\\uDE00[\\x30-\\x39]$', ['😀5'], ['😀a']],
  ['^\\.\\*\\/\\-\\_\\ \\"\\€$', ['.*/-_ "€'], ['x*/-_ "€']],
  ['^\\p{L}\\p{Lu}\\P{L}$', ['éÉ1', '字A-'], ['1A-', 'aaa']],
  ['^\\pL\\PL\\p{^L}$', ['a11'], ['aa1', 'a1a']],
  ['^\\p{Greek}\\p{Script=Cyrillic}\\p{Emoji}$', ['λж😀'], ['lж😀', 'λl😀']],
  ['^[\\p{Nd}\\P{ASCII}]$', ['5', '٣', 'é'], ['a']],
  // Groups and alternatives.
  ['^(ab|cd)(?:e)$', ['abe', 'cde'], ['ab', 'abcde']],
  ['^(?P<year>\\d{4})-(?<month>\\d\\d)$', ['2026-11'], ['226-11']],
  ['^(a|)b$|^(|c)d$', ['ab', 'b', 'cd', 'd'], ['a', 'c']],
  ['cat|dog', ['hotdog', 'cat'], ['do', 'cadg']],
  ['^(a|b|)$', ['', 'a', 'b'], ['ab']],
  ['^()*(|)+$', [''], ['a']],
  // Quantifiers.
  ['^a*$', ['', 'aaa'], ['ab']],
  ['^a+b?$', ['a', 'aab'], ['', 'b', 'abb']],
  ['^a{3}$', ['aaa'], ['aa', 'aaaa']],
  ['^a{2,}$', ['aa', 'aaaaa'], ['a']],
  ['^a{2,4}$', ['aa', 'aaaa'], ['a', 'aaaaa']],
  ['^a{0}b{0,0}$', [''], ['a', 'b']],
  ['^a{0,}b{1,1}$', ['b', 'aab'], ['aabb']],
  ['^a*?b+?c??d{1,2}?$', ['bd', 'aabbcdd'], ['cd', 'bccd']],
  ['^(ab){2}$', ['abab'], ['ab', 'abb']],
  ['^(a*)*$', ['', 'aaaa'], ['aab']],
  ['^(a|b?)*$', ['', 'abba'], ['abc']],
  ['^((a{0,10}){0,10})*$', ['', 'a'.repeat(1234)], ['ab']],
  ['^((a{0,3}){2}b){2}$', ['bb', 'aaaaaabb'], ['aaaaaaabb', 'b']],
  ['^(?:(?:a+)+)+$', ['aaa'], ['']],
  ['^(^a|b$)*$', ['a', 'b', 'ab', ''], ['aa', 'ba']],
  ['^*a', ['a', 'ba'], ['b']],
  // Anchors and words.
  ['^ab', ['abc'], ['cab', 'c\nab']],
  ['ab$', ['cab'], ['abc', 'ab\n']],
  ['(?m)^ab$', ['ab', 'x\nab\ny', 'ab\n'], ['xab', 'x\rab']],
  ['(?m)\\Aab\\z', ['ab'], ['ab\n', '\nab']],
  ['^$', [''], ['a', '\n']],
  ['(?m)^$', ['', 'a\n', 'a\n\nb'], ['a\nb']],
  ['a^b|a$b', [], ['ab', 'a\nb']],
  ['\\bcat\\b', ['cat', 'a cat.', 'écat'], ['cats', 'concat', 'cat_']],
  ['\\Bcat\\B', ['scats'], ['cat', 'cats', 'scat']],
  ['^\\b$', [], ['', 'a']],
  ['^\\B$', [''], ['a']],
  ['a\\b\\B', [], ['a', 'ab']],
  // Flags.
  ['(?i)straße', ['STRAßE', 'straẞe'], ['strasse']],
  ['(?i)^[a-z]\\x41[^b]$', ['Xac', 'KaC'], ['XaB', 'xab', '1ac']],
  ['(?i)σ', ['Σ', 'ς'], ['s']],
  ['(?i)^[k-l]ſ\\w$', ['KSſ', '\u212asK'], ['ms\u212a']],
  ['(?i)^[\u212a]µ$', ['kΜ', 'Kμ'], ['ku']],
  ['(?i)^\\p{Lu}\\P{Lu}$', ['a1', 'A1'], ['aa', '11']],
  ['(?i)^[^\\W]$|^[\\D\\P{Lu}]$', ['ſ', '-'], []],
  ['(?i)ı', ['I', 'i', 'ı'], ['İ']],
  ['(?i:a)b', ['Ab', 'ab'], ['aB']],
  ['(a(?i)b|c)d', ['aBd', 'Cd'], ['Abd', 'cD']],
  ['(?i)a(?-i)b(?i-s:C.)', ['AbcX'], ['ABcx', 'abc\n']],
  ['(?ims)^A.b$', ['x\na\nB\ny'], ['xa\nb']],
  ['(?i)(?s)(?m)a', ['A'], ['b']],
];

/** Sources that are refused, where, and what the message must speak of. */
const REFUSED: readonly (readonly [string, number, RegExp])[] = [
  ['a(b', 1, /add a \)/],
  ['((a)', 0, /add a \)/],
  ['a)b', 1, /remove it or write \\\)/],
  ['a[bc', 1, /add a \]/],
  ['[]', 0, /add a \]/],
  ['[a-', 0, /add a \]/],
  ['*a', 0, /nothing to repeat/],
  ['a|+', 2, /nothing to repeat/],
  ['(?)', 0, /kind of group/],
  ['(?:{2})', 3, /nothing to repeat/],
  ['a(?i)*', 5, /nothing to repeat/],
  ['a*+', 2, /possessive/],
  ['a{2}+', 4, /possessive/],
  ['a**', 2, /put the first into a group/],
  ['a+??', 3, /put the first into a group/],
  ['ab{3,2}', 2, /swap/],
  ['ab{1001}', 2, /at most 1000/],
  ['b{1,1001}', 1, /at most 1000/],
  ['b{99999999999999999999,}', 1, /at most 1000/],
  ['a(?=b)', 1, /look-around/],
  ['(?!b)', 0, /look-around/],
  ['(?<=b)', 0, /look-around/],
  ['(?<!b)', 0, /look-around/],
  ['(?>a)', 0, /kind of group/],
  ['(?i', 0, /kind of group/],
  ['(?x)a', 0, /flags are i, m and s/],
  ['(a)\\1', 3, /back-references/],
  ['\\k<n>', 0, /escape \\k/],
  ['a\\q', 1, /escape \\q/],
  ['\\Z', 0, /escape \\Z/],
  ['[\\b]', 1, /escape \\b/],
  ['\\é', 0, /escape \\é/],
  ['\\07', 0, /\\0/],
  ['a\\', 1, /backslash/],
  ['\\x4', 0, /two hexadecimal/],
  ['\\u12g4', 0, /four hexadecimal/],
  ['\\x{110000}', 0, /10FFFF/],
  ['\\p{Klingon}', 0, /Klingon is not known/],
  ['\\p', 0, /\\p\{L\}/],
  ['[z-a]', 1, /swap/],
  ['[a-\\d]', 1, /write \\-/],
  ['x[[:alpha:]]', 2, /\[:alpha:\]/],
  ['😀(', 2, /add a \)/],
  ['('.repeat(1000), 200, /at most 200 deep/],
  [`${'('.repeat(500)}a${')*'.repeat(250)}`, 1000, /at most 1000 characters/],
  ['a'.repeat(1001), 1000, /at most 1000 characters/],
  ['x(a{1000}){11}', 3, /too large/],
  ['((a{0,1000}){0,1000}){0,1000}', 3, /too large/],
];

describe('what is found', () => {
  for (const [source, found, others] of CASES) {
    test(`/${source}/`, () => {
      for (const text of found) assert.ok(isFound(source, text), `in ${JSON.stringify(text)}`);
      for (const text of others) assert.ok(!isFound(source, text), `in ${JSON.stringify(text)}`);
    });
  }

  test('the limits themselves are allowed', () => {
    assert.ok(isFound('a'.repeat(1000), 'a'.repeat(1000)));
    assert.ok(isFound('^(?:a{1000}){9}$', 'a'.repeat(9000)));
    assert.ok(isFound(`^${'('.repeat(200)}a${')+'.repeat(200)}$`, 'aa'));
    assert.ok(isFound(`^${'(a)'.repeat(300)}$`, 'a'.repeat(300)));
    assert.ok(isFound('^((((){1000}){1000}){1000}){1000,}$', ''));
  });

  test('case is ignored as the fold of the project does, for every code point', () => {
    const groups = Map.groupBy(
      Array.from({ length: 0x20000 }, (_, codePoint) => codePoint),
      (codePoint) => fold(String.fromCodePoint(codePoint)),
    );
    for (const group of groups.values()) {
      for (const codePoint of group) {
        const variants = new Set([codePoint, ...caseVariants(codePoint)]);
        assert.deepEqual(
          [...variants].toSorted((a, b) => a - b),
          group,
        );
      }
    }
  });
});

describe('a source that is no pattern is refused with its place and a way out', () => {
  for (const [source, position, message] of REFUSED) {
    test(source.length > 40 ? `${source.slice(0, 40)}…` : source, () => {
      const compiled = compilePattern(source);
      assert.ok(!compiled.ok);
      assert.equal(compiled.position, position);
      assert.match(compiled.message, message);
    });
  }
});

describe('the runtime’s own expressions agree', () => {
  const CHARACTERS = ['a', 'b', 'B', '1', '_', '-', ' ', '\n', 'é', 'É', 'σ', 'ς', '😀'];
  const QUANTIFIERS = ['*', '+', '?', '{2}', '{1,}', '{0,2}', '{1,3}', '*?', '+?', '??', '{0,1}?'];
  const SETS = ['.', '\\d', '\\D', '\\w', '\\W', '\\s', '\\S', '\\p{L}', '\\P{Lu}', '\\u{1F600}'];
  const MEMBERS = [
    'a',
    'b',
    'a-c',
    'A-Z',
    '0-9',
    '\\w',
    '\\d',
    '\\n',
    'é',
    '😀',
    'α-ω',
    '\\-',
    '_',
  ];
  const ASSERTIONS = ['^', '$', '\\b', '\\B'];

  function randomSource(next: (end: number) => number, hasWords: boolean, depth: number): string {
    const one = (list: readonly string[]) => list[next(list.length)] ?? '';
    const atom = (): string => {
      const kind = next(depth > 0 ? 12 : 8);
      if (kind < 4) return one(CHARACTERS);
      if (kind < 6) return one(SETS);
      if (kind < 7) return `[${one(['', '^'])}${one(MEMBERS)}${one(MEMBERS)}]`;
      if (kind < 8) return one(ASSERTIONS.slice(0, hasWords ? 4 : 2));
      return `${one(['(', '(?:', '(?:'])}${randomSource(next, hasWords, depth - 1)})`;
    };
    const term = () => {
      const source = atom();
      return next(3) === 0 && !ASSERTIONS.includes(source) ? source + one(QUANTIFIERS) : source;
    };
    const sequence = () => Array.from({ length: next(4) }, term).join('');
    return Array.from({ length: 1 + Math.max(0, next(5) - 2) }, sequence).join('|');
  }

  test('on 20,000 random patterns', () => {
    const next = numbersFrom(2026);
    const answers = { true: 0, false: 0 };
    for (let count = 0; count < 20_000; count += 1) {
      const flags = ['', '', 'i', 's', 'm', 'ims'][next(6)] ?? '';
      // Without regard to case, ECMAScript's word boundaries and \P{…} are not RE2's.
      let source = randomSource(next, !flags.includes('i'), 3);
      if (flags.includes('i')) source = source.replaceAll('\\P{Lu}', '\\p{Lu}');
      const anchored = next(2) === 0 ? `^(?:${source})$` : source;
      const ours = patternOf(flags === '' ? anchored : `(?${flags})${anchored}`);
      const theirs = new RegExp(anchored, `u${flags}`);
      for (let texts = 0; texts < 4; texts += 1) {
        // V8 finds an empty match for \B between the halves of a surrogate pair.
        const kinds = source.includes('\\B') ? CHARACTERS.length - 1 : CHARACTERS.length;
        const text = Array.from({ length: next(8) }, () => CHARACTERS[next(kinds)]).join('');
        const expected = theirs.test(text);
        answers[`${expected}`] += 1;
        assert.equal(
          ours.test(text, { stepsLeft: AMPLE }),
          expected,
          `${theirs} on ${JSON.stringify(text)}`,
        );
      }
    }
    assert.ok(answers.true > 15_000 && answers.false > 15_000, JSON.stringify(answers));
  });
});

describe('the work grows with the text and no faster', () => {
  const letters = (length: number) => {
    const next = numbersFrom(7);
    return Array.from({ length }, () => 'ab'[next(2)]).join('');
  };
  const stepsOf = (source: string, text: string) => {
    const budget = { stepsLeft: AMPLE };
    assert.ok(!patternOf(source).test(text, budget));
    return AMPLE - budget.stepsLeft;
  };
  /** Pattern, a text of some length without a match, the fewest and most steps for a character. */
  const ADVERSARIES: readonly (readonly [string, (length: number) => string, number, number])[] = [
    ['(a*)*b', (length) => 'a'.repeat(length), 1, 1.1],
    ['(a|aa)+$', (length) => `${'a'.repeat(length)}b`, 1, 1.1],
    ['(.*)*x', (length) => 'abcdefgh'.repeat(length / 8), 1, 1.1],
    ['((a{0,10}){0,10})*c', (length) => 'ab'.repeat(length / 2), 1, 1.1],
    ['^(([a-z])+.)+[A-Z]([a-z])+$', (length) => 'a'.repeat(length), 1, 1.1],
    ['(a?){500}a{500}', (length) => `${'a'.repeat(499)}b`.repeat(length / 500), 1000, 1600],
    // Too many states to keep: each reset makes them anew.
    ['(?:a|b)*a(?:a|b){12}c', letters, 15, 60],
    ['(?:a|b)*a(?:a|b){200}c', letters, 200, 800],
  ];
  for (const [source, textOf, least, most] of ADVERSARIES) {
    test(source, () => {
      const short = stepsOf(source, textOf(10_000));
      const long = stepsOf(source, textOf(100_000));
      assert.ok(long >= least * 100_000 && long <= most * 100_000, `${long} steps`);
      assert.ok(long <= 11 * short, `${short} steps grew to ${long}`);
    });
  }

  test('code points that were never seen before cost the size of the pattern', () => {
    const text = (length: number) =>
      Array.from({ length }, (_, index) => String.fromCodePoint(0x40000 + (index % 8192))).join('');
    const short = stepsOf('(?i)[a-z\\p{L}]', text(10_000));
    const long = stepsOf('(?i)[a-z\\p{L}]', text(100_000));
    assert.ok(long >= 14 * 100_000 && long <= 17 * 100_000, `${long} steps`);
    assert.ok(long <= 11 * short, `${short} steps grew to ${long}`);
  });
});

describe('a budget', () => {
  test('is shared by many texts and throws when it is used up', () => {
    const pattern = patternOf('b');
    const budget = { stepsLeft: 1000 };
    for (let texts = 0; texts < 9; texts += 1) assert.ok(!pattern.test('a'.repeat(100), budget));
    assert.ok(budget.stepsLeft > 0 && budget.stepsLeft < 100);
    assert.throws(() => pattern.test('a'.repeat(100), budget), PatternBudgetError);
    assert.equal(budget.stepsLeft, 0);
    assert.throws(() => pattern.test('a', budget), { name: 'PatternBudgetError' });
  });

  test('that ran out leaves the pattern whole', () => {
    for (let steps = 0; steps < 300; steps += 1) {
      const pattern = patternOf('(?:a|b)*a(?:a|b){3}c');
      try {
        pattern.test('abbabaabbc', { stepsLeft: steps });
      } catch (error) {
        assert.ok(error instanceof PatternBudgetError);
      }
      assert.ok(pattern.test('abbabaabbbc', { stepsLeft: AMPLE }));
      assert.ok(!pattern.test('abbabbbbbbc', { stepsLeft: AMPLE }));
    }
  });

  test('answers stay right when the states are thrown away in between', () => {
    const pattern = patternOf('^(?:a|b)*a(?:a|b){10}$');
    const next = numbersFrom(99);
    for (let texts = 0; texts < 300; texts += 1) {
      const text = Array.from({ length: 11 + next(60) }, () => 'ab'[next(2)]).join('');
      assert.equal(pattern.test(text, { stepsLeft: AMPLE }), text.at(-11) === 'a');
    }
  });
});
