import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { partsOfIds, startPath } from '../../src/domain/import-parts.ts';

const ids = (count: number) => Array.from({ length: count }, (_, index) => `id_${index}`);

const LIMITS = [
  ['explorer', 'completion_event_ids', 500],
  ['dataset', 'dataset_record_ids', 10_000],
] as const;

describe('the start calls of a list of ids', () => {
  for (const [source, field, limit] of LIMITS) {
    test(`${source}: at most ${limit} ids in each, as ${field}, in order and none left out`, () => {
      for (const [count, weights] of [
        [1, [1]],
        [limit - 1, [limit - 1]],
        [limit, [limit]],
        [limit + 1, [limit, 1]],
        [2 * limit, [limit, limit]],
        [3 * limit + 7, [limit, limit, limit, 7]],
      ] as const) {
        const parts = partsOfIds(source, ids(count));
        assert.deepEqual(
          parts.map(({ weight }) => weight),
          weights,
        );
        const bodies = parts.map(({ body }) => JSON.parse(body) as Record<string, string[]>);
        assert.ok(bodies.every((body) => Object.keys(body).join() === field));
        assert.deepEqual(
          bodies.map((body) => body[field]?.length),
          weights,
        );
        assert.deepEqual(
          bodies.flatMap((body) => body[field] ?? []),
          ids(count),
        );
      }
    });
  }

  test('playground: all in one, which has no limit', () => {
    const [part, ...others] = partsOfIds('playground', ids(25_000));
    assert.deepEqual(others, []);
    assert.equal(part?.weight, 25_000);
    assert.deepEqual(JSON.parse(part?.body ?? ''), { conversation_ids: ids(25_000) });
  });

  test('no ids make no call', () => {
    for (const source of ['explorer', 'dataset', 'playground'] as const) {
      assert.deepEqual(partsOfIds(source, []), []);
    }
  });

  test('an id that comes again counts once, across calls too', () => {
    const parts = partsOfIds('explorer', [...ids(500), 'id_0', 'id_0', 'id_499']);
    assert.deepEqual(
      parts.map(({ weight }) => weight),
      [500],
    );
  });
});

test('the path of a start names dataset and source', () => {
  assert.equal(
    startPath('ds_1', 'explorer'),
    '/v1/observability/datasets/ds_1/imports/from-explorer',
  );
});
