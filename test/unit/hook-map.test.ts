import '../../src/platform/schema-messages.ts';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fillImport, templateMistakes, touches } from '../../src/domain/hook-map.ts';
import type { HookMap } from '../../src/domain/hook.ts';
import type { JsonObject } from '../../src/domain/json.ts';

const CAMPAIGN = { source: 'campaign' };
const CAMPAIGN_ID: HookMap = { '/campaign_id': '/data/campaign/id' };
const EXPLORER = { source: 'explorer', where: { field: 'model_name', op: 'eq' } };

const pathsOf = (template: JsonObject, map: HookMap) =>
  templateMistakes(template, map).map(({ path }) => path);

/** Hooks whose calls can start an import. */
const FITTING: [string, JsonObject, HookMap][] = [
  ['a template that is whole', { source: 'file', file_id: 'f-1' }, {}],
  ['an id that the map brings', CAMPAIGN, CAMPAIGN_ID],
  ['a list that the map brings', { source: 'explorer' }, { '/event_ids': '/ids' }],
  ['a value inside of a filter', EXPLORER, { '/where/value': '/model' }],
  ['a whole filter', { source: 'explorer' }, { '/where': '/filter' }],
  ['the source too', {}, { '/source': '/s', '/file_id': '/f' }],
  ['an item of a list', { source: 'dataset', record_ids: ['a', 'b'] }, { '/record_ids/1': '/id' }],
  [
    'metadata and a part of it',
    CAMPAIGN,
    { ...CAMPAIGN_ID, '/metadata/a/b': '/x', '/metadata': '' },
  ],
  ['a callback', CAMPAIGN, { ...CAMPAIGN_ID, '/callback/url': '/u', '/callback/events': '/e' }],
  ['a callback in one piece', CAMPAIGN, { ...CAMPAIGN_ID, '/callback': '/cb' }],
];
for (const [what, template, map] of FITTING) {
  test(`a hook with ${what} is in order`, () => {
    assert.deepEqual(templateMistakes(template, map), []);
  });
}

const FILE = { source: 'file', file_id: 'f-1' };
/** Hooks whose calls never could, and where each mistake is. */
const MISTAKEN: [string, JsonObject, HookMap, string[]][] = [
  ['no source', {}, {}, ['/import/source']],
  ['a source that there is not', { source: 'air' }, {}, ['/import/source']],
  ['an id that nobody brings', CAMPAIGN, {}, ['/import/campaign_id']],
  [
    'an id under another name',
    CAMPAIGN,
    { '/campaign': '/id' },
    ['/import/campaign_id', '/map/~1campaign'],
  ],
  ['two mistakes', { source: 'file', colour: 1 }, {}, ['/import/file_id', '/import/colour']],
  ['incremental', { ...EXPLORER, incremental: true }, {}, ['/import/incremental']],
  ['neither ids nor a filter', { source: 'explorer' }, {}, ['/import']],
  ['ids and a filter', EXPLORER, { '/event_ids': '/ids' }, ['/import']],
  ['a field of another source', FILE, { '/campaign_id': '/id' }, ['/map/~1campaign_id']],
  [
    'an unknown part of a callback',
    { ...FILE, callback: { url: 'x' } },
    { '/callback/to': '/a' },
    ['/map/~1callback~1to'],
  ],
  ['a target inside of a text', FILE, { '/file_id/x': '/a' }, ['/map/~1file_id~1x']],
  [
    'a target beyond a list',
    { source: 'dataset', record_ids: ['a'] },
    { '/record_ids/1': '/a' },
    ['/map/~1record_ids~11'],
  ],
  [
    'a list made of a target',
    { source: 'dataset' },
    { '/record_ids/0': '/a' },
    ['/import/record_ids'],
  ],
  ['a target that is no pointer', CAMPAIGN, { campaign_id: '/id' }, ['/map/campaign_id']],
  ['a source that is no pointer', CAMPAIGN, { '/campaign_id': 'data.id' }, ['/map/~1campaign_id']],
  ['two that are none', CAMPAIGN, { campaign_id: 'id' }, ['/map/campaign_id', '/map/campaign_id']],
  ['a broken escape', CAMPAIGN, { '/campaign_id': '/a~2' }, ['/map/~1campaign_id']],
  ['the whole as a target', CAMPAIGN, { '': '/import' }, ['/map/']],
  [
    'the end of a list as a target',
    { source: 'dataset' },
    { '/record_ids/-': '/a' },
    ['/map/~1record_ids~1-'],
  ],
  ['the end of a list as a source', CAMPAIGN, { '/campaign_id': '/ids/-' }, ['/map/~1campaign_id']],
  [
    'too much metadata',
    { ...FILE, metadata: { a: 'x'.repeat(17_000) } },
    { '/metadata/b': '/b' },
    ['/import/metadata'],
  ],
];
for (const [what, template, map, paths] of MISTAKEN) {
  test(`a hook with ${what} is mistaken at ${paths.join(' and ')}`, () => {
    assert.deepEqual(pathsOf(template, map), paths);
  });
}

