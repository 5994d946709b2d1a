import * as z from 'zod/mini';
import { IMPORT_EVENTS, IMPORT_STATUSES } from '../../domain/import.ts';
import { FAILURE_STATUS, type FailureCode } from '../../domain/failures.ts';
import { VERIFICATIONS } from '../../domain/hook.ts';
import { SCOPES } from '../../domain/scopes.ts';

/** A named schema of the document that describes what is answered. */
export type AnswerName = keyof ReturnType<typeof answerSchemas>;

/**
 * What the facade answers, by name. Its own objects are closed; the upstream's may have further fields, which are handed
 * on. Built when the document is asked for.
 */
export function answerSchemas() {
  const time = z.iso.datetime();
  const count = z.int().check(z.minimum(0));
  const nextCursor = z.nullable(z.string());
  const nextPage = z.nullable(z.int().check(z.minimum(2)));
  const object = z.looseObject({});
  const callback = z.nullable(
    z.strictObject({ url: z.string(), events: z.array(z.enum(IMPORT_EVENTS)) }),
  );

  const error = z.strictObject({
    error: z.strictObject({
      code: z.enum(Object.keys(FAILURE_STATUS) as FailureCode[]),
      message: z.string(),
      request_id: z.string(),
      position: z.optional(count),
      details: z.optional(
        z.array(z.strictObject({ path: z.string(), message: z.string(), line: z.optional(count) })),
      ),
      upstream: z.optional(z.strictObject({ status: z.int(), body: z.string() })),
    }),
  });

  const chat = z.strictObject({
    id: z.nullable(z.string()),
    model: z.nullable(z.string()),
    text: z.string(),
    finish_reason: z.nullable(z.string()),
    tool_calls: z.optional(z.array(z.unknown())),
    usage: z.nullable(object),
    request_id: z.string(),
  });

  const preview = {
    event_id: z.string(),
    correlation_id: z.string(),
    created_at: time,
    extra_fields: object,
    nb_input_tokens: z.int(),
    nb_output_tokens: z.int(),
  };
  const eventPreview = z.looseObject(preview);
  const event = z.looseObject({
    ...preview,
    enabled_tools: z.array(object),
    request_messages: z.array(object),
    response_messages: z.array(object),
    nb_messages: z.int(),
  });

  const entity = {
    id: z.guid(),
    created_at: time,
    updated_at: time,
    deleted_at: z.nullable(time),
  };
  const dataset = z.looseObject({
    ...entity,
    name: z.string(),
    description: z.string(),
    owner_id: z.guid(),
    workspace_id: z.guid(),
  });
  const record = z.looseObject({
    ...entity,
    dataset_id: z.guid(),
    payload: object,
    properties: object,
    source: z.string(),
  });

  const runReport = z.strictObject({
    matched: count,
    new: count,
    duplicate: count,
    imported: count,
  });
  const importTask = z.strictObject({
    id: z.string(),
    status: z.string(),
    progress: z.nullable(z.number()),
  });
  const importView = z.strictObject({
    id: z.string().check(z.regex(/^imp_[A-Za-z0-9_-]{22}$/)),
    object: z.literal('import'),
    dataset_id: z.guid(),
    source: z.string(),
    status: z.enum(IMPORT_STATUSES),
    progress: z.number().check(z.minimum(0), z.maximum(100)),
    message: z.nullable(z.string()),
    tasks: z.array(importTask),
    metadata: object,
    sequence: count,
    created_at: time,
    updated_at: time,
    finished_at: z.nullable(time),
    polls: count,
    detected_after_ms: z.nullable(z.number()),
    callback,
    delivery: z.strictObject({
      status: z.enum(['none', 'pending', 'delivered', 'failed']),
      attempts: count,
      next_attempt_at: z.nullable(time),
      last_status: z.nullable(z.int()),
    }),
    report: z.optional(runReport),
  });
  const attempt = z.strictObject({
    id: z.string(),
    event: z.enum([...IMPORT_EVENTS, 'webhook.test']),
    attempt: z.int().check(z.minimum(1)),
    at: time,
    duration_ms: count,
    status: z.nullable(z.int()),
    error: z.nullable(z.enum(['dns', 'connect', 'timeout', 'http', 'blocked'])),
    response_excerpt: z.string(),
  });

  const run = z.strictObject({
    id: z.string(),
    scheduled_at: time,
    started_at: time,
    finished_at: z.nullable(time),
    status: z.enum(['running', 'skipped', ...IMPORT_STATUSES.slice(2)]),
    import_id: z.nullable(z.string()),
    message: z.nullable(z.string()),
    report: z.nullable(runReport),
  });
  const schedule = z.strictObject({
    id: z.string().check(z.regex(/^sch_[A-Za-z0-9_-]{22}$/)),
    object: z.literal('schedule'),
    name: z.string(),
    cron: z.string(),
    timezone: z.string(),
    dataset_id: z.guid(),
    import: object,
    callback,
    overlap_s: count,
    backfill: z.nullable(z.strictObject({ from: time })),
    notify_empty: z.boolean(),
    next_runs: z.array(time),
    watermark: z.nullable(time),
    last_run: z.nullable(run),
    created_at: time,
    updated_at: time,
  });

  const hook = {
    id: z.string().check(z.regex(/^hook_[A-Za-z0-9_-]{22}$/)),
    object: z.literal('hook'),
    url: z.url(),
    name: z.string(),
    dataset_id: z.guid(),
    import: object,
    map: z.record(z.string(), z.string()),
    verify: z.enum(VERIFICATIONS),
    callback,
    created_at: time,
    updated_at: time,
  };
  const hookView = z.strictObject(hook);
  const hookCall = z.strictObject({
    at: time,
    outcome: z.string(),
    status: z.int(),
    message: z.nullable(z.string()),
    import_id: z.nullable(z.string()),
    webhook_id: z.nullable(z.string()),
  });

  const totals = {
    requests: count,
    prompt_tokens: count,
    completion_tokens: count,
    total_tokens: count,
  };
  const usageEntry = z.strictObject({
    request_id: z.string(),
    model: z.string(),
    stream: z.boolean(),
    outcome: z.enum([
      'completed',
      'client_aborted',
      'upstream_cut',
      'idle_timeout',
      'upstream_error',
    ]),
    prompt_tokens: z.nullable(count),
    completion_tokens: z.nullable(count),
    total_tokens: z.nullable(count),
    ttfb_ms: z.nullable(count),
    duration_ms: count,
    bytes: count,
    started_at: time,
  });

  const client = {
    id: z.string().check(z.regex(/^cl_[\w-]{1,64}$/)),
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    rate_limit: z.nullable(z.int()),
  };
  const key = z.string().check(z.regex(/^wsk_[A-Za-z0-9_-]{43}$/));
  const signingSecret = z.string().check(z.regex(/^whsec_[A-Za-z0-9+/]+=*$/));
  const clientView = z.strictObject({ ...client, created_at: time });
  const backend = z.enum(['mistral', 'builtin']);

  return {
    Error: error,
    Chat: chat,
    EventPreview: eventPreview,
    Event: event,
    EventPage: z.strictObject({ events: z.array(eventPreview), next_cursor: nextCursor }),
    EventIds: z.strictObject({ ids: z.array(z.string()), count }),
    SimilarEvents: z.strictObject({ events: z.array(eventPreview) }),
    Judgement: z.looseObject({ answer: z.union([z.string(), z.number()]), analysis: z.string() }),
    Dataset: dataset,
    DatasetPage: z.strictObject({ datasets: z.array(dataset), count, next_page: nextPage }),
    Record: record,
    RecordPage: z.strictObject({ records: z.array(record), count, next_page: nextPage }),
    RecordLine: z.looseObject({ payload: object, properties: z.optional(z.nullable(object)) }),
    ExportLink: z.strictObject({ url: z.url() }),
    Import: importView,
    ImportPage: z.strictObject({ imports: z.array(importView), next_cursor: nextCursor }),
    Schedule: schedule,
    SchedulePage: z.strictObject({ schedules: z.array(schedule), next_cursor: nextCursor }),
    Run: run,
    RunReport: runReport,
    RunPage: z.strictObject({ runs: z.array(run), next_cursor: nextCursor }),
    Hook: hookView,
    NewHookAnswer: z.strictObject({ ...hook, secret: z.string() }),
    HookPage: z.strictObject({ hooks: z.array(hookView), next_cursor: nextCursor }),
    HookSecret: z.strictObject({ secret: z.string() }),
    HookCalls: z.strictObject({ calls: z.array(hookCall) }),
    Attempt: attempt,
    Deliveries: z.strictObject({ deliveries: z.array(attempt) }),
    Usage: z.strictObject({
      since: time,
      totals: z.strictObject(totals),
      by_model: z.array(z.strictObject({ model: z.string(), ...totals })),
      by_day: z.array(z.strictObject({ day: z.iso.date(), ...totals })),
      recent: z.array(usageEntry),
    }),
    Client: clientView,
    NewClient: z.strictObject({
      ...client,
      key,
      signing_secret: signingSecret,
      created_at: time,
    }),
    ClientPage: z.strictObject({ clients: z.array(clientView), next_cursor: nextCursor }),
    Rotated: z.union([z.strictObject({ key }), z.strictObject({ signing_secret: signingSecret })]),
    Health: z.strictObject({
      status: z.literal('ok'),
      backends: z.strictObject({ chat: backend, observability: backend }),
    }),
    Document: z.looseObject({ openapi: z.string(), info: object, paths: object }),
    ImportTask: z.looseObject({ id: z.guid(), status: z.string() }),
    MistralError: z.looseObject({
      detail: z.union([
        z.string(),
        z.looseObject({ message: z.string(), error_code: z.nullable(z.string()) }),
        z.array(z.unknown()),
      ]),
    }),
  };
}
