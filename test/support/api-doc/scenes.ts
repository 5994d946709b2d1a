/** A call of the page: an operation of the document with one of its examples. */
export interface Scene {
  operationId: string;
  /** The title of a body's example; needed where there is a body. */
  example?: string;
  /** Whether the examples of its query are sent. Those named here only. */
  query?: readonly string[];
  headers?: Record<string, string>;
  /** What the answer gives to later calls: names of ids, and where they stand in it. */
  keeps?: Record<string, string>;
  /** What has to have happened before the call. */
  after?: 'chats' | 'import' | 'delivery' | 'copy' | 'call' | 'run';
  /** The answer is too long to be shown. */
  isLong?: boolean;
  /** Said in front of the call, where its summary does not do. */
  note?: string;
}

/** The chapters of the page. The calls are made in this order: a later one may ask for what an earlier one made. */
export const CHAPTERS: { title: string; scenes: Scene[] }[] = [
  {
    title: 'The service',
    scenes: [
      { operationId: 'health' },
      { operationId: 'openapi', isLong: true },
      { operationId: 'docs', isLong: true },
    ],
  },
  {
    title: 'Clients',
    scenes: [
      { operationId: 'createClient', example: 'all', keeps: { client: 'id', key: 'key' } },
      { operationId: 'listClients', query: ['limit'] },
      { operationId: 'getClient' },
      { operationId: 'updateClient', example: 'limit' },
      { operationId: 'rotate', example: 'signing_secret' },
      {
        operationId: 'createClient',
        example: 'limited',
        keeps: { 'other client': 'id' },
        note: 'With scopes and a limit.',
      },
      { operationId: 'deleteClient' },
      { operationId: 'deleteSamples' },
    ],
  },
  {
    title: 'Chats',
    scenes: [
      { operationId: 'chat', example: 'prompt' },
      { operationId: 'chat', example: 'messages' },
      { operationId: 'chat', example: 'stream', note: 'As an event stream.' },
      {
        operationId: 'chat',
        example: 'prompt',
        headers: { accept: 'text/plain', 'windsock-capture': 'off' },
        note: 'The text alone, as it comes; this chat is not recorded.',
      },
      { operationId: 'usage', after: 'chats' },
    ],
  },
  {
    title: 'Events',
    scenes: [
      { operationId: 'searchEvents', example: 'text', keeps: { event: 'events.0.event_id' } },
      { operationId: 'searchEvents', example: 'tree', note: 'By a filter tree.' },
      { operationId: 'searchEventIds', example: 'text' },
      { operationId: 'getEvent' },
      { operationId: 'similarEvents' },
      { operationId: 'judgeEvent', example: 'classification' },
      { operationId: 'judgeEvent', example: 'regression', note: 'On a scale.' },
    ],
  },
  {
    title: 'Datasets',
    scenes: [
      { operationId: 'createDataset', example: 'dataset', keeps: { dataset: 'id' } },
      { operationId: 'listDatasets', query: ['q'] },
      { operationId: 'getDataset' },
      { operationId: 'updateDataset', example: 'description' },
      { operationId: 'createRecord', example: 'messages' },
      { operationId: 'listRecords', query: ['limit'] },
      { operationId: 'exportDataset' },
      {
        operationId: 'exportDataset',
        headers: { accept: 'application/json' },
        keeps: { link: 'url' },
        note: 'The link to it.',
      },
      { operationId: 'download' },
    ],
  },
  {
    title: 'Imports',
    scenes: [
      {
        operationId: 'startImport',
        example: 'search',
        headers: { 'idempotency-key': 'nightly-2026-11-26' },
        keeps: { import: 'id' },
      },
      { operationId: 'getImport', after: 'import' },
      { operationId: 'watchImport' },
      { operationId: 'listDeliveries', after: 'delivery' },
      {
        operationId: 'startImport',
        example: 'search',
        headers: { 'idempotency-key': 'nightly-2026-11-26' },
        note: 'The same request again: the same import.',
      },
      { operationId: 'listImports', query: ['status'], after: 'copy' },
      { operationId: 'startImport', example: 'rows', note: 'The rows themselves.' },
      { operationId: 'redeliver' },
      { operationId: 'testWebhook', example: 'url' },
    ],
  },
  {
    title: 'Schedules',
    scenes: [
      { operationId: 'createSchedule', example: 'incremental', keeps: { schedule: 'id' } },
      { operationId: 'runSchedule', example: 'dry', note: 'What a run would import.' },
      { operationId: 'runSchedule', example: 'now' },
      { operationId: 'listRuns', after: 'run' },
      { operationId: 'listSchedules' },
      { operationId: 'getSchedule' },
      { operationId: 'updateSchedule', example: 'cron' },
      { operationId: 'deleteSchedule' },
    ],
  },
  {
    title: 'Hooks',
    scenes: [
      { operationId: 'createHook', example: 'bearer', keeps: { hook: 'id', secret: 'secret' } },
      {
        operationId: 'callHook',
        example: 'event',
        headers: { 'webhook-id': 'call-1' },
        note: 'With the secret as bearer, as `verify` of this hook says.',
      },
      { operationId: 'listHookCalls', after: 'call' },
      { operationId: 'listHooks' },
      { operationId: 'getHook' },
      { operationId: 'updateHook', example: 'name' },
      { operationId: 'rotateHook', example: 'hour' },
      { operationId: 'deleteHook' },
    ],
  },
  {
    title: 'Through the Mistral API',
    scenes: [
      {
        operationId: 'startMistralImport',
        example: 'events',
        headers: { 'windsock-callback': 'https://example.com/hook' },
      },
    ],
  },
  {
    title: 'Refusals',
    scenes: [
      {
        operationId: 'deleteDataset',
        note: 'Deleting a dataset takes its records along.',
      },
      { operationId: 'getDataset', note: 'From then on it is not found.' },
    ],
  },
];
