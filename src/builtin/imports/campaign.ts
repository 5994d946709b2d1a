import type { Conversations, StoredConversation } from '../conversations.sql.ts';
import type { StoredTask } from '../tasks.sql.ts';

/** The judge of a campaign, frozen when an import of it starts: campaign and judge may go meanwhile. */
export interface ImportedJudge {
  id: string;
  name: string;
}

/** What the task of a from-campaign import holds as its input. */
export function campaignInput({ id, name }: ImportedJudge): string {
  return JSON.stringify({ id, name } satisfies ImportedJudge);
}

/** What the campaign's judge found in an event, as properties of its record; null what is not judged. */
export function judgeProperties(
  task: StoredTask,
  { seq }: StoredConversation,
  conversations: Conversations,
): object {
  const judge = JSON.parse(task.input) as ImportedJudge;
  const annotation = conversations.annotation(judge.id, seq);
  return {
    judge_id: judge.id,
    judge_name: judge.name,
    answer: annotation === null ? null : (JSON.parse(annotation.answer) as unknown),
    analysis: annotation?.analysis ?? null,
  };
}
