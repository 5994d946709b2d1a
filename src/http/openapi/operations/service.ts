import { VERSION } from '../../../platform/version.ts';
import { json, type Operation } from '../operation.ts';

export const serviceOperations = (): Operation[] => [
  {
    call: 'GET /health',
    id: 'health',
    tag: 'service',
    summary: 'That Windsock runs',
    description: 'And which backends it stands in front of.',
    key: 'none',
    answers: [
      {
        status: 200,
        description: 'It runs.',
        content: [
          json('Health', { status: 'ok', backends: { chat: 'builtin', observability: 'builtin' } }),
        ],
      },
    ],
  },
  {
    call: 'GET /openapi.json',
    id: 'openapi',
    tag: 'service',
    summary: 'This document',
    description: 'OpenAPI 3.1, made from the schemas that check the requests.',
    key: 'none',
    answers: [
      {
        status: 200,
        description: 'The document.',
        content: [
          json('Document', {
            openapi: '3.1.1',
            info: { title: 'Windsock', version: VERSION },
            paths: {},
          }),
        ],
      },
    ],
  },
  {
    call: 'GET /docs',
    id: 'docs',
    tag: 'service',
    summary: 'This document as a page',
    description: 'Plain HTML without a script; it loads nothing.',
    key: 'none',
    answers: [
      {
        status: 200,
        description: 'The page.',
        content: [{ type: 'text/html', example: '<!doctype html>…' }],
      },
    ],
  },
];
