import { DATASETS, NOWHERE } from '../builtin.ts';
import {
  fails,
  length,
  needs,
  PAGES,
  refuses,
  takes,
  takesQuery,
  type Operation,
} from './operation.ts';
import * as shape from './shapes.ts';

const DATASET = `${DATASETS}/{dataset_id}`;
const UNKNOWN_DATASET = { dataset_id: 'DATASET_NOT_FOUND' };
const ids = (count: number) => Array<string>(count).fill(NOWHERE);

/** Datasets, what is in them, and what brings it there. */
export const DATASET_OPERATIONS: Operation[] = [
  {
    call: `GET ${DATASETS}`,
    status: 200,
    answer: shape.datasetList,
    sdk: [(m) => m.beta.observability.datasets.list({ q: 'dataset' })],
    cases: [...PAGES, ...takesQuery('q=dataset', 'q=')],
  },
  {
    call: `POST ${DATASETS}`,
    status: 201,
    answer: shape.dataset,
    good: () => ({ body: { name: 'a dataset', description: 'of the contract' } }),
    sdk: [(m) => m.beta.observability.datasets.create({ name: 'of the SDK', description: '' })],
    cases: [
      ...needs('name', 'description'),
      ...length('name', 5, 50),
      ...length('description', 0, 200),
    ],
  },
  {
    call: `GET ${DATASET}`,
    status: 200,
    answer: shape.dataset,
    sdk: [(m, w) => m.beta.observability.datasets.fetch({ datasetId: w.id('dataset_id') })],
    unknown: UNKNOWN_DATASET,
  },
  {
    call: `DELETE ${DATASET}`,
    status: 204,
    good: async (w) => ({ ids: { dataset_id: await w.newDataset() } }),
    sdk: [
      async (m, w) => m.beta.observability.datasets.delete({ datasetId: await w.newDataset() }),
    ],
    unknown: UNKNOWN_DATASET,
  },
  {
    call: `PATCH ${DATASET}`,
    status: 200,
    answer: shape.dataset,
    good: () => ({ body: { name: 'another name', description: 'changed' } }),
    sdk: [
      (m, w) =>
        m.beta.observability.datasets.update({
          datasetId: w.id('dataset_id'),
          updateDatasetRequest: { description: 'of the SDK' },
        }),
    ],
    unknown: UNKNOWN_DATASET,
    cases: ['name', 'description'].flatMap((key) => [
      ...takes(key, undefined, null, 'x', 'x'.repeat(500)),
      ...refuses(key, 5, []),
    ]),
  },
  {
    call: `GET ${DATASET}/records`,
    status: 200,
    answer: shape.recordList,
    sdk: [(m, w) => m.beta.observability.datasets.listRecords({ datasetId: w.id('dataset_id') })],
    unknown: UNKNOWN_DATASET,
    cases: PAGES,
  },
  {
    call: `POST ${DATASET}/records`,
    status: 201,
    answer: shape.record,
    good: () => ({ body: { payload: { any: ['thing'] }, properties: { a: null } } }),
    sdk: [
      (m, w) =>
        m.beta.observability.datasets.createRecord({
          datasetId: w.id('dataset_id'),
          createDatasetRecordRequest: { payload: { messages: [] }, properties: {} },
        }),
    ],
    unknown: UNKNOWN_DATASET,
    cases: [
      ...needs('payload'),
      ...takes('payload', {}),
      ...refuses('payload', [], 'x', null),
      ...takes('properties', {}, undefined),
      ...refuses('properties', [], 'x', null),
    ],
  },
  {
    call: `POST ${DATASET}/imports/from-campaign`,
    status: 202,
    answer: shape.task,
    good: (w) => ({ body: { campaign_id: w.id('campaign_id') } }),
    sdk: [
      (m, w) =>
        m.beta.observability.datasets.importFromCampaign({
          datasetId: w.id('dataset_id'),
          importDatasetFromCampaignRequest: { campaignId: w.id('campaign_id') },
        }),
    ],
    unknown: UNKNOWN_DATASET,
    cases: [
      ...needs('campaign_id'),
      ...refuses('campaign_id', 'x', 5, null),
      ...fails(404, 'CAMPAIGN_NOT_FOUND', 'campaign_id', NOWHERE),
    ],
  },
  {
    call: `POST ${DATASET}/imports/from-explorer`,
    status: 202,
    answer: shape.task,
    good: (w) => ({ body: { completion_event_ids: [w.id('event_id')] } }),
    sdk: [
      (m, w) =>
        m.beta.observability.datasets.importFromExplorer({
          datasetId: w.id('dataset_id'),
          importDatasetFromExplorerRequest: { completionEventIds: [w.id('event_id')] },
        }),
    ],
    unknown: UNKNOWN_DATASET,
    cases: [
      ...needs('completion_event_ids'),
      ...takes('completion_event_ids', [], ['no uuid'], ids(500)),
      ...refuses('completion_event_ids', ids(501), [5], 'x', null),
    ],
  },
  {
    call: `POST ${DATASET}/imports/from-file`,
    status: 202,
    answer: shape.task,
    good: (w) => ({ body: { file_id: w.id('file_id') } }),
    sdk: [
      (m, w) =>
        m.beta.observability.datasets.importFromFile({
          datasetId: w.id('dataset_id'),
          importDatasetFromFileRequest: { fileId: w.id('file_id') },
        }),
    ],
    unknown: UNKNOWN_DATASET,
    cases: [
      ...needs('file_id'),
      ...refuses('file_id', 5, null),
      ...fails(404, null, 'file_id', NOWHERE, 'no uuid'),
    ],
  },
  {
    call: `POST ${DATASET}/imports/from-playground`,
    status: 202,
    answer: shape.task,
    good: (w) => ({ body: { conversation_ids: [w.id('event_id')] } }),
    sdk: [
      (m, w) =>
        m.beta.observability.datasets.importFromPlayground({
          datasetId: w.id('dataset_id'),
          importDatasetFromPlaygroundRequest: { conversationIds: [w.id('event_id')] },
        }),
    ],
    unknown: UNKNOWN_DATASET,
    cases: [
      ...needs('conversation_ids'),
      ...takes('conversation_ids', [], ['no uuid'], ids(501)),
      ...refuses('conversation_ids', [5], 'x', null),
    ],
  },
  {
    call: `POST ${DATASET}/imports/from-dataset`,
    status: 202,
    answer: shape.task,
    good: (w) => ({ body: { dataset_record_ids: [w.id('dataset_record_id')] } }),
    sdk: [
      (m, w) =>
        m.beta.observability.datasets.importFromDatasetRecords({
          datasetId: w.id('dataset_id'),
          importDatasetFromDatasetRequest: { datasetRecordIds: [w.id('dataset_record_id')] },
        }),
    ],
    unknown: UNKNOWN_DATASET,
    cases: [
      ...needs('dataset_record_ids'),
      ...takes('dataset_record_ids', [NOWHERE], ids(10_000)),
      ...refuses('dataset_record_ids', [], ids(10_001), ['x'], [5], 'x', null),
    ],
  },
  {
    call: `GET ${DATASET}/exports/to-jsonl`,
    status: 200,
    answer: shape.exported,
    sdk: [(m, w) => m.beta.observability.datasets.exportToJsonl({ datasetId: w.id('dataset_id') })],
    unknown: UNKNOWN_DATASET,
  },
  {
    call: `GET ${DATASET}/tasks/{task_id}`,
    status: 200,
    answer: shape.task,
    sdk: [
      (m, w) =>
        m.beta.observability.datasets.fetchTask({
          datasetId: w.id('dataset_id'),
          taskId: w.id('task_id'),
        }),
    ],
    // Which of the two is missing is not told.
    unknown: { dataset_id: undefined, task_id: 'DATASET_TASK_NOT_FOUND' },
  },
  {
    call: `GET ${DATASET}/tasks`,
    status: 200,
    answer: shape.taskList,
    sdk: [(m, w) => m.beta.observability.datasets.listTasks({ datasetId: w.id('dataset_id') })],
    unknown: UNKNOWN_DATASET,
    cases: PAGES,
  },
];
