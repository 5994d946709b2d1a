import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { LedgerRow, UsageReport } from '../../src/domain/usage.ts';
import { until } from '../support/until.ts';
import { send, startWorker, type TestClient, type TestWorker } from '../support/worker.ts';

const DAY_MS = 86_400_000;
const SCOPES = ['chat', 'observability:read', 'observability:write', 'files', 'proxy'];

/** The ledger's own method, as Miniflare's proxy lets it be called. */
interface Ledgers {
  getByName: (clientId: string) => { add: (rows: LedgerRow[]) => Promise<void> };
}

let worker: TestWorker;
before(async () => {
  worker = await startWorker();
});
after(() => worker.dispose());

/** Hands rows over as `noteUsage` does. */
async function add(client: TestClient, rows: LedgerRow[], at = worker): Promise<void> {
  const namespace = await at.miniflare.getDurableObjectNamespace('USAGE_LEDGER');
  await (namespace as unknown as Ledgers).getByName(client.id).add(rows);
}

/** A chat with what is given, the rest plain. */
function chat(given: Partial<LedgerRow> = {}): LedgerRow {
  return {
    id: crypto.randomUUID(),
    requestId: crypto.randomUUID(),
    model: 'small',
    stream: false,
    outcome: 'completed',
    promptTokens: 10,
    completionTokens: 5,
    totalTokens: 15,
    ttfbMs: 100,
    durationMs: 250,
    bytes: 321,
    startedAt: Date.now() - 1000,
    ...given,
  };
}

async function usage(client: TestClient, query = '', at = worker): Promise<UsageReport> {
  const answer = await send(`${at.url}/usage${query}`, client.key, 'GET');
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return JSON.parse(text) as UsageReport;
}

const sums = (requests: number, prompt = 10 * requests, completion = 5 * requests) => ({
  requests,
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
});
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

describe('GET /usage', () => {
  test('of a client that has not chatted is zeros, from 30 days back', async () => {
    const { since, ...rest } = await usage(await worker.createClient());
    assert.ok(Math.abs(Date.parse(since) - (Date.now() - 30 * DAY_MS)) < 60_000, since);
    assert.deepEqual(rest, { totals: sums(0), by_model: [], by_day: [], recent: [] });
  });

  test('shows a row with exactly the documented fields; unknown is null and zero is zero', async () => {
    const client = await worker.createClient();
    const row = chat({
      stream: true,
      outcome: 'upstream_cut',
      promptTokens: 0,
      completionTokens: null,
      totalTokens: null,
      ttfbMs: null,
      bytes: 0,
    });
    await add(client, [row]);
    const { recent, totals } = await usage(client);
    assert.deepEqual(totals, sums(1, 0, 0));
    assert.deepEqual(recent, [
      {
        request_id: row.requestId,
        model: 'small',
        stream: true,
        outcome: 'upstream_cut',
        prompt_tokens: 0,
        completion_tokens: null,
        total_tokens: null,
        ttfb_ms: null,
        duration_ms: 250,
        bytes: 0,
        started_at: new Date(row.startedAt).toISOString(),
      },
    ]);
  });

  test('counts a hand-over made twice once', async () => {
    const client = await worker.createClient();
    const rows = [chat(), chat()];
    await add(client, rows);
    await add(client, [...rows, chat()]);
    const { totals, recent } = await usage(client);
    assert.deepEqual(totals, sums(3));
    assert.equal(recent.length, 3);
  });

  test('counts two chats whose caller gave them the same request id twice', async () => {
    const client = await worker.createClient();
    await add(client, [chat({ requestId: 'mine' }), chat({ requestId: 'mine' })]);
    assert.deepEqual((await usage(client)).totals, sums(2));
  });

  test('takes a hand-over whole or not at all', async () => {
    const client = await worker.createClient();
    const broken = { ...chat(), bytes: null } as unknown as LedgerRow;
    await assert.rejects(add(client, [chat(), broken]));
    assert.deepEqual((await usage(client)).totals, sums(0));
  });

  test('sums by model and by day', async () => {
    const client = await worker.createClient();
    const now = Date.now();
    await add(client, [
      chat({ startedAt: now - 2 * DAY_MS }),
      chat({ startedAt: now - 2 * DAY_MS, model: 'large', promptTokens: null, totalTokens: 5 }),
      chat({ startedAt: now - 1 }),
    ]);
    const { totals, by_model, by_day } = await usage(client);
    assert.deepEqual(totals, sums(3, 20, 15));
    assert.deepEqual(by_model, [
      { model: 'small', ...sums(2) },
      { model: 'large', ...sums(1, 0, 5) },
    ]);
    assert.deepEqual(by_day, [
      { day: dayOf(now - 2 * DAY_MS), ...sums(2, 10, 10) },
      { day: dayOf(now - 1), ...sums(1) },
    ]);
  });

  test('shows the latest 100, the newest first, and counts all', async () => {
    const client = await worker.createClient();
    const start = Date.now() - 1000;
    const rows = Array.from({ length: 250 }, (_, n) =>
      chat({ requestId: `r${n}`, startedAt: start + n }),
    );
    await add(client, rows.toReversed());
    const { totals, recent } = await usage(client);
    assert.equal(totals.requests, 250);
    assert.deepEqual(
      recent.map(({ request_id }) => request_id),
      Array.from({ length: 100 }, (_, n) => `r${249 - n}`),
    );
  });

  test('leaves out what came before since', async () => {
    const client = await worker.createClient();
    const at = Date.UTC(2026, 0, 10, 12);
    const far = Date.now() + DAY_MS;
    await add(client, [chat({ startedAt: far - 1 }), chat({ startedAt: far })]);
    const count = async (since: string) => {
      const report = await usage(client, `?since=${encodeURIComponent(since)}`);
      assert.equal(report.since, new Date(since).toISOString());
      assert.equal(report.recent.length, report.totals.requests);
      return report.totals.requests;
    };
    assert.equal(await count(new Date(at).toISOString()), 2);
    assert.equal(await count('2026-01-10'), 2);
    assert.equal(await count(new Date(far - 1).toISOString()), 2);
    assert.equal(await count(new Date(far).toISOString()), 1);
    assert.equal(await count(new Date(far + 1).toISOString()), 0);
    assert.equal(await count('2099-01-01T00:00:00+02:00'), 0);
  });

  for (const query of [
    'since=',
    'since=tomorrow',
    'since=2026-02-30',
    'since=2026-03-01T10:00:00',
  ]) {
    test(`?${query} is refused at /since`, async () => {
      const client = await worker.createClient();
      const answer = await send(`${worker.url}/usage?${query}`, client.key, 'GET');
      assert.equal(answer.status, 400);
      const { error } = (await answer.json()) as {
        error: { code: string; details: { path: string }[] };
      };
      assert.equal(error.code, 'invalid_request');
      assert.deepEqual(
        error.details.map(({ path }) => path),
        ['/since'],
      );
    });
  }

  test('a misspelt parameter is refused, not passed over', async () => {
    const { key } = await worker.createClient();
    const answer = await send(`${worker.url}/usage?from=2026-03-01`, key, 'GET');
    assert.equal(answer.status, 400);
    const { error } = (await answer.json()) as { error: { details: { path: string }[] } };
    assert.deepEqual(
      error.details.map(({ path }) => path),
      ['/from'],
    );
  });

  test('shows a client nothing of another', async () => {
    const [one, other] = [await worker.createClient(), await worker.createClient()];
    await add(one, [chat()]);
    assert.deepEqual((await usage(other)).totals, sums(0));
    assert.deepEqual((await usage(one)).totals, sums(1));
  });

  test('answers every key, whatever its scope', async () => {
    for (const scope of SCOPES) await usage(await worker.createClient({ scopes: [scope] }));
  });
});

