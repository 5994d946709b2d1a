import * as z from 'zod/mini';
import { hookBody, hookListQuery, hookPatch, hookRotation } from '../../routes/hooks.ts';
import { DATASET_ID, HOOK_EXAMPLE, IMPORT_EXAMPLE, IMPORT_ID } from '../examples.ts';
import { json, jsonBody, type Answer, type Operation } from '../operation.ts';

const SECRET = `whsec_${'A'.repeat(43)}=`;

const hook = (description: string): Answer => ({
  status: 200,
  description,
  content: [json('Hook', HOOK_EXAMPLE)],
});

export const hookOperations = (): Operation[] => [
  {
    call: 'POST /hooks',
    id: 'createHook',
    tag: 'hooks',
    summary: 'Make a hook',
    description:
      'Its `url` starts the `import` when a system calls it that proves itself by `verify`; `map` copies values of the incoming JSON into the import, by JSON Pointers. The only answer that shows `secret`.',
    key: 'observability:write',
    bodies: [
      jsonBody('NewHook', hookBody, {
        signed: {
          name: 'campaign finished',
          dataset_id: DATASET_ID,
          import: { source: 'campaign', campaign_id: '' },
          map: { '/campaign_id': '/data/campaign/id' },
        },
        bearer: {
          name: 'last day',
          dataset_id: DATASET_ID,
          import: { source: 'explorer', where: 'timestamp > "now-1d"' },
          verify: 'bearer',
        },
      }),
    ],
    answers: [
      {
        status: 201,
        description: 'The hook, with its secret.',
        headers: ['location'],
        content: [json('NewHookAnswer', { ...HOOK_EXAMPLE, secret: SECRET })],
      },
    ],
    refusals: ['invalid_filter', 'callback_refused'],
  },
  {
    call: 'GET /hooks',
    id: 'listHooks',
    tag: 'hooks',
    summary: 'List hooks',
    description: 'The hooks of this client, without their secrets.',
    key: 'observability:read',
    query: {
      schema: hookListQuery,
      notes: {
        limit: { description: 'How many are answered.', example: 10 },
        cursor: { description: '`next_cursor` of the page before.', example: 'MTA' },
      },
    },
    answers: [
      {
        status: 200,
        description: 'The hooks; `next_cursor` is null after the last.',
        headers: ['link'],
        content: [json('HookPage', { hooks: [HOOK_EXAMPLE], next_cursor: null })],
      },
    ],
  },
  {
    call: 'GET /hooks/{id}',
    id: 'getHook',
    tag: 'hooks',
    summary: 'A hook',
    description: 'Without its secret.',
    key: 'observability:read',
    answers: [hook('The hook.')],
  },
  {
    call: 'PATCH /hooks/{id}',
    id: 'updateHook',
    tag: 'hooks',
    summary: 'Change a hook',
    description: 'Sets what is given; how its calls are verified stays.',
    key: 'observability:write',
    bodies: [jsonBody('HookChange', hookPatch, { name: { name: 'last day, renamed' } })],
    answers: [hook('The hook as it is now.')],
    refusals: ['invalid_filter', 'callback_refused'],
  },
  {
    call: 'DELETE /hooks/{id}',
    id: 'deleteHook',
    tag: 'hooks',
    summary: 'Delete a hook',
    description: 'Its imports stay.',
    key: 'observability:write',
    answers: [{ status: 204, description: 'It is deleted.' }],
  },
  {
    call: 'POST /hooks/{id}/rotate',
    id: 'rotateHook',
    tag: 'hooks',
    summary: 'Give a hook a new secret',
    description: 'Answers it, once. The old one holds for `overlap_s` seconds more.',
    key: 'observability:write',
    bodies: [jsonBody('HookRotation', hookRotation, { hour: { overlap_s: 3600 } })],
    answers: [
      {
        status: 200,
        description: 'The new secret.',
        content: [json('HookSecret', { secret: SECRET })],
      },
    ],
  },
  {
    call: 'GET /hooks/{id}/calls',
    id: 'listHookCalls',
    tag: 'hooks',
    summary: 'Calls of a hook',
    description: 'The latest calls and what came of each.',
    key: 'observability:read',
    answers: [
      {
        status: 200,
        description: 'The calls, the newest first.',
        content: [
          json('HookCalls', {
            calls: [
              {
                at: '2026-11-26T12:00:00.000Z',
                outcome: 'accepted',
                status: 202,
                message: null,
                import_id: IMPORT_ID,
                webhook_id: 'call-1',
              },
            ],
          }),
        ],
      },
    ],
  },
  {
    call: 'POST /hooks/{id}',
    id: 'callHook',
    tag: 'hooks',
    summary: 'Call a hook',
    description:
      'By any system that signs its request as the hook asks: [Standard Webhooks](https://www.standardwebhooks.com), GitHub, or the secret as bearer. A call of the same id answers the same import.',
    key: 'hook',
    headers: ['webhook-id', 'webhook-timestamp', 'webhook-signature', 'x-hub-signature-256'],
    bodies: [
      jsonBody('HookCall', z.unknown(), {
        event: { data: { campaign: { id: DATASET_ID } } },
      }),
    ],
    answers: [
      {
        status: 202,
        description: 'The import, which goes on by itself.',
        headers: ['location', 'idempotency-replayed'],
        content: [json('Import', IMPORT_EXAMPLE)],
      },
      { status: 204, description: 'A ping of GitHub.' },
    ],
    refusals: ['invalid_filter', 'callback_refused'],
    asksUpstream: true,
  },
];
