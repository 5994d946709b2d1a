import { definition, JUDGES, MESSAGES, REGRESSION } from '../judges.ts';
import {
  fails,
  length,
  needs,
  PAGES,
  refuses,
  refusesQuery,
  takes,
  takesQuery,
  type Case,
  type Operation,
  type Sent,
} from './operation.ts';
import * as shape from './shapes.ts';
import type { World } from './world.ts';

const UNKNOWN_JUDGE = { judge_id: 'JUDGE_NOT_FOUND' };

/** What a judge may be. @param prefix of the path to the definition in the body */
export function definitionCases(prefix = ''): Case[] {
  const at = (key: string) => prefix + key;
  const required = ['name', 'description', 'model_name', 'output', 'instructions', 'tools'];
  return [
    ...needs(...required.map(at)),
    ...length(at('name'), 5, 50),
    ...length(at('description'), 0, 500),
    ...length(at('model_name'), 0, 500),
    ...length(at('instructions'), 0, 10_000),
    ...takes(at('tools'), [], ['search']),
    ...refuses(at('tools'), 'search', [5], null),
    ...takes(at('output'), { ...REGRESSION, min: 0 }, { ...REGRESSION, max: 999_999_999 }),
    ...refuses(at('output'), { ...REGRESSION, min: -1 }, { ...REGRESSION, max: 1_000_000_000 }),
    ...refuses(at('output'), { type: 'POEM' }, { type: 'REGRESSION' }, { type: 'CLASSIFICATION' }),
    ...refuses(at('output'), { type: 'CLASSIFICATION', options: [{ value: 'x' }] }, null),
    ...fails(400, 'TEMPLATE_SYNTAX_ERROR', at('instructions'), '{{ user_message'),
  ];
}

/** A definition as the SDK takes it; each has another name. */
export function sdkDefinition() {
  const { model_name: modelName, name, description, instructions } = definition();
  const options = [{ value: 'good', description: 'helps' }];
  const output = { type: 'CLASSIFICATION' as const, options };
  return { name, description, modelName, instructions, output, tools: [] };
}

const ofNewJudge = async (world: World, body?: object): Promise<Sent> => ({
  ids: { judge_id: await world.newJudge() },
  ...(body !== undefined && { body }),
});

/** What cannot be done to a judge that a campaign uses. */
const whileUsed: Case = {
  what: 'a judge that a campaign uses',
  status: 409,
  code: 'JUDGE_USED_IN_CAMPAIGN_CANNOT_BE_UPDATED',
  change: async (good, world) => {
    const judgeId = await world.newJudge();
    await world.newCampaign(judgeId);
    return { ...good, ids: { judge_id: judgeId } };
  },
};
/** A second judge of the same name. */
const nameTaken: Case = {
  what: 'the name of another judge',
  status: 409,
  code: 'JUDGE_NAME_ALREADY_EXISTS',
  change: async (good, world) => {
    const body = definition();
    await world.send(`POST ${JUDGES}`, { body });
    return { ...good, body: { ...definition(), name: body.name } };
  },
};

/** Saved judges. */
export const JUDGE_OPERATIONS: Operation[] = [
  {
    call: `GET ${JUDGES}`,
    status: 200,
    answer: shape.judgeList,
    sdk: [(m) => m.beta.observability.judges.list({ typeFilter: ['CLASSIFICATION'], q: 'judge' })],
    cases: [
      ...PAGES,
      ...takesQuery('type_filter=REGRESSION', 'type_filter=REGRESSION&type_filter=CLASSIFICATION'),
      ...takesQuery('model_filter=a&model_filter=b', 'q=judge', 'q='),
      ...refusesQuery('type_filter=POEM', 'type_filter=REGRESSION&type_filter=POEM'),
    ],
  },
  {
    call: `POST ${JUDGES}`,
    status: 201,
    answer: shape.judge,
    good: () => ({ body: definition() }),
    sdk: [(m) => m.beta.observability.judges.create(sdkDefinition())],
    cases: [...definitionCases(), nameTaken],
  },
  {
    call: `GET ${JUDGES}/{judge_id}`,
    status: 200,
    answer: shape.judge,
    sdk: [(m, w) => m.beta.observability.judges.fetch({ judgeId: w.id('judge_id') })],
    unknown: UNKNOWN_JUDGE,
  },
  {
    call: `PUT ${JUDGES}/{judge_id}`,
    status: 204,
    good: (w) => ofNewJudge(w, definition()),
    sdk: [
      async (m, w) =>
        m.beta.observability.judges.update({
          judgeId: await w.newJudge(),
          updateJudgeRequest: sdkDefinition(),
        }),
    ],
    unknown: UNKNOWN_JUDGE,
    cases: [
      ...definitionCases(),
      nameTaken,
      whileUsed,
      {
        what: 'the judge as it is',
        status: 409,
        code: 'JUDGE_DID_NOT_CHANGE',
        change: async (good, world) => {
          await world.send(`PUT ${JUDGES}/{judge_id}`, good);
          return good;
        },
      },
    ],
  },
  {
    call: `DELETE ${JUDGES}/{judge_id}`,
    status: 204,
    good: (w) => ofNewJudge(w),
    sdk: [async (m, w) => m.beta.observability.judges.delete({ judgeId: await w.newJudge() })],
    unknown: UNKNOWN_JUDGE,
    cases: [whileUsed],
  },
  {
    call: `POST ${JUDGES}/{judge_id}/live-judging`,
    status: 200,
    answer: shape.judgeOutput,
    good: () => ({ body: { messages: MESSAGES, properties: { a: 1 } } }),
    sdk: [
      (m, w) =>
        m.beta.observability.judges.judgeConversation({
          judgeId: w.id('judge_id'),
          judgeConversationRequest: { messages: MESSAGES },
        }),
    ],
    unknown: UNKNOWN_JUDGE,
    cases: [
      ...needs('messages'),
      ...refuses('messages', 'x', ['x'], null, {}),
      ...fails(400, 'JUDGE_CONVERSATION_FORMAT_ERROR', 'messages', [], [{ role: 5 }]),
      ...takes('properties', undefined, null, {}),
      ...refuses('properties', 'x', []),
    ],
  },
];
