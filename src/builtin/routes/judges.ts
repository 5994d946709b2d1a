import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { workspaceOf, type BuiltinEnv } from '../context.ts';
import { notFound, observabilityInvalid, observabilityRefusal } from '../errors.ts';
import { answerJudgement, readDefinition } from '../judging/answer.ts';
import { anyObject, pageOf, pageQuery, readBody, readQuery, readUuid } from '../validate.ts';
import { judgeView, paginated } from '../views.ts';

/** A key that may be repeated. */
const listOf = <T extends z.ZodMiniType>(item: T) =>
  z.pipe(
    z.transform((value) => (typeof value === 'string' ? [value] : value)),
    z._default(z.array(item), []),
  );

const listQuery = z.lazy(() =>
  z.extend(pageQuery(), {
    q: z.nullish(z.string()),
    type_filter: listOf(z.enum(['REGRESSION', 'CLASSIFICATION'])),
    model_filter: listOf(z.string()),
  }),
);
const conversationBody = z.lazy(() =>
  z.object({ messages: z.array(anyObject), properties: z.nullish(anyObject) }),
);

const judgeNotFound = (id: string) => notFound('Judge', id, 'JUDGE_NOT_FOUND');

const nameTaken = (name: string) => {
  const message = `There is a judge named ${JSON.stringify(name)} already.`;
  return observabilityRefusal(409, message, 'JUDGE_NAME_ALREADY_EXISTS');
};

const usedInCampaign = (what: string) => {
  const message = `The judge is used in a campaign and cannot be ${what}.`;
  return observabilityRefusal(409, message, 'JUDGE_USED_IN_CAMPAIGN_CANNOT_BE_UPDATED');
};

const judgeId = (c: Parameters<typeof readUuid>[0]) =>
  readUuid(c, 'judge_id', observabilityInvalid);

/** `/v1/observability/judges`: saved judges, and what they say of a conversation. */
export const judgeRoutes = new Hono<BuiltinEnv>()
  .get('/', async (c) => {
    const query = readQuery(c, listQuery, observabilityInvalid);
    const page = pageOf(query);
    const filter = { q: query.q ?? null, types: query.type_filter, models: query.model_filter };
    const workspace = workspaceOf(c.env);
    const [{ judges, count }, identity] = await Promise.all([
      workspace.judges.list(page, filter),
      workspace.identity(),
    ]);
    const views = judges.map((judge) => judgeView(judge, identity));
    return c.json({ judges: paginated(views, count, page, c.req.url) });
  })
  .post('/', async (c) => {
    const definition = await readDefinition(c);
    const workspace = workspaceOf(c.env);
    const judge = await workspace.judges.create(definition);
    if (judge === null) throw nameTaken(definition.name);
    return c.json(judgeView(judge, await workspace.identity()), 201);
  })
  .get('/:judge_id', async (c) => {
    const id = judgeId(c);
    const workspace = workspaceOf(c.env);
    const judge = await workspace.judges.get(id);
    if (judge === null) throw judgeNotFound(id);
    return c.json(judgeView(judge, await workspace.identity()));
  })
  .put('/:judge_id', async (c) => {
    const id = judgeId(c);
    const definition = await readDefinition(c);
    const outcome = await workspaceOf(c.env).judges.update(id, definition);
    switch (outcome) {
      case 'updated':
        return c.body(null, 204);
      case 'not_found':
        throw judgeNotFound(id);
      case 'used':
        throw usedInCampaign('updated');
      case 'name_taken':
        throw nameTaken(definition.name);
      case 'unchanged': {
        const message = 'The judge is like that already; nothing was changed.';
        throw observabilityRefusal(409, message, 'JUDGE_DID_NOT_CHANGE');
      }
    }
  })
  .delete('/:judge_id', async (c) => {
    const id = judgeId(c);
    const outcome = await workspaceOf(c.env).judges.delete(id);
    if (outcome === 'not_found') throw judgeNotFound(id);
    if (outcome === 'used') throw usedInCampaign('deleted');
    return c.body(null, 204);
  })
  .post('/:judge_id/live-judging', async (c) => {
    const id = judgeId(c);
    const { messages, properties } = await readBody(c, conversationBody, observabilityInvalid);
    const judge = await workspaceOf(c.env).judges.get(id);
    if (judge === null) throw judgeNotFound(id);
    const conversation = { messages, properties: properties ?? {}, tools: [] };
    return answerJudgement(c, judge.definition, conversation);
  });
