import {
  clientChangeBody,
  clientListQuery,
  newClientBody,
  rotateBody,
} from '../../routes/admin-clients.ts';
import { CLIENT_EXAMPLE } from '../examples.ts';
import { json, jsonBody, type Answer, type Operation } from '../operation.ts';

const KEY = `wsk_${'A'.repeat(43)}`;
const SIGNING_SECRET = `whsec_${'A'.repeat(43)}=`;

const client = (description: string): Answer => ({
  status: 200,
  description,
  content: [json('Client', CLIENT_EXAMPLE)],
});

export const adminOperations = (): Operation[] => [
  {
    call: 'POST /admin/clients',
    id: 'createClient',
    tag: 'admin',
    summary: 'Make a client',
    description:
      'The only answer that shows `key` and `signing_secret`. A client has all scopes and no `rate_limit` (requests a minute) unless told otherwise.',
    key: 'admin',
    bodies: [
      jsonBody('NewClientRequest', newClientBody, {
        limited: {
          name: 'my app',
          scopes: ['chat', 'observability:read'],
          rate_limit: 600,
        },
        all: { name: 'my other app' },
      }),
    ],
    answers: [
      {
        status: 201,
        description: 'The client, with its key and its secret.',
        content: [
          json('NewClient', { ...CLIENT_EXAMPLE, key: KEY, signing_secret: SIGNING_SECRET }),
        ],
      },
    ],
  },
  {
    call: 'GET /admin/clients',
    id: 'listClients',
    tag: 'admin',
    summary: 'List clients',
    description: 'All clients, without their secrets.',
    key: 'admin',
    query: {
      schema: clientListQuery,
      notes: {
        limit: { description: 'How many are answered.', example: 10 },
        cursor: { description: '`next_cursor` of the page before.', example: 'AAAA' },
      },
    },
    answers: [
      {
        status: 200,
        description: 'The clients; `next_cursor` is null after the last.',
        headers: ['link'],
        content: [json('ClientPage', { clients: [CLIENT_EXAMPLE], next_cursor: null })],
      },
    ],
  },
  {
    call: 'GET /admin/clients/{id}',
    id: 'getClient',
    tag: 'admin',
    summary: 'A client',
    description: 'Its name, scopes and limit.',
    key: 'admin',
    answers: [client('The client.')],
  },
  {
    call: 'PATCH /admin/clients/{id}',
    id: 'updateClient',
    tag: 'admin',
    summary: 'Change a client',
    description: 'Sets what is given. Other places may take a minute to notice.',
    key: 'admin',
    bodies: [jsonBody('ClientChange', clientChangeBody, { limit: { rate_limit: 1200 } })],
    answers: [client('The client as it is now.')],
  },
  {
    call: 'DELETE /admin/clients/{id}',
    id: 'deleteClient',
    tag: 'admin',
    summary: 'Delete a client',
    description: 'Its keys, schedules and hooks end with it.',
    key: 'admin',
    answers: [{ status: 204, description: 'It is deleted.' }],
  },
  {
    call: 'POST /admin/clients/{id}/rotate',
    id: 'rotate',
    tag: 'admin',
    summary: 'Give a client a new key or signing secret',
    description: 'Answers the new one, once. The old one holds for `overlap_s` seconds more.',
    key: 'admin',
    bodies: [
      jsonBody('Rotation', rotateBody, {
        key: { what: 'key', overlap_s: 3600 },
        signing_secret: { what: 'signing_secret' },
      }),
    ],
    answers: [
      {
        status: 200,
        description: 'The new key, or the new secret.',
        content: [json('Rotated', { key: KEY })],
      },
    ],
  },
  {
    call: 'DELETE /admin/samples',
    id: 'deleteSamples',
    tag: 'admin',
    summary: 'Delete the sample events',
    description: 'Of the built-in backend: leaves the recorded chats alone.',
    key: 'admin',
    answers: [{ status: 204, description: 'They are gone.' }],
  },
];
