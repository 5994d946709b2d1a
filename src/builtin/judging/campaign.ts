import type { Config } from '../../config.ts';
import { afterVerdicts, type Verdict } from '../../domain/campaign.ts';
import type { JudgeOutput } from '../../domain/judge.ts';
import type { Campaigns, StoredCampaign } from '../campaigns.sql.ts';
import { conversationOf, type Conversations } from '../conversations.sql.ts';
import type { Judges, StoredJudge } from '../judges.sql.ts';
import { judge, JUDGE_TIMEOUT_MS } from './judge.ts';

/** Events that are judged at once; a chat model takes seconds for each. */
const AT_ONCE = 4;

/** Where a campaign takes from and puts to. */
export interface CampaignStores {
  campaigns: Campaigns;
  judges: Judges;
  conversations: Conversations;
}

/** What was found out in a slice, to be kept with {@link saveSlice}. */
export interface CampaignSlice {
  /** As it was when the slice began. */
  campaign: StoredCampaign;
  outcomes: readonly Outcome[];
  /** Where the next slice begins. */
  position: number;
}

/** By its id, as the `seq` of an event that was deleted meanwhile may be another's by now. */
type Outcome = { eventId: string; output: JudgeOutput } | { verdict: Exclude<Verdict, 'judged'> };

/** Judges the next events of a campaign. Nothing is written: a crash meanwhile only repeats the judging. */
export async function judgeSlice(
  campaign: StoredCampaign,
  { campaigns, judges, conversations }: CampaignStores,
  config: Config,
): Promise<CampaignSlice> {
  const by = judges.get(campaign.judgeId);
  const events = campaigns.selected(campaign.id, campaign.position, AT_ONCE);
  const outcomes = await Promise.all(
    events.map(({ seq }) => judgeEvent(by, seq, conversations, config)),
  );
  const last = events.at(-1);
  return {
    campaign,
    outcomes,
    position: last === undefined ? campaign.position : last.position + 1,
  };
}

async function judgeEvent(
  by: StoredJudge | null,
  seq: number,
  conversations: Conversations,
  config: Config,
): Promise<Outcome> {
  const stored = conversations.ofSeq(seq);
  if (stored === null) return { verdict: 'gone' };
  if (by === null) return { verdict: { problem: 'The judge is gone.' } };
  const judgement = await judge(config, by.definition, conversationOf(stored), {
    timeoutMs: JUDGE_TIMEOUT_MS,
  });
  if (judgement.ok) return { eventId: stored.eventId, output: judgement.output };
  const problem = `Event ${stored.eventId}: ${judgement.code}: ${judgement.message}`;
  return { verdict: { problem } };
}

/**
 * Keeps what a slice found out, and the campaign's new place; to be called in one transaction. A campaign that was
 * deleted or has moved meanwhile is left alone.
 * @param now milliseconds since the epoch
 */
export function saveSlice(
  { campaign, outcomes, position }: CampaignSlice,
  { campaigns, conversations }: CampaignStores,
  now: number,
): void {
  const current = campaigns.get(campaign.id);
  if (current?.status !== 'RUNNING' || current.position !== campaign.position) return;
  for (const outcome of outcomes) {
    if (!('output' in outcome)) continue;
    const { answer, analysis } = outcome.output;
    const annotation = { answer: JSON.stringify(answer), analysis };
    conversations.annotate(campaign.judgeId, outcome.eventId, annotation);
  }
  const verdicts = outcomes.map((one): Verdict => ('output' in one ? 'judged' : one.verdict));
  const isLast = campaigns.selected(campaign.id, position, 1).length === 0;
  campaigns.save({
    ...current,
    ...afterVerdicts(current, verdicts, position, isLast),
    updatedAt: now,
  });
}
