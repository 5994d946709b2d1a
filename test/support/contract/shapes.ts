import * as z from 'zod';
import * as shape from '../builtin.ts';
import { judge, judgeList, judgeOutput } from '../judges.ts';

// The answers as the OpenAPI document has them, every key: what is optional there is always answered here. Objects are
// closed, so that a key that nobody wrote down shows up.

const time = z.iso.datetime({ precision: 3 });

export const dataset = z.strictObject(shape.dataset.shape);
export const record = z.strictObject(shape.record.shape);
export const task = z.strictObject(shape.task.shape);
export const completion = z.strictObject(shape.completion.shape);
export const chunk = z.strictObject(shape.chunk.shape);
export const file = z.strictObject(shape.file.shape);
export const oneFile = file.extend({ deleted: z.literal(false) });
export const deletedFile = z.strictObject({
  id: z.uuidv4(),
  object: z.literal('file'),
  deleted: z.literal(true),
});
export const fileList = z.strictObject({
  data: z.array(file),
  object: z.literal('list'),
  total: z.int().nullable(),
});
export const link = z.strictObject({ url: z.url() });
export const exported = z.strictObject({ file_url: z.url() });
export { judge, judgeList, judgeOutput };

const CAPABILITIES = [
  'completion_chat',
  'function_calling',
  'reasoning',
  'completion_fim',
  'fine_tuning',
  'vision',
  'ocr',
  'classification',
  'moderation',
  'audio',
  'audio_transcription',
  'audio_transcription_realtime',
  'audio_speech',
  'unified_resources',
] as const;

export const model = z.strictObject({
  ...shape.model.shape,
  capabilities: z.record(z.enum(CAPABILITIES), z.boolean()),
  deprecation: time.nullable(),
});
export const modelList = z.strictObject({ object: z.literal('list'), data: z.array(model) });

const list = <T extends z.ZodType>(result: T) => z.strictObject(shape.paginated(result).shape);

export const datasetList = z.strictObject({ datasets: list(dataset) });
export const recordList = z.strictObject({ records: list(record) });
export const taskList = z.strictObject({ tasks: list(task) });

const anything = z.record(z.string(), z.unknown());

const preview = z.strictObject({
  event_id: z.guid(),
  correlation_id: z.string().min(1),
  created_at: time,
  extra_fields: z.record(
    z.string(),
    z.union([
      z.boolean(),
      z.number(),
      z.string(),
      z.array(z.string()),
      z.record(z.string(), z.string()),
      z.null(),
    ]),
  ),
  nb_input_tokens: z.int().min(0),
  nb_output_tokens: z.int().min(0),
});
export const event = preview.extend({
  enabled_tools: z.array(anything),
  request_messages: z.array(anything),
  response_messages: z.array(anything),
  nb_messages: z.int().min(0),
  chat_transcription_events: z.array(
    z.strictObject({ audio_url: z.string(), model: z.string(), response_message: anything }),
  ),
});
export const eventFeed = z.strictObject({
  completion_events: z.strictObject({
    results: z.array(preview),
    next: z.string().nullable(),
    cursor: z.string().nullable(),
  }),
});
export const eventIds = z.strictObject({ completion_event_ids: z.array(z.guid()) });
export const selectedEvents = z.strictObject({ completion_events: list(preview) });

/** Of `FilterCondition`. */
const OPERATORS =
  'lt lte gt gte startswith istartswith endswith iendswith contains icontains matches notcontains inotcontains eq neq isnull includes excludes len_eq'.split(
    ' ',
  );
export const fields = z.strictObject({
  field_definitions: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        label: z.string().min(1),
        type: z.enum(['ENUM', 'TEXT', 'INT', 'FLOAT', 'BOOL', 'TIMESTAMP', 'ARRAY', 'MAP']),
        group: z.string().nullable(),
        supported_operators: z.array(z.enum(OPERATORS)).min(1),
      }),
    )
    .min(1),
  field_groups: z.array(z.strictObject({ name: z.string().min(1), label: z.string().min(1) })),
});
export const options = z.strictObject({
  options: z.array(z.union([z.string(), z.boolean(), z.null()])).nullable(),
});
export const counts = z.strictObject({
  counts: z.array(z.strictObject({ value: z.string(), count: z.int().min(1) })),
});

export const campaign = z.strictObject({
  id: z.uuidv4(),
  created_at: time,
  updated_at: time,
  deleted_at: z.null(),
  name: z.string(),
  owner_id: z.uuidv4(),
  workspace_id: z.uuidv4(),
  description: z.string(),
  max_nb_events: z.int(),
  search_params: z.strictObject({ filters: anything.nullable() }),
  judge,
});
export const campaignList = z.strictObject({ campaigns: list(campaign) });
/** The message is ours: there where something could not be judged. */
export const campaignStatus = z.strictObject({
  status: shape.task.shape.status,
  message: z.string().optional(),
});
