import { NOWHERE } from '../builtin.ts';
import type { Sent } from './operation.ts';

/** A random number from 0 to 1, the same ones for the same seed (mulberry32). */
type Random = () => number;

export function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random() * from.length)] as T;

/** `{"a":{"a":…}}`, deeper than a parser that calls itself may like. */
const nested = (depth: number, open: string, close: string) =>
  open.repeat(depth) + '0' + close.repeat(depth);

/** Values as JSON text, so that what no object holds can be among them. */
const VALUES = [
  ...['null', 'true', 'false', '0', '-0', '-1', '1.5', '1e400', '-1e400', '9007199254740993'],
  ...['""', '" "', '"x"', '"\\u0000"', '"\\ud800"', '"\\udc00x"', '"🪁"', '"%00\'\\"--"', '"{{"'],
  ...['[]', '{}', '[null]', '[[]]', '[{}]', '{"":{}}', '{"a":[{"b":null}]}', '[1,"x",null,{}]'],
  ...[
    '{"__proto__":{"a":1}}',
    '{"constructor":{"prototype":1}}',
    '{"toString":1}',
    '{"length":-1}',
  ],
  ...[
    '{"AND":null}',
    '{"OR":[{}]}',
    '{"AND":{},"OR":5}',
    '{"field":"__proto__","op":"eq","value":1}',
  ],
  ...['"matches"', '"isnull"', '"len_eq"', '"includes"', '"timestamp"', '"metadata"', '"streamed"'],
  ...['"(a+)+$"', '"(?<=a)"', '"[[:alpha:]]{1,99999}"', '"\\\\p{Script=Greek}"', '"2026-13-45"'],
  ...['"2026-02-01T00:00:00Z"', '"+275760-09-13T00:00:00.001Z"', '"__judge_x"', `"${NOWHERE}"`],
  ...[nested(2000, '[', ']'), nested(2000, '{"a":', '}'), nested(150, '{"AND":[', ']}')],
  ...[`"${'x'.repeat(20_000)}"`, `[${Array(2000).fill('"x"').join(',')}]`],
];

const IDS = [
  ...['x', '0', '-1', ' ', '%00', '%0a', '%E0%A4%A', 'é', '%F0%9F%AA%81', 'null', 'undefined'],
  ...[
    '%2F',
    'a%2Fb',
    '..%2Fx',
    '%252e',
    "'--",
    '"',
    '%3F',
    '%23',
    '[object%20Object]',
    '__proto__',
  ],
  ...[NOWHERE, NOWHERE.replaceAll('-', ''), `{${NOWHERE}}`, `${NOWHERE}%20`, 'x'.repeat(2000)],
];

const KEYS = [
  ...['page', 'page_size', 'cursor', 'q', 'operator', 'expiry', 'search', 'purpose', 'source'],
  ...['sample_type', 'mimetypes', 'include_total', 'type_filter', 'model_filter', 'model'],
  ...['provider', '__proto__', 'constructor', '', 'page[]', 'extra_fields'],
];
const QUERY_VALUES = [
  ...['', '0', '-1', '1.5', '1e3', '0x10', '١', ' 1', '+1', 'NaN', '9007199254740993', 'null'],
  ...['%00', '%E0%A4%A', '%ED%A0%80', "%25_'--", '%F0%9F%AA%81', 'eq', 'true', 'REGRESSION'],
  ...['1000000000', '[]', '{}', '%7B%7D', 'x'.repeat(2000)],
];

/** Makes a request into one that may be broken. What was done to it can be read off the result. */
export function broken(random: Random, good: Sent, parameters: readonly string[]): Sent {
  const ways = [
    ...(parameters.length > 0 ? [brokenId] : []),
    brokenQuery,
    ...(good.body === undefined ? [] : [brokenBody, brokenBody, brokenBody]),
  ];
  let sent = good;
  const times = random() < 0.7 ? 1 : 2;
  for (let time = 0; time < times; time++) sent = pick(random, ways)(random, sent, parameters);
  return sent;
}

function brokenId(random: Random, sent: Sent, parameters: readonly string[]): Sent {
  return { ...sent, ids: { ...sent.ids, [pick(random, parameters)]: pick(random, IDS) } };
}

function brokenQuery(random: Random, sent: Sent): Sent {
  const pairs = Array.from(
    { length: 1 + Math.floor(random() * 3) },
    () => `${pick(random, KEYS)}=${pick(random, QUERY_VALUES)}`,
  );
  const kept = sent.query !== undefined && random() < 0.5 ? [sent.query] : [];
  return { ...sent, query: [...kept, ...pairs].join('&') };
}

function brokenBody(random: Random, sent: Sent): Sent {
  const isJson = typeof sent.body !== 'string';
  const text = isJson ? JSON.stringify(sent.body) : String(sent.body);
  const at = Math.floor(random() * text.length);
  const roll = random();
  if (roll < 0.05) return { ...sent, body: text, contentType: pick(random, CONTENT_TYPES) };
  if (roll < 0.12) return { ...sent, body: text.slice(0, at) };
  if (roll < 0.2) return { ...sent, body: text.slice(0, at) + text.slice(at + 1) };
  if (!isJson || roll < 0.28) {
    return { ...sent, body: text.slice(0, at) + pick(random, VALUES) + text.slice(at) };
  }
  if (roll < 0.33) return { ...sent, body: pick(random, VALUES) };
  return { ...sent, body: withBrokenValue(random, sent.body) };
}

const CONTENT_TYPES = [
  ...['', 'text/plain', 'application/json; charset=utf-16', 'application/jsonl', 'json', '*/*'],
  ...[
    'multipart/form-data',
    'multipart/form-data; boundary=""',
    'application/x-www-form-urlencoded',
  ],
];

/** The JSON of a body with one value, at any depth, replaced, left out, or joined by another. */
export function withBrokenValue(random: Random, body: unknown): string {
  const MARK = '\uE000here';
  const copy = structuredClone(body);
  const places: { holder: Record<string, unknown>; key: string }[] = [];
  const visit = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    const holder = value as Record<string, unknown>;
    for (const key of Object.keys(holder)) {
      places.push({ holder, key });
      visit(holder[key]);
    }
  };
  visit(copy);
  if (places.length === 0) return pick(random, VALUES);
  const { holder, key } = pick(random, places);
  const roll = random();
  if (roll < 0.15 && !Array.isArray(holder)) delete holder[key];
  else if (roll < 0.25 && !Array.isArray(holder)) holder[`${key}x`] = MARK;
  else if (roll < 0.35) holder[key] = [holder[key], holder[key], MARK];
  else holder[key] = MARK;
  return JSON.stringify(copy).replace(`"${MARK}"`, () => pick(random, VALUES));
}
