import { iso } from '../domain/time.ts';
import type { StoredCampaign } from './campaigns.sql.ts';
import type { Page, StoredDataset, StoredRecord } from './datasets.sql.ts';
import type { StoredFile } from './files.sql.ts';
import type { StoredJudge } from './judges.sql.ts';
import type { StoredTask } from './tasks.sql.ts';
import type { WorkspaceIdentity } from './workspace.ts';

// Rows of the store → answers of the Mistral API, every optional key included. Observability times are ISO 8601 in
// UTC; files count seconds since the epoch.

const seconds = (ms: number) => Math.floor(ms / 1000);

/** `DatasetPreview`. */
export function datasetView(dataset: StoredDataset, identity: WorkspaceIdentity) {
  return {
    id: dataset.id,
    created_at: iso(dataset.createdAt),
    updated_at: iso(dataset.updatedAt),
    deleted_at: null,
    name: dataset.name,
    description: dataset.description,
    owner_id: identity.ownerId,
    workspace_id: identity.workspaceId,
  };
}

/** A record as JSON text: what it holds is JSON already, and goes out as it is stored. */
export function recordView(record: StoredRecord): string {
  const head = JSON.stringify({
    id: record.id,
    created_at: iso(record.createdAt),
    updated_at: iso(record.updatedAt),
    deleted_at: null,
    dataset_id: record.datasetId,
    source: record.source,
  });
  return `${head.slice(0, -1)},"payload":${record.payload},"properties":${record.properties}}`;
}

/** `DatasetImportTask`. */
export function taskView(task: StoredTask, identity: WorkspaceIdentity) {
  return {
    id: task.id,
    created_at: iso(task.createdAt),
    updated_at: iso(task.updatedAt),
    deleted_at: null,
    creator_id: identity.ownerId,
    dataset_id: task.datasetId,
    workspace_id: identity.workspaceId,
    status: task.status,
    progress: task.progress,
    message: task.message,
  };
}

/** A judge is changed in place, so it has no other revisions. */
export function judgeView(judge: StoredJudge, identity: WorkspaceIdentity) {
  return {
    id: judge.id,
    created_at: iso(judge.createdAt),
    updated_at: iso(judge.updatedAt),
    deleted_at: null,
    owner_id: identity.ownerId,
    workspace_id: identity.workspaceId,
    ...judge.definition,
    up_revision: null,
    down_revision: null,
    base_revision: null,
  };
}

/** `Campaign`, with its judge whole. */
export function campaignView(
  campaign: StoredCampaign,
  judge: StoredJudge,
  identity: WorkspaceIdentity,
) {
  return {
    id: campaign.id,
    created_at: iso(campaign.createdAt),
    updated_at: iso(campaign.updatedAt),
    deleted_at: null,
    name: campaign.name,
    owner_id: identity.ownerId,
    workspace_id: identity.workspaceId,
    description: campaign.description,
    max_nb_events: campaign.maxNbEvents,
    search_params: { filters: JSON.parse(campaign.filters) as unknown },
    judge: judgeView(judge, identity),
  };
}

export function fileView(file: StoredFile) {
  return {
    id: file.id,
    object: 'file',
    bytes: file.bytes,
    created_at: seconds(file.createdAt),
    filename: file.filename,
    purpose: file.purpose,
    sample_type: file.sampleType,
    num_lines: file.lines,
    mimetype: file.mimetype,
    source: file.source,
    signature: null,
    expires_at: file.expiresAt === null ? null : seconds(file.expiresAt),
    visibility: file.visibility,
  };
}

/** `PaginatedResult`: `next` and `previous` are relative URLs, null at the ends. */
export function paginated<T>(results: T[], count: number, page: Page, url: string) {
  return { results, ...pageLinks(count, page, url) };
}

/** What a page says besides its results. @param url of this page; its other parameters stay */
export function pageLinks(count: number, { page, pageSize }: Page, url: string) {
  const link = (to: number) => {
    const other = new URL(url);
    other.searchParams.set('page', String(to));
    other.searchParams.set('page_size', String(pageSize));
    return other.pathname + other.search;
  };
  return {
    count,
    next: page * pageSize < count && pageSize > 0 ? link(page + 1) : null,
    previous: page > 1 ? link(page - 1) : null,
  };
}
