import { Hono } from 'hono/tiny';
import { workspaceOf, type BuiltinEnv } from '../context.ts';
import { conversationOf } from '../conversations.sql.ts';
import { notFound, observabilityInvalid } from '../errors.ts';
import { answerJudgement, readJudgingBody } from '../judging/answer.ts';
import { readUuid } from '../validate.ts';

/** `/v1/observability/chat-completion-events/{event_id}/live-judging`: a judge that is not saved, on a recorded chat. */
export const liveJudgingRoutes = new Hono<BuiltinEnv>().post(
  '/:event_id/live-judging',
  async (c) => {
    const id = readUuid(c, 'event_id', observabilityInvalid);
    const definition = await readJudgingBody(c);
    const said = await workspaceOf(c.env).judges.conversationOfEvent(id);
    if (said === null) throw notFound('Event', id, 'SEARCH_NOT_FOUND');
    return answerJudgement(c, definition, conversationOf(said));
  },
);
