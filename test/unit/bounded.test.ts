import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundedJson, CUT_MARK } from '../../src/domain/bounded.ts';

const bytes = (text: string) => new TextEncoder().encode(text).byteLength;

test('what fits is kept to the letter', () => {
  const messages = [{ role: 'user', content: 'é'.repeat(100), more: { deep: [1, null] } }];
  assert.equal(boundedJson(messages, 10_000), JSON.stringify(messages));
});

const LONG: [string, unknown[]][] = [
  ['one long text', [{ role: 'user', content: 'x'.repeat(1_000_000) }]],
  ['a long text of three-byte characters', [{ role: 'user', content: '東'.repeat(60_000) }]],
  ['an image in a chunk', [{ content: [{ type: 'image_url', image_url: 'd'.repeat(500_000) }] }]],
  [
    'many messages',
    Array.from({ length: 5000 }, (_, n) => ({ role: 'user', content: `${n} `.repeat(50) })),
  ],
  ['surrogate pairs at the cut', [{ content: `a${'😀'.repeat(100_000)}` }]],
  ['a deep nest', [JSON.parse(`${'['.repeat(500)}"${'x'.repeat(300_000)}"${']'.repeat(500)}`)]],
  ['many keys', [Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`key${n}`, n]))]],
];
for (const [name, messages] of LONG) {
  test(`${name}: cut to the bound, still JSON and well-formed`, () => {
    const text = boundedJson(messages, 100_000);
    assert.ok(bytes(text) <= 100_000, `${bytes(text)}`);
    const value: unknown = JSON.parse(text);
    assert.ok(Array.isArray(value));
    assert.ok(text.isWellFormed());
  });
}

test('a cut text says so, and the short ones beside it stay whole', () => {
  const text = boundedJson(
    [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'x'.repeat(400_000) },
    ],
    100_000,
  );
  const [system, user] = JSON.parse(text) as { content: string }[];
  assert.equal(system?.content, 'Be brief.');
  assert.ok(user?.content.endsWith(CUT_MARK));
});

test('of too many messages the first and the last stay, and a mark tells how many went', () => {
  const messages = Array.from({ length: 3000 }, (_, n) => ({
    role: 'user',
    content: `message ${n}`,
  }));
  const kept = JSON.parse(boundedJson(messages, 20_000)) as { content: string }[];
  assert.equal(kept[0]?.content, 'message 0');
  assert.equal(kept.at(-1)?.content, 'message 2999');
  assert.ok(
    kept.some(({ content }) => content === `${3000 - kept.length + 1} messages ${CUT_MARK}`),
  );
});
