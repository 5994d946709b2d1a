// What the built-in backend offers of the Mistral API, and what it does not, written by hand: the table is compared
// with it, so that an operation cannot go missing from both.

/** Every operation that is offered. */
export const OFFERED = `
GET    /v1/models
GET    /v1/models/{model_id}
DELETE /v1/models/{model_id}
POST   /v1/files
GET    /v1/files
GET    /v1/files/{file_id}
DELETE /v1/files/{file_id}
GET    /v1/files/{file_id}/content
GET    /v1/files/{file_id}/url
POST   /v1/chat/completions
POST   /v1/observability/chat-completion-events/search
POST   /v1/observability/chat-completion-events/search-ids
GET    /v1/observability/chat-completion-events/{event_id}
GET    /v1/observability/chat-completion-events/{event_id}/similar-events
POST   /v1/observability/chat-completion-events/{event_id}/live-judging
GET    /v1/observability/chat-completion-fields
GET    /v1/observability/chat-completion-fields/{field_name}/options
POST   /v1/observability/chat-completion-fields/{field_name}/options-counts
GET    /v1/observability/judges
POST   /v1/observability/judges
GET    /v1/observability/judges/{judge_id}
PUT    /v1/observability/judges/{judge_id}
DELETE /v1/observability/judges/{judge_id}
POST   /v1/observability/judges/{judge_id}/live-judging
GET    /v1/observability/campaigns
POST   /v1/observability/campaigns
GET    /v1/observability/campaigns/{campaign_id}
DELETE /v1/observability/campaigns/{campaign_id}
GET    /v1/observability/campaigns/{campaign_id}/status
GET    /v1/observability/campaigns/{campaign_id}/selected-events
GET    /v1/observability/datasets
POST   /v1/observability/datasets
GET    /v1/observability/datasets/{dataset_id}
PATCH  /v1/observability/datasets/{dataset_id}
DELETE /v1/observability/datasets/{dataset_id}
GET    /v1/observability/datasets/{dataset_id}/records
POST   /v1/observability/datasets/{dataset_id}/records
POST   /v1/observability/datasets/{dataset_id}/imports/from-campaign
POST   /v1/observability/datasets/{dataset_id}/imports/from-explorer
POST   /v1/observability/datasets/{dataset_id}/imports/from-file
POST   /v1/observability/datasets/{dataset_id}/imports/from-playground
POST   /v1/observability/datasets/{dataset_id}/imports/from-dataset
GET    /v1/observability/datasets/{dataset_id}/exports/to-jsonl
GET    /v1/observability/datasets/{dataset_id}/tasks
GET    /v1/observability/datasets/{dataset_id}/tasks/{task_id}
GET    /v1/observability/dataset-records/{dataset_record_id}
DELETE /v1/observability/dataset-records/{dataset_record_id}
POST   /v1/observability/dataset-records/bulk-delete
POST   /v1/observability/dataset-records/{dataset_record_id}/live-judging
PUT    /v1/observability/dataset-records/{dataset_record_id}/payload
PUT    /v1/observability/dataset-records/{dataset_record_id}/properties
`;

/** Telemetry and batch jobs are left to Mistral. */
export const NOT_OFFERED = `
POST   /v1/observability/logs/search
GET    /v1/observability/logs/fields
GET    /v1/observability/logs/fields/{field_name}/options
POST   /v1/observability/traces/search
POST   /v1/observability/traces/aggregate
GET    /v1/observability/traces/fields
GET    /v1/observability/traces/fields/{field_name}/options
GET    /v1/observability/traces/{trace_id}
GET    /v1/observability/traces/{trace_id}/spans
GET    /v1/observability/traces/{trace_id}/spans/{span_id}
POST   /v1/observability/spans/search
POST   /v1/observability/spans/aggregate
POST   /v1/observability/spans/evaluations/search
POST   /v1/observability/spans/evaluations/search/latest
GET    /v1/observability/spans/fields
GET    /v1/observability/spans/fields/{field_name}/options
GET    /v1/observability/spans/evaluations/fields
GET    /v1/observability/spans/evaluations/fields/{field_name}/options
POST   /v1/observability/datasets/{dataset_id}/imports/from-spans
POST   /v1/batch/jobs
GET    /v1/batch/jobs
GET    /v1/batch/jobs/{job_id}
DELETE /v1/batch/jobs/{job_id}
POST   /v1/batch/jobs/{job_id}/cancel
`;

/** A list above as calls. */
export const callsOf = (list: string) =>
  list
    .trim()
    .split('\n')
    .map((line) => line.replace(/ +/, ' '));
