import { Hono } from 'hono/tiny';
import { Refusal } from '../../domain/failures.ts';
import { redact } from '../../domain/redact.ts';
import { isEventStream } from '../../domain/sse.ts';
import {
  mistralBody,
  prefersText,
  simpleAnswer,
  simpleChatSchema,
  type SimpleAnswer,
} from '../../domain/simple-chat.ts';
import { upstreamMessage } from '../../mistral/upstream-message.ts';
import { answerChat } from '../chat-answer.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { clientWith } from '../middleware/auth.ts';
import { jsonBody, valid } from '../middleware/json-body.ts';
import { textStream } from '../text-stream.ts';
import { upstreamRefusal } from '../upstream-refusal.ts';

/** `POST /chat`: a chat in few words; answered as JSON, as the upstream's event stream, or as text alone. */
export const chatRoutes = new Hono<AppEnv>().post(
  '/',
  clientWith('chat'),
  jsonBody,
  valid('json', simpleChatSchema),
  async (c) => {
    const chat = c.req.valid('json');
    const asText = prefersText(c.req.header('accept') ?? '');
    const body = mistralBody(chat, c.get('config').defaultModel, asText ? true : null);
    const answer = await answerChat(c, bytesOf(body), body);
    if (!answer.ok) throw await refusalOf(c, answer);
    if (asText) return textAnswer(c, answer);
    if (chat.stream === true) return answer;
    const read = await readAnswer(c, answer);
    return c.json({ ...read, request_id: c.get('requestId') }, 200, headersOf(answer));
  },
);

function bytesOf(body: object): Uint8Array<ArrayBuffer> {
  // An encoder never gives shared memory; its type does not say so.
  return new TextEncoder().encode(JSON.stringify(body)) as Uint8Array<ArrayBuffer>;
}

async function textAnswer(c: AppContext, answer: Response): Promise<Response> {
  const headers = {
    ...headersOf(answer),
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    // Text that the platform compresses for the client is held back until there is much of it.
    'content-encoding': 'identity',
  };
  if (!isEventStream(answer.headers) || answer.body === null) {
    return c.body((await readAnswer(c, answer)).text, 200, headers);
  }
  const { body, done } = textStream(answer.body);
  c.executionCtx.waitUntil(done);
  return c.body(body, 200, headers);
}

/** The upstream's headers that still hold for another body. */
function headersOf(answer: Response): Record<string, string> {
  const {
    'content-type': _,
    'content-disposition': __,
    ...headers
  } = Object.fromEntries(answer.headers);
  return headers;
}

async function readAnswer(c: AppContext, answer: Response): Promise<SimpleAnswer> {
  const { status } = answer;
  const text = await textOf(c, answer);
  const read = simpleAnswer(text);
  if (read !== null) return read;
  throw new Refusal({
    code: 'upstream_error',
    message: 'The Mistral API answered with no chat that can be read.',
    upstream: { status, body: text.slice(0, 4096) },
  });
}

async function refusalOf(c: AppContext, answer: Response): Promise<Refusal> {
  const body = await textOf(c, answer);
  const retryAfter = answer.headers.get('retry-after');
  return upstreamRefusal({
    status: answer.status,
    message: upstreamMessage(body),
    body,
    retryAfter,
  });
}

/** The body, without the upstream's key should it echo that. @throws {Refusal} when the body breaks off */
async function textOf(c: AppContext, answer: Response): Promise<string> {
  const { status } = answer;
  try {
    return redact(await answer.text(), c.get('config').secrets);
  } catch {
    throw new Refusal({
      code: 'upstream_error',
      message: 'The answer of the Mistral API broke off.',
      upstream: { status, body: '' },
    });
  }
}
