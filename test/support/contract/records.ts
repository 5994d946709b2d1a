import { NOWHERE } from '../builtin.ts';
import { definition, RECORDS } from '../judges.ts';
import { definitionCases, sdkDefinition } from './judges.ts';
import { needs, refuses, takes, type Operation } from './operation.ts';
import * as shape from './shapes.ts';

const RECORD = `${RECORDS}/{dataset_record_id}`;
const UNKNOWN_RECORD = { dataset_record_id: 'DATASET_RECORD_NOT_FOUND' };
const ids = (count: number) => Array<string>(count).fill(NOWHERE);

/** Records by their own id. */
export const RECORD_OPERATIONS: Operation[] = [
  {
    call: `GET ${RECORD}`,
    status: 200,
    answer: shape.record,
    sdk: [
      (m, w) =>
        m.beta.observability.datasets.records.fetch({ datasetRecordId: w.id('dataset_record_id') }),
    ],
    unknown: UNKNOWN_RECORD,
  },
  {
    call: `DELETE ${RECORD}`,
    status: 204,
    good: async (w) => ({ ids: { dataset_record_id: await w.newRecord() } }),
    sdk: [
      async (m, w) =>
        m.beta.observability.datasets.records.delete({ datasetRecordId: await w.newRecord() }),
    ],
    unknown: UNKNOWN_RECORD,
  },
  {
    call: `POST ${RECORDS}/bulk-delete`,
    status: 204,
    good: async (w) => ({ body: { dataset_record_ids: [await w.newRecord()] } }),
    sdk: [
      async (m, w) =>
        m.beta.observability.datasets.records.bulkDelete({
          datasetRecordIds: [await w.newRecord()],
        }),
    ],
    cases: [
      ...needs('dataset_record_ids'),
      ...takes('dataset_record_ids', [NOWHERE], ids(500)),
      ...refuses('dataset_record_ids', [], ids(501), ['x'], [5], 'x', null),
    ],
  },
  {
    call: `POST ${RECORD}/live-judging`,
    status: 200,
    answer: shape.judgeOutput,
    good: () => ({ body: { judge_definition: definition() } }),
    sdk: [
      (m, w) =>
        m.beta.observability.datasets.records.judge({
          datasetRecordId: w.id('dataset_record_id'),
          judgeDatasetRecordRequest: { judgeDefinition: sdkDefinition() },
        }),
    ],
    unknown: UNKNOWN_RECORD,
    cases: [
      ...needs('judge_definition'),
      ...definitionCases('judge_definition.'),
      {
        what: 'a record that is no conversation',
        status: 400,
        code: 'JUDGE_CONVERSATION_FORMAT_ERROR',
        change: async (good, world) => {
          const id = await world.newRecord();
          await world.send(`PUT ${RECORDS}/${id}/payload`, { body: { payload: {} } });
          return { ...good, ids: { dataset_record_id: id } };
        },
      },
    ],
  },
  {
    call: `PUT ${RECORD}/payload`,
    status: 204,
    good: async (w) => ({
      ids: { dataset_record_id: await w.newRecord() },
      body: { payload: { messages: [] } },
    }),
    sdk: [
      async (m, w) =>
        m.beta.observability.datasets.records.updatePayload({
          datasetRecordId: await w.newRecord(),
          updateDatasetRecordPayloadRequest: { payload: { messages: [] } },
        }),
    ],
    unknown: UNKNOWN_RECORD,
    cases: [
      ...needs('payload'),
      ...takes('payload', {}, { a: [null] }),
      ...refuses('payload', [], 'x', null),
    ],
  },
  {
    call: `PUT ${RECORD}/properties`,
    status: 204,
    good: () => ({ body: { properties: { a: 1 } } }),
    sdk: [
      (m, w) =>
        m.beta.observability.datasets.records.updateProperties({
          datasetRecordId: w.id('dataset_record_id'),
          updateDatasetRecordPropertiesRequest: { properties: { a: 'SDK' } },
        }),
    ],
    unknown: UNKNOWN_RECORD,
    cases: [
      ...needs('properties'),
      ...takes('properties', {}, { a: [null] }),
      ...refuses('properties', [], 'x', null),
    ],
  },
];