test('a hook can be told why an import of its own is not incremental', () => {
  const [mistake] = templateMistakes({ ...EXPLORER, incremental: true }, {});
  assert.match(mistake?.message ?? '', /schedule/);
});

for (const token of ['__proto__', 'constructor', 'prototype']) {
  test(`a target with ${token} in it is refused, wherever it stands`, () => {
    for (const target of [`/${token}`, `/metadata/${token}`, `/metadata/${token}/a`]) {
      const [mistake] = templateMistakes(FILE, { [target]: '/a' });
      assert.match(mistake?.message ?? '', /not a field/, target);
    }
  });
}

describe('a call', () => {
  test('copies values of any kind, and leaves the template as it was', () => {
    const template = { source: 'campaign', metadata: { kept: 1 } };
    const map = { ...CAMPAIGN_ID, '/metadata/sender/name': '/from~1to', '/metadata/all': '/list' };
    const incoming = { data: { campaign: { id: 'c-1' } }, 'from/to': null, list: [1, { a: 'é' }] };
    assert.deepEqual(fillImport(template, map, incoming), {
      ok: true,
      body: {
        source: 'campaign',
        campaign_id: 'c-1',
        metadata: { kept: 1, sender: { name: null }, all: [1, { a: 'é' }] },
      },
    });
    assert.deepEqual(template, { source: 'campaign', metadata: { kept: 1 } });
  });

  test('writes the part after the whole, in whatever order the map has them', () => {
    for (const map of [
      { '/metadata/a': '/a', '/metadata': '/m' },
      { '/metadata': '/m', '/metadata/a': '/a' },
    ]) {
      const filled = fillImport(FILE, map, { a: 1, m: { a: 2, b: 3 } });
      assert.ok(filled.ok);
      assert.deepEqual(filled.body.metadata, { a: 1, b: 3 });
    }
  });

  test('that lacks a value is told every pointer that finds nothing, and what it was for', () => {
    const map = { ...CAMPAIGN_ID, '/metadata/n': '/list/3', '/metadata/there': '/list/0' };
    assert.deepEqual(fillImport(CAMPAIGN, map, { data: {}, list: [1] }), {
      ok: false,
      reason: 'not_found_in_body',
      details: [
        {
          path: '/data/campaign/id',
          message:
            'The body has nothing at /data/campaign/id, which the map copies to /campaign_id.',
        },
        {
          path: '/list/3',
          message: 'The body has nothing at /list/3, which the map copies to /metadata/n.',
        },
      ],
    });
  });

  test('that brings a value of the wrong kind is told where it is in the import', () => {
    for (const id of [7, null, '', {}, ['c-1'], 'x'.repeat(201)]) {
      const filled = fillImport(CAMPAIGN, CAMPAIGN_ID, { data: { campaign: { id } } });
      assert.ok(!filled.ok);
      assert.equal(filled.reason, 'invalid_import');
      assert.deepEqual(
        filled.details.map(({ path }) => path),
        ['/campaign_id'],
      );
    }
    const ids = fillImport({ source: 'explorer' }, { '/event_ids': '/ids' }, { ids: ['a', 1] });
    assert.ok(!ids.ok);
    assert.deepEqual(
      ids.details.map(({ path }) => path),
      ['/event_ids/1'],
    );
  });

  test('that brings a text where a part is to be put is refused', () => {
    const map = { ...CAMPAIGN_ID, '/metadata': '/m', '/metadata/a': '/m' };
    const filled = fillImport(CAMPAIGN, map, { data: { campaign: { id: 'c' } }, m: 'text' });
    assert.ok(!filled.ok);
    assert.deepEqual(
      filled.details.map(({ path }) => path),
      ['/metadata/a'],
    );
  });

  test('can bring no field that an import has not, and pollutes nothing', () => {
    const hostile: unknown = JSON.parse('{"cb":{"url":"x","__proto__":{"polluted":1},"more":1}}');
    const filled = fillImport(FILE, { '/callback': '/cb' }, hostile);
    assert.ok(!filled.ok);
    assert.ok(filled.details.some(({ path }) => path === '/callback/more'));
    const metadata = fillImport(FILE, { '/metadata': '/cb' }, hostile);
    assert.ok(metadata.ok);
    assert.equal((metadata.body.metadata as { polluted?: number }).polluted, undefined);
    assert.equal(({} as { polluted?: number }).polluted, undefined);
  });
});

test('a map touches a field that it writes, wholly or in part', () => {
  assert.equal(touches({ '/where/value': '/a' }, '/where'), true);
  assert.equal(touches({ '/callback': '/a' }, '/callback/url'), true);
  assert.equal(touches({ '/callback/events': '/a' }, '/callback/url'), false);
  assert.equal(touches({ '/wherever': '/a' }, '/where'), false);
  assert.equal(touches({}, '/where'), false);
});
