import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { EVENT_FIELDS, operatorsOf, type FieldType } from '../../src/domain/filter-fields.ts';
import {
  deleteSamples,
  newEvent,
  randomOf,
  recordEvents,
  type NewEvent,
} from '../support/events.ts';
import { holds, type Sample, type Wire } from '../support/oracle.ts';
import { send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

// Random filters over random events: the built-in backend against the oracle. The seed is fixed.

const SEARCH = '/v1/observability/chat-completion-events/search';
const random = randomOf(20_260_201);
const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

const TEXTS = [
  null,
  '',
  'hello',
  'HELLO world',
  'Hello, Wörld',
  'STRASSE',
  'straße',
  'ΣΊΣΥΦΟΣ σίσυφος',
  '\u212Aelvin k',
  'İstanbul ıI',
  '😀 emoji 😀',
  '\uFF5E full width',
  'a "quoted" \\ text\nwith a line',
  "it's 100% _sure_",
  'ﬁne',
];
const NEEDLES = [
  '',
  'h',
  'HELLO',
  'wörld',
  'WÖRLD',
  'ss',
  'σ',
  'Σ',
  'K',
  'i',
  '😀',
  '\uFF5E',
  '"',
  '\\',
  '\n',
  '%',
  '_',
  'FI',
  ...TEXTS.filter((text) => text !== null),
];
const TOOLS = ['web_search', 'Web_Search', 'straße', 'code', 'a"b', ',', ''];
const KEYS = ['team', 'Team', 'straße', 'a"b', 'a.b', '__proto__', ''];
const PATTERNS = ['^h', 'o$', '[aeiou]{2}', 'hello|😀', '\\d+', '', '.', 'Σ.*σ', '^$', 'a|b'];
const TIMES = [0, 1, 500, 1000, 60_000].map((ms) => Date.UTC(2026, 1, 1) + ms);

const some = <T>(items: readonly T[]): T[] => items.filter(() => random() < 0.3);

const EVENTS: NewEvent[] = Array.from({ length: 400 }, () =>
  newEvent({
    createdAt: pick(TIMES),
    modelName: pick(['mistral-small-latest', 'MISTRAL-LARGE', 'modèle', 'MODÈLE']),
    inputTokens: pick([null, 0, 1, 7, 1000]),
    outputTokens: pick([null, 0, 5]),
    totalTimeElapsed: pick([null, 0, 0.5, 1.25, 30]),
    lastUserMessage: pick(TEXTS),
    responseText: pick(TEXTS),
    firstSystemMessage: pick(TEXTS),
    apiAgentId: pick([null, 'ag_1', 'AG_É', 'ag_é']),
    correlationId: pick(['c-1', 'C-1', 'ç-1']),
    invokedTools: some(TOOLS),
    metadata: JSON.stringify(
      Object.fromEntries(some(KEYS).map((key) => [key, pick(['x', 1, null])])),
    ),
    streamed: random() < 0.5,
  }),
);

const sampleOf = (event: NewEvent): Sample => ({
  timestamp: new Date(event.createdAt).toISOString(),
  model_name: event.modelName,
  last_user_message_preview: event.lastUserMessage,
  response_messages_preview: event.responseText,
  first_system_message: event.firstSystemMessage,
  api_agent_id: event.apiAgentId,
  event_id: event.eventId,
  correlation_id: event.correlationId,
  invoked_tools: event.invokedTools,
  metadata: JSON.parse(event.metadata) as unknown,
  total_time_elapsed: event.totalTimeElapsed,
  input_tokens: event.inputTokens,
  output_tokens: event.outputTokens,
  streamed: event.streamed,
});
const SAMPLES = EVENTS.map((event) => [event.eventId, sampleOf(event)] as const);

function valueFor(type: FieldType, name: string, op: string): unknown {
  if ((op === 'eq' || op === 'neq') && random() < 0.15) return null;
  if (op === 'isnull') return random() < 0.5;
  if (op === 'len_eq') return pick([0, 1, 2, 3, 5, 11, 12]);
  if (op === 'matches') return pick(PATTERNS);
  switch (type) {
    case 'INT':
    case 'FLOAT':
      return pick([0, 0.5, 1, 1.25, 5, 7, -1, 1000, 1e300]);
    case 'BOOL':
      return random() < 0.5;
    case 'TIMESTAMP':
      return pick([...TIMES.map((ms) => new Date(ms).toISOString()), '2026-02-01T01:00:01+01:00']);
    case 'MAP':
      return pick(KEYS);
    case 'ARRAY':
      return pick([...TOOLS, 'WEB', 'SS', 'e']);
    case 'TEXT':
      return pick([...NEEDLES, sampleValue(name)]);
  }
}

/** A value that occurs, so that exact comparisons find something. */
function sampleValue(name: string): string {
  const [, sample] = pick(SAMPLES);
  const value = sample[name];
  return typeof value === 'string' ? value : 'mistral';
}

const CONDITIONS = EVENT_FIELDS.flatMap(({ name, type }) =>
  operatorsOf(type).map((op) => ({ name, type, op })),
);

const conditionOf = ({ name, type, op }: (typeof CONDITIONS)[number]): Wire => ({
  field: name,
  op,
  value: valueFor(type, name, op),
});

function treeOf(depth: number): Wire {
  if (depth === 0 || random() < 0.3) return conditionOf(pick(CONDITIONS));
  const list = () => Array.from({ length: Math.floor(random() * 4) }, () => treeOf(depth - 1));
  return pick([
    () => ({ AND: list(), OR: list() }),
    () => ({ AND: list(), OR: null }),
    () => ({ OR: list() }),
    () => ({}),
  ])();
}

let worker: TestWorker;
let client: TestClient;

before(async () => {
  worker = await startWorker();
  client = await worker.createClient();
  await deleteSamples(worker);
  await recordEvents(worker, EVENTS);
});
after(() => worker.dispose());

async function ask<T>(path: string, filters: Wire | null): Promise<T> {
  const body = { search_params: { filters }, extra_fields: [] };
  const answer = await send(worker.url + path, client.key, 'POST', body);
  const text = await answer.text();
  assert.equal(answer.status, 200, shown(filters, text));
  return JSON.parse(text) as T;
}

const shown = (filters: Wire | null, why = '') =>
  `${why} ${JSON.stringify(filters).slice(0, 2000)}`;

interface Feed {
  completion_events: { results: { event_id: string }[]; next: string | null };
}

async function paged(filters: Wire | null, size: number): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor = ''; ;) {
    const { completion_events } = await ask<Feed>(`${SEARCH}?page_size=${size}${cursor}`, filters);
    ids.push(...completion_events.results.map(({ event_id }) => event_id));
    if (completion_events.next === null) return ids;
    cursor = `&cursor=${encodeURIComponent(completion_events.next)}`;
  }
}

