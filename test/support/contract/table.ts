import { CAMPAIGN_OPERATIONS } from './campaigns.ts';
import { DATASET_OPERATIONS } from './datasets.ts';
import { EVENT_OPERATIONS } from './events.ts';
import { FILE_OPERATIONS } from './files.ts';
import { JUDGE_OPERATIONS } from './judges.ts';
import type { Operation } from './operation.ts';
import { RECORD_OPERATIONS } from './records.ts';

/** The whole surface of the built-in backend, an entry for each operation. */
export const OPERATIONS: Operation[] = [
  ...FILE_OPERATIONS,
  ...EVENT_OPERATIONS,
  ...JUDGE_OPERATIONS,
  ...CAMPAIGN_OPERATIONS,
  ...DATASET_OPERATIONS,
  ...RECORD_OPERATIONS,
];
