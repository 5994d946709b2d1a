import { STARTED, type CampaignProgress } from '../domain/campaign.ts';
import type { Page } from './datasets.sql.ts';

/** What a campaign is made of; `filters` is the JSON text of `search_params.filters`. */
export interface NewCampaign {
  name: string;
  description: string;
  judgeId: string;
  maxNbEvents: number;
  filters: string;
}

/** A campaign; times in milliseconds since the epoch. */
export interface StoredCampaign extends NewCampaign, CampaignProgress {
  id: string;
  /** Events that were selected when it was made. */
  nbEvents: number;
  createdAt: number;
  updatedAt: number;
}

interface CampaignRow {
  [column: string]: SqlStorageValue;
  id: string;
  name: string;
  description: string;
  judge_id: string;
  max_nb_events: number;
  filters: string;
  status: CampaignProgress['status'];
  message: string | null;
  nb_events: number;
  position: number;
  judged: number;
  failed: number;
  created_at: number;
  updated_at: number;
}

/** An event of a campaign, by its place there. */
export interface SelectedEvent {
  position: number;
  seq: number;
}

/** Campaigns of a workspace, and the events that each has selected, frozen when it was made. */
export class Campaigns {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** @param seqs of the selected events, in their order */
  create(campaign: NewCampaign, seqs: readonly number[], now: number): StoredCampaign {
    const id = crypto.randomUUID();
    const columns: Record<string, SqlStorageValue> = {
      id,
      name: campaign.name,
      description: campaign.description,
      judge_id: campaign.judgeId,
      max_nb_events: campaign.maxNbEvents,
      filters: campaign.filters,
      status: STARTED.status,
      nb_events: seqs.length,
      created_at: now,
      updated_at: now,
    };
    const names = Object.keys(columns);
    this.#sql.exec(
      `INSERT INTO campaigns (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      ...Object.values(columns),
    );
    this.#sql.exec(
      `INSERT INTO campaign_events (campaign_id, position, event_seq)
       SELECT ?, key, value FROM json_each(?)`,
      id,
      JSON.stringify(seqs),
    );
    return {
      ...campaign,
      id,
      ...STARTED,
      nbEvents: seqs.length,
      createdAt: now,
      updatedAt: now,
    };
  }

  get(id: string): StoredCampaign | null {
    const row = this.#sql.exec<CampaignRow>('SELECT * FROM campaigns WHERE id = ?', id).next();
    return row.done ? null : campaignOf(row.value);
  }

  /** The newest first; `q` is looked for in the name, in any case. */
  list({ page, pageSize }: Page, q: string | null): { campaigns: StoredCampaign[]; count: number } {
    const where = '?1 IS NULL OR instr(lower(name), lower(?1)) > 0';
    const { count } = this.#sql
      .exec<{ count: number }>(`SELECT count(*) AS count FROM campaigns WHERE ${where}`, q)
      .one();
    const rows = this.#sql.exec<CampaignRow>(
      `SELECT * FROM campaigns WHERE ${where} ORDER BY created_at DESC, rowid DESC LIMIT ?2 OFFSET ?3`,
      q,
      pageSize,
      (page - 1) * pageSize,
    );
    return { campaigns: [...rows].map(campaignOf), count };
  }

  /**
   * Selected events at a position and after it, in order. Positions of events that were deleted are missing.
   * @param offset how many of them are passed over
   */
  selected(id: string, position: number, limit: number, offset = 0): SelectedEvent[] {
    const rows = this.#sql.exec<{ position: number; seq: number }>(
      `SELECT position, event_seq AS seq FROM campaign_events WHERE campaign_id = ? AND position >= ?
       ORDER BY position LIMIT ? OFFSET ?`,
      id,
      position,
      limit,
      offset,
    );
    return [...rows];
  }

  countSelected(id: string): number {
    return this.#sql
      .exec<{ count: number }>(
        'SELECT count(*) AS count FROM campaign_events WHERE campaign_id = ?',
        id,
      )
      .one().count;
  }

  /** The running campaign that has waited longest. */
  nextRunning(): StoredCampaign | null {
    const row = this.#sql
      .exec<CampaignRow>(
        "SELECT * FROM campaigns WHERE status = 'RUNNING' ORDER BY updated_at LIMIT 1",
      )
      .next();
    return row.done ? null : campaignOf(row.value);
  }

  save(campaign: StoredCampaign): void {
    this.#sql.exec(
      `UPDATE campaigns SET status = ?, message = ?, position = ?, judged = ?, failed = ?, updated_at = ?
       WHERE id = ?`,
      campaign.status,
      campaign.message,
      campaign.position,
      campaign.judged,
      campaign.failed,
      campaign.updatedAt,
      campaign.id,
    );
  }

  /** Deletes a campaign; what its judge found stays with the events. True when there was one. */
  delete(id: string): boolean {
    this.#sql.exec('DELETE FROM campaign_events WHERE campaign_id = ?', id);
    return this.#sql.exec('DELETE FROM campaigns WHERE id = ?', id).rowsWritten > 0;
  }
}

function campaignOf(row: CampaignRow): StoredCampaign {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    judgeId: row.judge_id,
    maxNbEvents: row.max_nb_events,
    filters: row.filters,
    status: row.status,
    message: row.message,
    nbEvents: row.nb_events,
    position: row.position,
    judged: row.judged,
    failed: row.failed,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