async function agrees(filters: Wire | null): Promise<void> {
  const expected = SAMPLES.filter(([, sample]) => holds(filters, sample)).map(([id]) => id);
  const found = await ask<{ completion_event_ids: string[] }>(`${SEARCH}-ids`, filters);
  const ids = found.completion_event_ids;
  assert.deepEqual(ids.toSorted(), expected.toSorted(), shown(filters));
  assert.deepEqual(await paged(filters, 90), ids, 'pages give the same in the same order');
}

for (const [index, condition] of CONDITIONS.entries()) {
  test(`${condition.name} ${condition.op} finds what it should (${index})`, async () => {
    for (let round = 0; round < 4; round++) await agrees(conditionOf(condition));
  });
}

test('300 random trees find what they should', async () => {
  for (let round = 0; round < 300; round++) await agrees(treeOf(4));
});

const LONG = 'x'.repeat(390);
const FLAT: Wire[] = Array.from({ length: 150 }, (_, index) => ({
  field: pick(['last_user_message_preview', 'response_messages_preview', 'first_system_message']),
  op: pick(['notcontains', 'inotcontains', 'neq']),
  value: `é${LONG}${index}`,
}));

function nested(levels: number, inner: Wire): Wire {
  let tree = inner;
  for (let level = 0; level < levels; level++) {
    tree =
      level % 2 === 0
        ? { AND: [{ field: 'input_tokens', op: 'gte', value: 0 }, tree] }
        : { OR: [{ field: 'output_tokens', op: 'eq', value: 5 }, tree] };
  }
  return tree;
}

const MANY_AND_DEEP: [string, Wire][] = [
  ['150 conditions', { AND: FLAT }],
  ['150 alternatives', { OR: FLAT }],
  ['60 levels', nested(60, { field: 'streamed', op: 'eq', value: true })],
  ['97 levels', nested(97, { field: 'streamed', op: 'eq', value: true })],
  ['150 conditions under 60 levels', nested(60, { AND: FLAT })],
  [
    '60 levels beside alternatives',
    { AND: [nested(60, { OR: FLAT.slice(75) }), { OR: FLAT.slice(75) }] },
  ],
];

for (const [what, tree] of MANY_AND_DEEP) {
  test(`${what} find what they should, in SQL and where SQL cannot decide`, async () => {
    await agrees(tree);
    const undecided: Wire = { field: 'last_user_message_preview', op: 'matches', value: '[ho]' };
    await agrees({ AND: [tree, undecided] });
    await agrees({ OR: [undecided, tree] });
  });
}

test('a thousand conditions find what they should', async () => {
  const conditions: Wire[] = Array.from({ length: 1000 }, () => ({
    field: 'invoked_tools',
    op: pick(['excludes', 'includes']),
    value: pick(TOOLS),
  }));
  await agrees({ OR: conditions });
  await agrees({ AND: conditions.slice(0, 3), OR: conditions.slice(3) });
});
