import { RpcTarget } from 'cloudflare:workers';
import type { CampaignProgress } from '../../domain/campaign.ts';
import type { Campaigns, NewCampaign, StoredCampaign } from '../campaigns.sql.ts';
import type { Page } from '../datasets.sql.ts';
import { badRequest, type EventSearch, type SearchProblem } from '../event-search.ts';
import type { Judges, StoredJudge } from '../judges.sql.ts';

/** A campaign with the judge that it is shown with. */
export interface CampaignWithJudge {
  campaign: StoredCampaign;
  judge: StoredJudge;
}

/** The campaign that was started, or why not. */
export type CampaignStart =
  | ({ ok: true } & CampaignWithJudge)
  | { ok: false; problem: SearchProblem | 'no_judge' | 'no_events' };

/** The campaigns of a workspace, over RPC. */
export class CampaignsApi extends RpcTarget {
  readonly #campaigns: Campaigns;
  readonly #judges: Judges;
  readonly #search: EventSearch;
  readonly #wake: () => Promise<void>;

  /** @param wake sees to it that the workspace's alarm goes on with what is running */
  constructor(
    campaigns: Campaigns,
    judges: Judges,
    search: EventSearch,
    wake: () => Promise<void>,
  ) {
    super();
    this.#campaigns = campaigns;
    this.#judges = judges;
    this.#search = search;
    this.#wake = wake;
  }

  /** Selects the newest events that the filter matches, and starts to judge them. */
  async create(campaign: NewCampaign): Promise<CampaignStart> {
    const judge = this.#judges.get(campaign.judgeId);
    if (judge === null) return { ok: false, problem: 'no_judge' };
    const read = this.#search.read(JSON.parse(campaign.filters));
    if (!read.ok) return { ok: false, problem: badRequest(read.message) };
    const found = this.#search.seqs(read.tree, campaign.maxNbEvents);
    if (!found.ok) return { ok: false, problem: found };
    if (found.value.length === 0) return { ok: false, problem: 'no_events' };
    const created = this.#campaigns.create(campaign, found.value, Date.now());
    await this.#wake();
    return { ok: true, campaign: created, judge };
  }

  get(id: string): CampaignWithJudge | null {
    const campaign = this.#campaigns.get(id);
    return campaign && this.#withJudge(campaign);
  }

  list(page: Page, q: string | null): { campaigns: CampaignWithJudge[]; count: number } {
    const { campaigns, count } = this.#campaigns.list(page, q);
    return { campaigns: campaigns.flatMap((one) => this.#withJudge(one) ?? []), count };
  }

  progress(id: string): Pick<CampaignProgress, 'status' | 'message'> | null {
    const campaign = this.#campaigns.get(id);
    return campaign && { status: campaign.status, message: campaign.message };
  }

  /**
   * A page of the events that were selected, as far as they are still there, as a JSON list of previews; null when there
   * is no such campaign.
   */
  selectedEvents(id: string, { page, pageSize }: Page): { events: string; count: number } | null {
    if (this.#campaigns.get(id) === null) return null;
    const selected = this.#campaigns.selected(id, 0, pageSize, (page - 1) * pageSize);
    const seqs = selected.map(({ seq }) => seq);
    return {
      events: JSON.stringify(this.#search.previews(seqs, null)),
      count: this.#campaigns.countSelected(id),
    };
  }

  /** True when there was one. What its judge found stays with the events. */
  delete(id: string): boolean {
    return this.#campaigns.delete(id);
  }

  /** A judge that a campaign uses cannot be deleted, so it is there. */
  #withJudge(campaign: StoredCampaign): CampaignWithJudge | null {
    const judge = this.#judges.get(campaign.judgeId);
    return judge && { campaign, judge };
  }
}
