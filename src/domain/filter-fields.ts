// The fields that events are searched by. Names are those of Mistral's Explorer; which operators a field takes is not
// documented there and is our choice, told by GET /v1/observability/chat-completion-fields.

const EQUALITY = ['eq', 'neq'] as const;
const ORDER = ['lt', 'lte', 'gt', 'gte'] as const;
const PARTS = [
  'startswith',
  'istartswith',
  'endswith',
  'iendswith',
  'contains',
  'icontains',
  'matches',
  'notcontains',
  'inotcontains',
] as const;
const MEMBERS = ['includes', 'excludes'] as const;

/** The operators of `FilterCondition`. */
export const FILTER_OPERATORS = [
  ...ORDER,
  ...PARTS,
  ...EQUALITY,
  'isnull',
  ...MEMBERS,
  'len_eq',
] as const;
export type FilterOperator = (typeof FILTER_OPERATORS)[number];

export type FieldType = 'TEXT' | 'INT' | 'FLOAT' | 'BOOL' | 'TIMESTAMP' | 'ARRAY' | 'MAP';

/** A field of events that can be searched by. */
export interface EventField {
  name: string;
  label: string;
  type: FieldType;
  /** The `name` of one of {@link FIELD_GROUPS}. */
  group: string;
}

export const FIELD_GROUPS = [
  { name: 'completion', label: 'Chat completion' },
  { name: 'messages', label: 'Messages' },
  { name: 'usage', label: 'Usage' },
  { name: 'identifiers', label: 'Identifiers' },
  { name: 'judges', label: 'Judges' },
] as const;

/** The fields that every workspace has; each judge adds one, see {@link judgeField}. */
export const EVENT_FIELDS: readonly EventField[] = [
  field('timestamp', 'Timestamp', 'TIMESTAMP', 'completion'),
  field('model_name', 'Model', 'TEXT', 'completion'),
  field('last_user_message_preview', 'Last user message', 'TEXT', 'messages'),
  field('response_messages_preview', 'Response', 'TEXT', 'messages'),
  field('first_system_message', 'System message', 'TEXT', 'messages'),
  field('api_agent_id', 'Agent', 'TEXT', 'identifiers'),
  field('event_id', 'Event', 'TEXT', 'identifiers'),
  field('correlation_id', 'Correlation', 'TEXT', 'identifiers'),
  field('invoked_tools', 'Invoked tools', 'ARRAY', 'completion'),
  field('metadata', 'Metadata', 'MAP', 'completion'),
  field('total_time_elapsed', 'Total time (s)', 'FLOAT', 'usage'),
  field('input_tokens', 'Input tokens', 'INT', 'usage'),
  field('output_tokens', 'Output tokens', 'INT', 'usage'),
  field('streamed', 'Streamed', 'BOOL', 'completion'),
];

const JUDGE_PREFIX = '__judge_';

/** The field that holds what a judge found about an event. */
export function judgeField(
  id: string,
  name: string,
  output: 'CLASSIFICATION' | 'REGRESSION',
): EventField {
  const type = output === 'REGRESSION' ? 'FLOAT' : 'TEXT';
  return field(JUDGE_PREFIX + id, name, type, 'judges');
}

/** The judge whose field this is, or null. */
export function judgeOfField(name: string): string | null {
  return name.startsWith(JUDGE_PREFIX) ? name.slice(JUDGE_PREFIX.length) : null;
}

const OPERATORS: Record<FieldType, readonly FilterOperator[]> = {
  TEXT: [...ORDER, ...PARTS, ...EQUALITY, 'isnull', 'len_eq'],
  INT: [...ORDER, ...EQUALITY, 'isnull'],
  FLOAT: [...ORDER, ...EQUALITY, 'isnull'],
  TIMESTAMP: [...ORDER, ...EQUALITY, 'isnull'],
  BOOL: [...EQUALITY, 'isnull'],
  ARRAY: [...PARTS, 'isnull', ...MEMBERS, 'len_eq'],
  MAP: ['isnull', ...MEMBERS, 'len_eq'],
};

/** The operators that a type of field takes. */
export function operatorsOf(type: FieldType): readonly FilterOperator[] {
  return OPERATORS[type];
}

function field(name: string, label: string, type: FieldType, group: string): EventField {
  return { name, label, type, group };
}
