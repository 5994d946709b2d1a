import { iso } from '../domain/time.ts';
import type { FieldValue, FilterRow } from '../domain/filter-evaluate.ts';
import { judgeOfField, type EventField } from '../domain/filter-fields.ts';

/** What a search looks at, and an event's preview shows. */
export const EVENT_COLUMNS = [
  'seq',
  'event_id',
  'correlation_id',
  'created_at',
  'model_name',
  'input_tokens',
  'output_tokens',
  'total_time_elapsed',
  'last_user_message_preview',
  'response_messages_preview',
  'first_system_message',
  'api_agent_id',
  'invoked_tools',
  'metadata',
  'streamed',
  'nb_messages',
] as const;

export interface EventRow {
  [column: string]: SqlStorageValue;
  seq: number;
  event_id: string;
  correlation_id: string;
  created_at: number;
  model_name: string;
  input_tokens: number | null;
  output_tokens: number | null;
  total_time_elapsed: number | null;
  last_user_message_preview: string | null;
  response_messages_preview: string | null;
  first_system_message: string | null;
  api_agent_id: string | null;
  invoked_tools: string;
  metadata: string;
  streamed: number;
  nb_messages: number;
}

/** What a judge answered about an event. */
export interface Annotation {
  judgeId: string;
  answer: string | number;
}

/** `ChatCompletionEventPreview`. */
export interface EventPreview {
  event_id: string;
  correlation_id: string;
  created_at: string;
  extra_fields: Record<string, FieldValue>;
  nb_input_tokens: number;
  nb_output_tokens: number;
}

/** Where the value of each field comes from; a time is in milliseconds. */
const VALUES: Record<string, (row: EventRow) => FieldValue> = {
  timestamp: (row) => row.created_at,
  model_name: (row) => row.model_name,
  last_user_message_preview: (row) => row.last_user_message_preview,
  response_messages_preview: (row) => row.response_messages_preview,
  first_system_message: (row) => row.first_system_message,
  api_agent_id: (row) => row.api_agent_id,
  event_id: (row) => row.event_id,
  correlation_id: (row) => row.correlation_id,
  invoked_tools: (row) => JSON.parse(row.invoked_tools) as string[],
  metadata: (row) => textsOf(row.metadata),
  total_time_elapsed: (row) => row.total_time_elapsed,
  input_tokens: (row) => row.input_tokens,
  output_tokens: (row) => row.output_tokens,
  streamed: (row) => row.streamed === 1,
};

/** The values that a filter acts on. @param fields those that are needed */
export function filterRow(
  row: EventRow,
  annotations: readonly Annotation[],
  fields: readonly EventField[],
): FilterRow {
  return Object.fromEntries(
    fields.map((field) => [field.name, valueOf(row, annotations, field)] as const),
  );
}

function valueOf(
  row: EventRow,
  annotations: readonly Annotation[],
  { name, type }: EventField,
): FieldValue {
  const value = VALUES[name];
  if (value !== undefined) return value(row);
  const judge = judgeOfField(name);
  const found = annotations.find(({ judgeId }) => judgeId === judge);
  return typeof found?.answer === (type === 'FLOAT' ? 'number' : 'string')
    ? (found?.answer ?? null)
    : null;
}

/** @param fields what `extra_fields` holds; a field that the event has not is null */
export function previewView(
  row: EventRow,
  annotations: readonly Annotation[],
  fields: readonly EventField[],
): EventPreview {
  const created_at = iso(row.created_at);
  const values = filterRow(row, annotations, fields) as Record<string, FieldValue>;
  if (typeof values['timestamp'] === 'number') values['timestamp'] = created_at;
  return {
    event_id: row.event_id,
    correlation_id: row.correlation_id,
    created_at,
    extra_fields: values,
    nb_input_tokens: row.input_tokens ?? 0,
    nb_output_tokens: row.output_tokens ?? 0,
  };
}

/** What only an event's own page shows: JSON lists. */
export interface EventBody {
  [column: string]: SqlStorageValue;
  request_messages: string;
  response_messages: string;
  enabled_tools: string;
}

/** `ChatCompletionEvent` as JSON text: its messages go out as they are stored. */
export function eventView(preview: EventPreview, nbMessages: number, body: EventBody): string {
  const head = JSON.stringify({
    ...preview,
    nb_messages: nbMessages,
    chat_transcription_events: [],
  });
  const { request_messages, response_messages, enabled_tools } = body;
  return `${head.slice(0, -1)},"enabled_tools":${enabled_tools},"request_messages":${request_messages},"response_messages":${response_messages}}`;
}

/** A map of texts, as `extra_fields` has it: what is no text is shown as its JSON. */
function textsOf(json: string): Record<string, string> {
  const entries = Object.entries(JSON.parse(json) as Record<string, unknown>);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
