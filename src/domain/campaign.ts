/** How far a campaign is. */
export interface CampaignProgress {
  status: 'RUNNING' | 'COMPLETED' | 'FAILED';
  /** What went wrong: the first failure while it runs, a summary at its end. */
  message: string | null;
  /** Place of the next event to be judged among those that were selected. */
  position: number;
  /** Events that were judged. */
  judged: number;
  /** Events that could not be judged. */
  failed: number;
}

export const STARTED: CampaignProgress = {
  status: 'RUNNING',
  message: null,
  position: 0,
  judged: 0,
  failed: 0,
};

/** What became of an event: judged, not to be judged and why, or deleted before its turn came. */
export type Verdict = 'judged' | 'gone' | { problem: string };

/**
 * A campaign after some more of its events. It fails only when no event could be judged: what is judged is of use, and
 * the message tells how much is missing.
 * @param position the place after the last of these events
 * @param isLast no selected event is left
 */
export function afterVerdicts(
  before: CampaignProgress,
  verdicts: readonly Verdict[],
  position: number,
  isLast: boolean,
): CampaignProgress {
  const problems = verdicts.flatMap((one) => (typeof one === 'object' ? [one.problem] : []));
  const judged = before.judged + verdicts.filter((one) => one === 'judged').length;
  const failed = before.failed + problems.length;
  const first = before.message ?? problems[0] ?? null;
  if (!isLast) return { status: 'RUNNING', message: first, position, judged, failed };
  const of = judged === 0 ? 'None of' : `${failed} of`;
  const could = judged === 0 ? 'could' : 'could not';
  return {
    status: judged === 0 && failed > 0 ? 'FAILED' : 'COMPLETED',
    message:
      first && `${of} ${judged + failed} events ${could} be judged. The first failure: ${first}`,
    position,
    judged,
    failed,
  };
}