describe('rows older than RETENTION_DAYS', () => {
  const folded = (client: TestClient, query: string, left: number) =>
    until('rows to be folded', async () => {
      const report = await usage(client, query);
      return report.recent.length === left && report;
    });

  test('become daily totals per model; what is younger stays, and nothing counts twice', async () => {
    const client = await worker.createClient();
    const day = Date.UTC(2025, 0, 15);
    const old = [
      chat({ startedAt: day }),
      chat({ startedAt: day + DAY_MS - 1, promptTokens: null, totalTokens: null }),
      chat({ startedAt: day + 1, model: 'large' }),
      chat({ startedAt: day + DAY_MS }),
    ];
    const young = chat();
    await add(client, [...old, young]);
    const query = '?since=2025-01-01';
    const report = await folded(client, query, 1);
    const totals = { requests: 5, prompt_tokens: 40, completion_tokens: 25, total_tokens: 60 };
    assert.deepEqual(report.totals, totals);
    assert.deepEqual(report.by_day, [
      {
        day: '2025-01-15',
        requests: 3,
        prompt_tokens: 20,
        completion_tokens: 15,
        total_tokens: 30,
      },
      { day: '2025-01-16', ...sums(1) },
      { day: dayOf(young.startedAt), ...sums(1) },
    ]);
    assert.deepEqual(
      report.by_model.map(({ model, requests }) => [model, requests]),
      [
        ['small', 4],
        ['large', 1],
      ],
    );
    await add(client, [...old, young]);
    assert.deepEqual((await usage(client, query)).totals, totals);
    assert.deepEqual((await usage(client)).totals, sums(1));
    assert.deepEqual((await usage(client, '?since=2025-01-16')).totals, sums(2));
    // A folded day counts whole when its last chat is in.
    assert.equal((await usage(client, '?since=2025-01-15T23:00:00Z')).totals.requests, 4);
  });

  test('are folded by the alarm as they come of age, into the totals that are there', async () => {
    const soon = await startWorker({ RETENTION_DAYS: String(300 / DAY_MS) });
    try {
      const client = await soon.createClient();
      for (let round = 0; round < 2; round++) {
        await add(client, [chat({ startedAt: Date.now() }), chat({ startedAt: Date.now() })], soon);
        await until('rows to be folded', async () => {
          const { recent, totals } = await usage(client, '', soon);
          assert.deepEqual(totals, sums(2 * (round + 1)));
          return recent.length === 0;
        });
      }
    } finally {
      await soon.dispose();
    }
  });

  test('are folded in slices, however many there are', async () => {
    const client = await worker.createClient();
    const start = Date.UTC(2025, 0, 1);
    const rows = Array.from({ length: 25_000 }, (_, n) => chat({ startedAt: start + n * 10_000 }));
    await add(client, rows);
    const report = await folded(client, '?since=2025-01-01', 0);
    assert.deepEqual(report.totals, sums(25_000));
  });
});
