import type { Config } from '../../config.ts';
import type { Conversation } from '../../domain/conversation.ts';
import { Refusal } from '../../domain/failures.ts';
import { judgeOffline } from '../../domain/judge-offline.ts';
import {
  judgeRequest,
  judgeTask,
  readJudgement,
  type JudgeDefinition,
  type JudgeFailure,
  type Judgement,
  type JudgeTask,
} from '../../domain/judge.ts';
import { parseJson } from '../../domain/json.ts';
import { redact } from '../../domain/redact.ts';
import { mistralUpstream, type Upstream, type UpstreamRequest } from '../../mistral/upstream.ts';

/** How long a judgement may take. */
export const JUDGE_TIMEOUT_MS = 60_000;

export interface JudgeOptions {
  /** For the whole judgement, its second attempt included. */
  timeoutMs: number;
  /** Fires when nobody waits for the judgement any more. */
  signal?: AbortSignal;
}

/**
 * Judges a conversation: by the judge's model where chats are answered by Mistral, else by the offline rule of
 * `domain/judge-offline`. Instructions and conversation are checked in the same way either way. Never throws.
 */
export async function judge(
  config: Pick<Config, 'chatBackend' | 'mistralBaseUrl' | 'mistralApiKey'>,
  definition: JudgeDefinition,
  conversation: Conversation,
  options: JudgeOptions,
): Promise<Judgement> {
  const made = judgeTask(definition, conversation);
  if (!made.ok) return made;
  if (config.chatBackend === 'builtin' || config.mistralApiKey === null) {
    return { ok: true, output: judgeOffline(definition, made.task.parts) };
  }
  const mistral = { baseUrl: config.mistralBaseUrl, apiKey: config.mistralApiKey };
  return judgeByModel(mistral, definition, made.task, options);
}

interface Mistral {
  baseUrl: string;
  apiKey: string;
}

/** Models now and then miss the form that was asked for; a second answer is asked for, and not more. */
const ATTEMPTS = 2;

async function judgeByModel(
  { baseUrl, apiKey }: Mistral,
  definition: JudgeDefinition,
  task: JudgeTask,
  { timeoutMs, signal }: JudgeOptions,
): Promise<Judgement> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  const either = AbortSignal.any([late.signal, ...(signal === undefined ? [] : [signal])]);
  const upstream = mistralUpstream(baseUrl, apiKey);
  const body = JSON.stringify(judgeRequest(definition, task));
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const answer = await ask(upstream, apiKey, body, {
        signal: either,
        headersTimeoutMs: timeoutMs,
      });
      if (!answer.ok) return answer;
      const output = readJudgement(answer.body, definition.output);
      if (output !== null) return { ok: true, output };
    }
    return apiError('The model gave no answer of the form that the judge asks for, twice.');
  } catch (error) {
    if (late.signal.aborted || isLate(error)) {
      const message = `The model did not answer within ${timeoutMs} ms.`;
      return { ok: false, code: 'JUDGE_MISTRAL_API_TIMEOUT', message };
    }
    return apiError(
      error instanceof Refusal ? error.failure.message : 'The answer of the Mistral API broke off.',
    );
  } finally {
    clearTimeout(timer);
  }
}

/** The body of a chat completion; undefined when it is no JSON. @param apiKey for it not to be told */
async function ask(
  upstream: Upstream,
  apiKey: string,
  body: string,
  limits: Pick<UpstreamRequest, 'signal' | 'headersTimeoutMs'>,
): Promise<{ ok: true; body: unknown } | JudgeFailure> {
  const headers = new Headers({ 'content-type': 'application/json', accept: 'application/json' });
  const path = '/v1/chat/completions';
  const response = await upstream({ method: 'POST', path, headers, body, ...limits });
  // An upstream may echo the key.
  const text = redact(await response.text(), [apiKey]);
  if (!response.ok) {
    return apiError(`The Mistral API answered ${response.status}: ${text.slice(0, QUOTED)}`);
  }
  return { ok: true, body: parseJson(text) };
}

const QUOTED = 500;

function isLate(error: unknown): boolean {
  return error instanceof Refusal && error.failure.code === 'upstream_timeout';
}

function apiError(message: string): JudgeFailure {
  return { ok: false, code: 'JUDGE_MISTRAL_API_ERROR', message };
}
