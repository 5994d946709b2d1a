/** What test/worker/bad-input.test.ts needs to know of hooks. */

const UUID = '00000000-0000-4000-8000-000000000000';
const READ = 'observability:read' as const;
const WRITE = 'observability:write' as const;

const plain = (needs: typeof READ | typeof WRITE | 'nothing', call: string) => ({
  call,
  needs,
  body: 'none' as const,
});
const json = (call: string, good: object) => ({
  call,
  needs: WRITE,
  body: 'json' as const,
  good,
});

export const HOOK_ROUTES = [
  json('POST /hooks', {
    name: 'a hook',
    dataset_id: UUID,
    import: { source: 'file', file_id: UUID },
  }),
  plain(READ, 'GET /hooks'),
  plain(READ, 'GET /hooks/:id'),
  json('PATCH /hooks/:id', { name: 'another' }),
  plain(WRITE, 'DELETE /hooks/:id'),
  json('POST /hooks/:id/rotate', {}),
  plain(READ, 'GET /hooks/:id/calls'),
  // Its caller is told by the signature: test/worker/hook-calls.test.ts.
  plain('nothing', 'POST /hooks/:id'),
];

/** A body with several mistakes, and a JSON Pointer to every one. */
export const HOOK_MISTAKES: Record<string, [object, string]> = {
  'POST /hooks': [
    {
      name: ' ',
      dataset_id: 'x',
      import: [],
      map: { '/file_id': 5 },
      verify: 'trust',
      callback: { events: ['import.done'] },
      colour: 1,
    },
    '/callback/events/0 /callback/url /colour /dataset_id /import /map/~1file_id /name /verify',
  ],
  'PATCH /hooks/:id': [
    { name: 'x'.repeat(101), dataset_id: 5, verify: 'github', map: null },
    '/dataset_id /map /name /verify',
  ],
  'POST /hooks/:id/rotate': [{ overlap_s: -1, what: 'secret' }, '/overlap_s /what'],
};
