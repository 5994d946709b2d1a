import * as z from 'zod/mini';
import { datasetChangeBody, datasetsQuery, newDatasetBody } from '../../routes/datasets.ts';
import { newRecordBody, recordsQuery } from '../../routes/dataset-records.ts';
import { DATASET_EXAMPLE, RECORD_EXAMPLE } from '../examples.ts';
import { json, jsonBody, type Answer, type Operation } from '../operation.ts';

const LIMIT = { description: 'How many are answered.', example: 10 };
const PAGE = { description: 'Which page, counted from 1.', example: 1 };

const dataset = (status: Answer['status'], description: string): Answer => ({
  status,
  description,
  content: [json('Dataset', DATASET_EXAMPLE)],
});

export const datasetOperations = (): Operation[] => [
  {
    call: 'GET /datasets',
    id: 'listDatasets',
    tag: 'datasets',
    summary: 'List datasets',
    description: 'The datasets of the workspace, which all clients share.',
    key: 'observability:read',
    query: {
      schema: datasetsQuery,
      notes: {
        limit: LIMIT,
        page: PAGE,
        q: { description: 'Part of a name.', example: 'support' },
      },
    },
    answers: [
      {
        status: 200,
        description: 'The datasets; `next_page` is null on the last page.',
        headers: ['link'],
        content: [json('DatasetPage', { datasets: [DATASET_EXAMPLE], count: 1, next_page: null })],
      },
    ],
    asksUpstream: true,
  },
  {
    call: 'POST /datasets',
    id: 'createDataset',
    tag: 'datasets',
    summary: 'Make a dataset',
    description: 'An empty dataset.',
    key: 'observability:write',
    bodies: [
      jsonBody('NewDataset', newDatasetBody, {
        dataset: { name: 'support answers', description: 'Good answers of November' },
      }),
    ],
    answers: [{ ...dataset(201, 'The dataset.'), headers: ['location'] }],
    asksUpstream: true,
  },
  {
    call: 'GET /datasets/{dataset_id}',
    id: 'getDataset',
    tag: 'datasets',
    summary: 'A dataset',
    description: 'The dataset itself, without its records.',
    key: 'observability:read',
    answers: [dataset(200, 'The dataset.')],
    asksUpstream: true,
  },
  {
    call: 'PATCH /datasets/{dataset_id}',
    id: 'updateDataset',
    tag: 'datasets',
    summary: 'Change a dataset',
    description: 'Sets the name, the description or both.',
    key: 'observability:write',
    bodies: [
      jsonBody('DatasetChange', datasetChangeBody, {
        description: { description: 'Good answers of 2026' },
      }),
    ],
    answers: [dataset(200, 'The dataset as it is now.')],
    asksUpstream: true,
  },
  {
    call: 'DELETE /datasets/{dataset_id}',
    id: 'deleteDataset',
    tag: 'datasets',
    summary: 'Delete a dataset',
    description: 'Deletes the dataset with its records.',
    key: 'observability:write',
    answers: [{ status: 204, description: 'It is deleted.' }],
    asksUpstream: true,
  },
  {
    call: 'GET /datasets/{dataset_id}/records',
    id: 'listRecords',
    tag: 'datasets',
    summary: 'List records',
    description: 'The records of a dataset, the oldest first.',
    key: 'observability:read',
    query: { schema: recordsQuery, notes: { limit: LIMIT, page: PAGE } },
    answers: [
      {
        status: 200,
        description: 'The records; `next_page` is null on the last page.',
        headers: ['link'],
        content: [json('RecordPage', { records: [RECORD_EXAMPLE], count: 1, next_page: null })],
      },
    ],
    asksUpstream: true,
  },
  {
    call: 'POST /datasets/{dataset_id}/records',
    id: 'createRecord',
    tag: 'datasets',
    summary: 'Add a record',
    description: 'Adds one conversation: `messages`, or a whole `payload`.',
    key: 'observability:write',
    bodies: [
      jsonBody('NewRecord', newRecordBody, {
        messages: {
          messages: [
            { role: 'user', content: 'Hello' },
            { role: 'assistant', content: 'Good day!' },
          ],
          properties: { language: 'en' },
        },
        payload: { payload: { messages: [{ role: 'user', content: 'Hello' }] } },
      }),
    ],
    answers: [
      {
        status: 201,
        description: 'The record.',
        headers: ['location'],
        content: [json('Record', RECORD_EXAMPLE)],
      },
    ],
    asksUpstream: true,
  },
  {
    call: 'GET /datasets/{dataset_id}/export',
    id: 'exportDataset',
    tag: 'datasets',
    summary: 'Export a dataset',
    description:
      'The records as JSONL, streamed; with `Accept: application/json` the link to them. A stream that breaks off is not whole.',
    key: 'observability:read',
    answers: [
      {
        status: 200,
        description: 'A record a line, or the link.',
        headers: ['content-disposition'],
        content: [
          {
            type: 'application/x-ndjson',
            items: 'RecordLine',
            example:
              '{"payload":{"messages":[{"role":"user","content":"Hello"}]},"properties":{}}\n',
          },
          json('ExportLink', {
            url: 'https://windsock.example/downloads/0f8c2a77?expires=1&signature=x',
          }),
        ],
      },
    ],
    asksUpstream: true,
  },
  {
    call: 'GET /downloads/{file_id}',
    id: 'download',
    tag: 'datasets',
    summary: 'A file behind a signed link',
    description:
      'Where the links of the built-in backend lead to. The signature in the query stands for a key.',
    key: 'none',
    query: {
      schema: z.object({ expires: z.string(), signature: z.string() }),
      notes: {
        expires: { description: 'As the link has it.', example: '1795694400000' },
        signature: { description: 'As the link has it.', example: 'c2lnbmF0dXJl' },
      },
    },
    answers: [
      {
        status: 200,
        description: 'The file.',
        headers: ['content-disposition'],
        content: [{ type: '*/*' }],
      },
    ],
    refusals: ['forbidden'],
  },
];
