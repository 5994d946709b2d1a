import type { Context } from 'hono';
import * as z from 'zod/mini';
import { configOf } from '../../config.ts';
import type { Conversation } from '../../domain/conversation.ts';
import { instructionsProblem, judgeDefinition, type JudgeDefinition } from '../../domain/judge.ts';
import type { BuiltinEnv } from '../context.ts';
import { observabilityInvalid, observabilityRefusal } from '../errors.ts';
import { readBody } from '../validate.ts';
import { judge, JUDGE_TIMEOUT_MS } from './judge.ts';

const judgingBody = z.lazy(() => z.object({ judge_definition: judgeDefinition }));

/** A judge's definition out of a body; its instructions can be filled in. */
export async function readDefinition(c: Context<BuiltinEnv>): Promise<JudgeDefinition> {
  const definition = await readBody(c, judgeDefinition, observabilityInvalid);
  const problem = instructionsProblem(definition.instructions);
  if (problem !== null) throw observabilityRefusal(400, problem.message, problem.code);
  return definition;
}

/** The definition in the body of a live judgement. */
export async function readJudgingBody(c: Context<BuiltinEnv>): Promise<JudgeDefinition> {
  const { judge_definition } = await readBody(c, judgingBody, observabilityInvalid);
  return judge_definition;
}

/** Judges a conversation and answers with the `JudgeOutput`. */
export async function answerJudgement(
  c: Context<BuiltinEnv>,
  definition: JudgeDefinition,
  conversation: Conversation,
): Promise<Response> {
  const config = configOf(c.env);
  const judgement = await judge(config, definition, conversation, {
    // Nobody who asks waits for longer than for any other answer of the upstream.
    timeoutMs: Math.min(JUDGE_TIMEOUT_MS, config.upstreamHeadersTimeoutMs),
    signal: c.req.raw.signal,
  });
  if (judgement.ok) return c.json(judgement.output);
  const status = judgement.code === 'JUDGE_MISTRAL_API_TIMEOUT' ? 408 : 400;
  throw observabilityRefusal(status, judgement.message, judgement.code);
}
