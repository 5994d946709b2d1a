import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ConfigError, configOf, parseConfig, type Config } from '../../src/config.ts';

// Every value that must not come to light holds this word.
const SECRET = 'hunter2';
const ADMIN_KEY = `admin-key-of-${SECRET}`;
const API_KEY = `mistral-key-of-${SECRET}`;

/** Var, its member of the config, the default of the interface, another text and what becomes of it. */
const VARS: readonly (readonly [string, keyof Config, unknown, string, unknown])[] = [
  [
    'MISTRAL_BASE_URL',
    'mistralBaseUrl',
    'https://api.mistral.ai',
    'http://localhost:9000/eu/',
    'http://localhost:9000/eu',
  ],
  ['MISTRAL_API_KEY', 'mistralApiKey', null, API_KEY, API_KEY],
  ['DEFAULT_MODEL', 'defaultModel', 'mistral-small-latest', 'm-1', 'm-1'],
  [
    'CORS_ORIGINS',
    'corsOrigins',
    [],
    ' https://a.example.com , https://b.example.com,',
    ['https://a.example.com', 'https://b.example.com'],
  ],
  ['CORS_ORIGINS', 'corsOrigins', [], '*', ['*']],
  ['MAX_BODY_BYTES', 'maxBodyBytes', 10_485_760, '1024', 1024],
  ['POLL_MIN_MS', 'pollMinMs', 1000, '250', 250],
  ['POLL_MAX_MS', 'pollMaxMs', 30_000, '60000', 60_000],
  ['IMPORT_DEADLINE_MS', 'importDeadlineMs', 86_400_000, '3600000', 3_600_000],
  [
    'WEBHOOK_RETRY_S',
    'webhookRetryS',
    [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400],
    '0,0.5, 60',
    [0, 0.5, 60],
  ],
  ['WEBHOOK_TIMEOUT_MS', 'webhookTimeoutMs', 15_000, '500', 500],
  ['CALLBACK_ALLOW_PRIVATE', 'callbackAllowPrivate', false, 'true', true],
  ['STREAM_HEARTBEAT_MS', 'streamHeartbeatMs', 15_000, '5000', 5000],
  ['STREAM_IDLE_TIMEOUT_MS', 'streamIdleTimeoutMs', 300_000, '60000', 60_000],
  ['UPSTREAM_HEADERS_TIMEOUT_MS', 'upstreamHeadersTimeoutMs', 120_000, '1000', 1000],
  ['RETENTION_DAYS', 'retentionMs', 30 * 86_400_000, '7', 7 * 86_400_000],
];

