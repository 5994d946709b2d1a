import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { importView, type ImportView } from '../../src/domain/import-view.ts';
import { testWebhookBody, webhookBody } from '../../src/domain/webhook-payload.ts';
import { CREATED_AT, runningImport } from './import-fixtures.ts';

const ORIGIN = 'https://windsock.example.com';
const HAPPENED_AT = CREATED_AT + 2500;
const LIMIT_BYTES = 20_000;

const DELIVERY = { status: 'pending', attempts: 0, nextAttemptAt: null, lastStatus: null } as const;

function view(change: Partial<ImportView> = {}): ImportView {
  const state = runningImport({ status: 'completed', progress: 100, finishedAt: HAPPENED_AT });
  return { ...importView(state, DELIVERY), ...change };
}

function bodyOf(change: Partial<ImportView> = {}): string {
  return webhookBody('import.completed', view(change), ORIGIN, HAPPENED_AT);
}

type Data = Omit<ImportView, 'callback'> & {
  metadata_omitted?: boolean;
  tasks_omitted?: number;
};

function dataOf(body: string): Data {
  return (JSON.parse(body) as { data: Data }).data;
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}

function tasks(count: number): ImportView['tasks'] {
  return Array.from({ length: count }, (_, index) => ({
    id: `task_${index}`,
    status: 'COMPLETED',
    progress: 100,
  }));
}

test('the body is type, time and the import with links, minified and nothing else', () => {
  const body = bodyOf();
  const { callback, ...rest } = view();
  assert.deepEqual(JSON.parse(body), {
    type: 'import.completed',
    timestamp: '2026-03-01T12:00:02.500Z',
    data: {
      ...rest,
      callback: { events: callback?.events },
      links: { self: 'https://windsock.example.com/imports/imp_1' },
    },
  });
  assert.equal(body, JSON.stringify(JSON.parse(body)));
});

test('the members come as the interface writes them: type, timestamp, data', () => {
  assert.match(bodyOf(), /^\{"type":"[^"]+","timestamp":"[^"]+","data":\{"id":/);
});

test('the callback URL, which may hold a secret of the receiver, is not sent', () => {
  assert.ok(!bodyOf().includes('secret-path'));
  assert.ok(!bodyOf({ metadata: { filler: 'x'.repeat(LIMIT_BYTES) } }).includes('secret-path'));
});

test('an import without a callback has none in the body', () => {
  assert.match(bodyOf({ callback: null }), /"callback":null/);
});

describe('the size', () => {
  /** Metadata with which the whole body has so many bytes, filled with a character of so many. */
  function metadataFor(bytes: number, filler = 'x'): { filler: string } {
    const empty = bytesOf(bodyOf({ metadata: { filler: '' } }));
    const count = Math.floor((bytes - empty) / bytesOf(filler));
    const rest = bytes - empty - count * bytesOf(filler);
    return { filler: filler.repeat(count) + 'x'.repeat(rest) };
  }

  for (const filler of ['x', 'é', '€', '😀']) {
    test(`counts bytes, not characters: ${filler}`, () => {
      const fitting = metadataFor(LIMIT_BYTES - 1, filler);
      const whole = bodyOf({ metadata: fitting });
      assert.equal(bytesOf(whole), LIMIT_BYTES - 1);
      assert.deepEqual(dataOf(whole).metadata, fitting);
      assert.equal(dataOf(whole).metadata_omitted, undefined);

      const slim = bodyOf({ metadata: metadataFor(LIMIT_BYTES, filler) });
      assert.deepEqual(dataOf(slim).metadata, {});
      assert.equal(dataOf(slim).metadata_omitted, true);
      assert.ok(bytesOf(slim) < LIMIT_BYTES);
    });
  }

  test('metadata goes first, and that is enough where it is', () => {
    const data = dataOf(bodyOf({ metadata: metadataFor(30_000), tasks: tasks(100) }));
    assert.equal(data.metadata_omitted, true);
    assert.equal(data.tasks.length, 100);
    assert.equal(data.tasks_omitted, undefined);
  });

  test('metadata goes before any task, however small it is', () => {
    const data = dataOf(bodyOf({ metadata: { a: 1 }, tasks: tasks(1000) }));
    assert.deepEqual(data.metadata, {});
    assert.equal(data.metadata_omitted, true);
  });

  test('then the tail of the tasks goes, and no more of it than has to', () => {
    const all = tasks(1000);
    for (let length = 0; length <= 100; length++) {
      const body = bodyOf({ tasks: all, message: 'x'.repeat(length) });
      const data = dataOf(body);
      assert.deepEqual(data.tasks, all.slice(0, data.tasks.length));
      assert.equal(data.tasks_omitted, all.length - data.tasks.length);
      assert.ok(bytesOf(body) < LIMIT_BYTES);
      const next = bytesOf(`,${JSON.stringify(all[data.tasks.length])}`);
      assert.ok(bytesOf(body) + next >= LIMIT_BYTES, 'one more task would not have fitted');
    }
  });

  test('keeps the limit with a long message and long words of the upstream', () => {
    // The rules cut messages to 2000 UTF-16 units, of up to six bytes in JSON.
    const message = '\u0001'.repeat(2000);
    const status = '€'.repeat(30_000);
    for (const many of [tasks(0), tasks(1000), tasks(3).map((task) => ({ ...task, status }))]) {
      const body = bodyOf({ message, tasks: many, metadata: metadataFor(16_000) });
      assert.ok(bytesOf(body) < LIMIT_BYTES);
      const data = dataOf(body);
      assert.equal(data.message, message);
      assert.equal(data.tasks.length + (data.tasks_omitted ?? 0), many.length);
    }
  });

  test('nothing is said to be omitted that was not there', () => {
    const data = dataOf(bodyOf({ metadata: {}, tasks: tasks(1000) }));
    assert.equal(data.metadata_omitted, undefined);
    assert.ok((data.tasks_omitted ?? 0) > 0);
  });

  test('what is left is still the import with its links', () => {
    const body = bodyOf({ metadata: metadataFor(30_000), tasks: tasks(1000) });
    const { metadata, tasks: kept, callback, ...rest } = view();
    const sent = dataOf(body);
    assert.deepEqual(sent, {
      ...rest,
      metadata: {},
      tasks: sent.tasks,
      callback: { events: callback?.events },
      links: { self: 'https://windsock.example.com/imports/imp_1' },
      metadata_omitted: true,
      tasks_omitted: sent.tasks_omitted,
    });
    assert.ok(Object.keys(metadata).length > 0 && kept.length > 0);
  });
});

test('the body of a test webhook is type, time and whom it is for', () => {
  assert.equal(
    testWebhookBody('cl_1', HAPPENED_AT),
    '{"type":"webhook.test","timestamp":"2026-03-01T12:00:02.500Z","data":{"object":"test","client_id":"cl_1"}}',
  );
});
