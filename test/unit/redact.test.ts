import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact } from '../../src/domain/redact.ts';

const KEY = 'upstream-key-0123456789';
const SIGNING = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const BARE = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const SECRETS = [KEY, SIGNING];

const CASES: readonly (readonly [string, string, string])[] = [
  ['a text without secrets stays as it is', 'No such key.', 'No such key.'],
  ['an empty text stays empty', '', ''],
  ['a secret alone', KEY, '[redacted]'],
  ['a secret in the middle', `Bearer ${KEY} is unknown`, 'Bearer [redacted] is unknown'],
  ['a secret more than once', `${KEY}, ${KEY}${KEY}.`, '[redacted], [redacted][redacted].'],
  ['two secrets', `${KEY} ${SIGNING}`, '[redacted] [redacted]'],
  ['a signing secret with its prefix', `got ${SIGNING}!`, 'got [redacted]!'],
  ['a signing secret without it', `got ${BARE}!`, 'got [redacted]!'],
  ['a secret cut at the end', `Bearer ${KEY.slice(0, -1)}`, 'Bearer [redacted]'],
  ['six characters of one at the end', `Bearer ${KEY.slice(0, 6)}`, 'Bearer [redacted]'],
  ['five characters of one at the end stay', 'Bearer upstr', 'Bearer upstr'],
  ['the beginning of one in the middle stays', 'the upstream is down', 'the upstream is down'],
  ['a signing secret cut at the end', `got ${SIGNING.slice(0, 20)}`, 'got [redacted]'],
  ['the same without its prefix', `got ${BARE.slice(0, 20)}`, 'got [redacted]'],
  ['one whole, then one cut', `${KEY} ${SIGNING.slice(0, 9)}`, '[redacted] [redacted]'],
  ['other letters in case are another text', KEY.toUpperCase(), KEY.toUpperCase()],
];

for (const [name, text, expected] of CASES) {
  test(name, () => assert.equal(redact(text, SECRETS), expected));
}

test('a secret that is cut anywhere, or echoed with anything around it, does not come through', () => {
  for (const secret of [KEY, SIGNING, BARE]) {
    for (let length = 6; length <= secret.length; length++) {
      const cut = redact(`x ${secret.slice(0, length)}`, SECRETS);
      assert.equal(cut, 'x [redacted]', `${length} characters of ${secret}`);
    }
    assert.ok(!redact(`${secret.slice(0, 9)}${secret}${secret}`, SECRETS).includes(secret));
  }
});

test('a secret that begins with another one goes as a whole, whichever comes first', () => {
  const longer = `${KEY}-and-more`;
  for (const secrets of [
    [KEY, longer],
    [longer, KEY],
  ]) {
    assert.equal(redact(`a ${longer} b ${KEY} c`, secrets), 'a [redacted] b [redacted] c');
    assert.equal(redact(`a ${longer.slice(0, -2)}`, secrets), 'a [redacted]');
  }
});

test('what is too short for a secret is taken for an ordinary word', () => {
  assert.equal(
    redact('the word is short', ['short', 'word', '', 'whsec_abc']),
    'the word is short',
  );
  assert.equal(redact('exactly8 is long enough', ['exactly8']), '[redacted] is long enough');
});

test('characters that mean something in patterns and replacements are plain text', () => {
  const odd = 'a.*+?^${}()|[]\\$&$1';
  assert.equal(redact(`<${odd}>`, [odd]), '<[redacted]>');
  assert.equal(redact('axxxxxxxxx', [odd]), 'axxxxxxxxx');
});

test('without secrets nothing changes', () => {
  assert.equal(redact(KEY, []), KEY);
});
