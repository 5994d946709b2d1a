import type { Page } from './datasets.sql.ts';
import type { TaskStatus } from './tasks.sql.ts';

/** What a campaign is made of; `judge` (as it was then) and `searchParams` are JSON texts. */
export interface NewCampaign {
  name: string;
  description: string;
  judgeId: string;
  judge: string;
  maxNbEvents: number;
  searchParams: string;
}

/** A campaign; times in milliseconds since the epoch. */
export interface StoredCampaign extends NewCampaign {
  id: string;
  status: TaskStatus;
  /** What went wrong: the first failure while it runs, a summary at its end. */
  message: string | null;
  nbEvents: number;
  /** Events that were dealt with, those that could not be judged included: the position of the next one. */
  judged: number;
  failed: number;
  createdAt: number;
  updatedAt: number;
}

interface CampaignRow {
  [column: string]: SqlStorageValue;
  id: string;
  name: string;
  description: string;
  judge_id: string;
  judge: string;
  max_nb_events: number;
  search_params: string;
  status: TaskStatus;
  message: string | null;
  nb_events: number;
  judged: number;
  failed: number;
  created_at: number;
  updated_at: number;
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
      judge: campaign.judge,
      max_nb_events: campaign.maxNbEvents,
      search_params: campaign.searchParams,
      status: 'RUNNING',
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
      status: 'RUNNING',
      message: null,
      nbEvents: seqs.length,
      judged: 0,
      failed: 0,
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
      `SELECT * FROM campaigns WHERE ${where} ORDER BY created_at DESC, id LIMIT ?2 OFFSET ?3`,
      q,
      pageSize,
      (page - 1) * pageSize,
    );
    return { campaigns: [...rows].map(campaignOf), count };
  }

  /** The seqs of selected events at a position and after it. */
  seqs(id: string, position: number, limit: number): number[] {
    const rows = this.#sql.exec<{ seq: number }>(
      `SELECT event_seq AS seq FROM campaign_events WHERE campaign_id = ? AND position >= ?
       ORDER BY position LIMIT ?`,
      id,
      position,
      limit,
    );
    return [...rows].map(({ seq }) => seq);
  }

  /** The ids of all selected events that are still there, in order. */
  eventIds(id: string): string[] {
    const rows = this.#sql.exec<{ event_id: string }>(
      `SELECT event_id FROM campaign_events JOIN events ON events.seq = event_seq
       WHERE campaign_id = ? ORDER BY position`,
      id,
    );
    return [...rows].map(({ event_id }) => event_id);
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
      'UPDATE campaigns SET status = ?, message = ?, judged = ?, failed = ?, updated_at = ? WHERE id = ?',
      campaign.status,
      campaign.message,
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
    judge: row.judge,
    maxNbEvents: row.max_nb_events,
    searchParams: row.search_params,
    status: row.status,
    message: row.message,
    nbEvents: row.nb_events,
    judged: row.judged,
    failed: row.failed,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