describe('a var', () => {
  for (const [name, member, fallback, text, value] of VARS) {
    test(`${name} has its default when it is left out or blank`, () => {
      assert.deepEqual(parseConfig({ ADMIN_KEY })[member], fallback);
      assert.deepEqual(parseConfig({ ADMIN_KEY, [name]: '' })[member], fallback);
    });

    test(`${name} takes ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseConfig({ ADMIN_KEY, [name]: text })[member], value);
    });
  }

  test('that is a number in wrangler.toml is taken as one', () => {
    assert.equal(parseConfig({ ADMIN_KEY, MAX_BODY_BYTES: 2048 }).maxBodyBytes, 2048);
  });

  test('ADMIN_KEY is taken as it is', () => {
    assert.equal(parseConfig({ ADMIN_KEY }).adminKey, ADMIN_KEY);
  });

  test('that is none of ours, such as a binding, is passed over', () => {
    assert.deepEqual(parseConfig({ ADMIN_KEY, KV: {}, OTHER: 1 }), parseConfig({ ADMIN_KEY }));
  });
});

function errorOf(vars: object): ConfigError {
  try {
    parseConfig(vars);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error;
  }
  return assert.fail('These vars were taken.');
}

describe('a bad value is an error that names its var and shows no secret', () => {
  const bad: readonly (readonly [string, readonly unknown[]])[] = [
    ['ADMIN_KEY', [undefined, null, '', { [SECRET]: 1 }]],
    ['MISTRAL_API_KEY', [{ [SECRET]: 1 }]],
    ['MISTRAL_BASE_URL', ['api.mistral.ai', `ftp://user:${SECRET}@files.example.com`, '/v1']],
    ['CHAT_BACKEND', ['offline', 'Builtin']],
    ['OBSERVABILITY_BACKEND', ['offline', 'AUTO']],
    ['CORS_ORIGINS', [1]],
    ['MAX_BODY_BYTES', ['10 MB', '0', '-1', '1.5', ' ']],
    ['POLL_MIN_MS', ['soon', '0', '-1', '99.5', 'NaN', 'Infinity']],
    ['POLL_MAX_MS', ['late', '0', '1e400']],
    ['IMPORT_DEADLINE_MS', ['a day', '0']],
    ['WEBHOOK_RETRY_S', ['at once', '0;5', '0,-5', '0,NaN', '0,Infinity']],
    ['WEBHOOK_TIMEOUT_MS', ['15s', '0', '-1']],
    ['CALLBACK_ALLOW_PRIVATE', ['yes', '1', 'TRUE']],
    ['STREAM_HEARTBEAT_MS', ['15s', '0']],
    ['STREAM_IDLE_TIMEOUT_MS', ['300s', '-1']],
    ['UPSTREAM_HEADERS_TIMEOUT_MS', ['2m', '0']],
    ['RETENTION_DAYS', ['a month', '-1', '5000']],
  ];
  for (const [name, values] of bad) {
    for (const value of values) {
      test(`${name}=${JSON.stringify(value) ?? 'undefined'}`, () => {
        const { message } = errorOf({ ADMIN_KEY, MISTRAL_API_KEY: API_KEY, [name]: value });
        assert.match(message, new RegExp(`\\b${name} `));
        assert.ok(!message.includes(SECRET), message);
      });
    }
  }

  test('one error names all that is wrong', () => {
    const { message, name } = errorOf({ POLL_MIN_MS: 'x', CHAT_BACKEND: 'y' });
    for (const wrong of ['ADMIN_KEY', 'POLL_MIN_MS', 'CHAT_BACKEND']) {
      assert.match(message, new RegExp(wrong));
    }
    assert.equal(name, 'ConfigError');
  });

  test('a missing ADMIN_KEY says how to set it', () => {
    assert.match(errorOf({}).message, /ADMIN_KEY is missing.*wrangler secret put ADMIN_KEY/);
  });

  test('a word that is none of the choices is told them', () => {
    const { message } = errorOf({ ADMIN_KEY, CAPTURE: 'yes' });
    assert.match(message, /CAPTURE Invalid option: expected one of "on"\|"off"/);
  });

  test('poll bounds the wrong way round', () => {
    const { message } = errorOf({ ADMIN_KEY, POLL_MIN_MS: '2000', POLL_MAX_MS: '1999' });
    assert.match(message, /POLL_MAX_MS.*POLL_MIN_MS/);
    const equal = parseConfig({ ADMIN_KEY, POLL_MIN_MS: '2000', POLL_MAX_MS: '2000' });
    assert.equal(equal.pollMaxMs, 2000);
  });
});

describe('the backend', () => {
  const members = {
    CHAT_BACKEND: 'chatBackend',
    OBSERVABILITY_BACKEND: 'observabilityBackend',
  } as const;
  const cases: readonly (readonly [string | undefined, string | undefined, string])[] = [
    [undefined, undefined, 'builtin'],
    ['', '', 'builtin'],
    ['auto', undefined, 'builtin'],
    ['auto', '', 'builtin'],
    ['builtin', undefined, 'builtin'],
    [undefined, API_KEY, 'mistral'],
    ['auto', API_KEY, 'mistral'],
    ['mistral', API_KEY, 'mistral'],
    ['builtin', API_KEY, 'builtin'],
  ];
  for (const name of ['CHAT_BACKEND', 'OBSERVABILITY_BACKEND'] as const) {
    for (const [choice, key, expected] of cases) {
      const given = key === API_KEY ? 'a key' : 'no key';
      test(`${name}=${choice ?? '(left out)'} with ${given} is ${expected}`, () => {
        const config = parseConfig({ ADMIN_KEY, MISTRAL_API_KEY: key, [name]: choice });
        assert.equal(config[members[name]], expected);
      });
    }

    test(`${name}=mistral without a key is an error`, () => {
      const { message } = errorOf({ ADMIN_KEY, [name]: 'mistral' });
      assert.match(message, new RegExp(`${name}=mistral needs MISTRAL_API_KEY`));
    });
  }

  test('of chat and of observability are chosen apart', () => {
    const config = parseConfig({
      ADMIN_KEY,
      MISTRAL_API_KEY: API_KEY,
      OBSERVABILITY_BACKEND: 'builtin',
    });
    assert.equal(config.chatBackend, 'mistral');
    assert.equal(config.observabilityBackend, 'builtin');
  });
});

test('an environment is parsed once, another one anew', () => {
  const env = { ADMIN_KEY };
  assert.equal(configOf(env), configOf(env));
  assert.notEqual(configOf(env), configOf({ ADMIN_KEY }));
});

describe('the table of the README', () => {
  const page = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, section = ''] = page.split('## Configuration');
  const rows = [...section.matchAll(/^\| (`[^|]*`) \| ([^|]*)\|/gm)].flatMap(
    ([, names = '', defaults = '']) => {
      const values = defaults.split('`, `').map((text) => text.replaceAll('`', '').trim());
      return names
        .split(', ')
        .map((name, n) => ({ name: name.slice(1, -1), value: values[n] ?? values[0] ?? '' }));
    },
  );

  test('has each var once', () => {
    const source = readFileSync(new URL('../../src/config.ts', import.meta.url), 'utf8');
    const vars = [...source.matchAll(/^ {4}([A-Z_]+):/gm)].map(([, name = '']) => name);
    assert.ok(vars.length >= VARS.length);
    assert.deepEqual(rows.map(({ name }) => name).toSorted(), vars.toSorted());
  });

  for (const { name, value } of rows.filter((row) => !row.value.startsWith('('))) {
    test(`tells the default of ${name}`, () => {
      assert.deepEqual(parseConfig({ ADMIN_KEY, [name]: value }), parseConfig({ ADMIN_KEY }));
    });
  }
});
