import { Refusal } from '../domain/failures.ts';
import { redact } from '../domain/redact.ts';
import {
  ObservabilityClient,
  type ObservabilityAnswer,
  type ObservabilityCall,
} from '../mistral/observability.ts';
import { readText } from '../mistral/read-text.ts';
import { observabilityUpstream } from '../relay/backends.ts';
import { openUpstream } from '../relay/open.ts';
import { callerOf, type AppContext } from './context.ts';
import { observabilityRefusal } from './upstream-refusal.ts';

/** An answer is held in memory, of which there are 128 MB. */
const MAX_ANSWER_BYTES = 32_000_000;

const MAX_ERROR_BYTES = 65_536;

/**
 * The observability API for one request, from the backend that serves it. What only reads is asked again where the
 * relay would; every failure is a `Refusal` with the upstream's own words; the upstream's key is struck out of whatever
 * it answers; when the client leaves, the upstream is closed.
 */
export function observabilityOf(c: AppContext): ObservabilityClient {
  return new ObservabilityClient((call) => ask(c, call));
}

async function ask(c: AppContext, call: ObservabilityCall): Promise<ObservabilityAnswer> {
  const config = c.get('config');
  const upstream = observabilityUpstream(config, c.env, callerOf(c));
  const timeoutMs = config.upstreamHeadersTimeoutMs;
  const { method, path, body, isRead, filterAlone = false } = call;
  const headers = new Headers({ accept: 'application/json' });
  if (body !== undefined) headers.set('content-type', 'application/json');
  const request = {
    method,
    path,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
    signal: c.req.raw.signal,
  };
  const { answer, upstreamMs } = await openUpstream(upstream, request, timeoutMs, isRead);
  c.set('upstreamMs', upstreamMs);
  const { status } = answer;
  const read = await readText(answer, answer.ok ? MAX_ANSWER_BYTES : MAX_ERROR_BYTES, timeoutMs);
  const text = redact(read.text, config.secrets);
  if (!answer.ok) {
    throw observabilityRefusal({
      status,
      body: text,
      retryAfter: answer.headers.get('retry-after'),
      filterAlone,
    });
  }
  switch (read.end) {
    case 'whole':
      return { status, text };
    case 'silent':
      throw new Refusal({
        code: 'upstream_timeout',
        message: `The Mistral API fell silent for ${timeoutMs} ms in the middle of its answer.`,
      });
    case 'broken':
      throw new Refusal({
        code: 'upstream_error',
        message: 'The answer of the Mistral API broke off.',
        upstream: { status, body: '' },
      });
    case 'too_large':
      throw new Refusal({
        code: 'invalid_request',
        message: `The answer is larger than ${MAX_ANSWER_BYTES} bytes. Ask for less: a smaller limit, or a narrower search.`,
      });
  }
}
