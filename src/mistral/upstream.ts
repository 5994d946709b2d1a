import { connect } from 'cloudflare:sockets';
import { Refusal } from '../domain/failures.ts';
import { abortWith } from '../platform/abort.ts';
import { within } from '../platform/within.ts';

/** A request to a Mistral API, wherever it is served. */
export interface UpstreamRequest {
  method: string;
  /** Path and query, as the client sent them, beginning with `/v1/`. */
  path: string;
  /** Without `authorization`: the upstream adds its own. */
  headers: Headers;
  body: BodyInit | null;
  /** Fires when nobody waits for the answer any more. */
  signal: AbortSignal;
  /** No headers by then: `upstream_timeout`. */
  headersTimeoutMs: number;
}

/**
 * Something that answers as the Mistral API does: Mistral itself, or the built-in backend.
 * Throws {@link Refusal} when there is no answer: `upstream_unavailable`, `upstream_timeout`, `upstream_error`.
 */
export type Upstream = (request: UpstreamRequest) => Promise<Response>;

/** Mistral over the network. Redirects are handed on, not followed: the key must not go elsewhere. */
export function mistralUpstream(baseUrl: string, apiKey: string): Upstream {
  return function mistral({ path, headers, ...request }) {
    const sent = new Headers(headers);
    sent.set('authorization', `Bearer ${apiKey}`);
    return openUrl(baseUrl + path, { ...request, headers: sent });
  };
}

/**
 * Asks a URL of Mistral's as the request says, with no key but what its headers hold. Redirects are not followed.
 * @throws {Refusal} when there is no answer, as {@link Upstream}
 */
export async function openUrl(
  url: string,
  { method, headers, body, signal, headersTimeoutMs }: Omit<UpstreamRequest, 'path'>,
): Promise<Response> {
  const abort = abortWith(signal);
  let late = false;
  // AbortSignal.timeout would also cut a body that is being read; this one ends with the headers.
  const timer = setTimeout(() => {
    late = true;
    abort.abort();
  }, headersTimeoutMs);
  try {
    return await fetch(url, { method, headers, body, redirect: 'manual', signal: abort.signal });
  } catch (error) {
    if (late) throw new Refusal(noHeadersInTime(headersTimeoutMs));
    if (signal.aborted) throw error;
    throw new Refusal((await isListening(url)) ? NOT_HTTP : UNREACHABLE);
  } finally {
    clearTimeout(timer);
  }
}

const noHeadersInTime = (timeoutMs: number) => ({
  code: 'upstream_timeout' as const,
  message: `The Mistral API sent no answer within ${timeoutMs} ms.`,
});

const UNREACHABLE = {
  code: 'upstream_unavailable' as const,
  message: 'The Mistral API cannot be reached.',
};

const NOT_HTTP = {
  code: 'upstream_error' as const,
  message: 'The Mistral API answered with something that is not HTTP.',
};

const PROBE_TIMEOUT_MS = 1000;

/**
 * Whether anything takes a connection where the API should be. workerd throws the same error for nobody there and
 * for an answer that is not HTTP; a bare connection tells them apart.
 */
async function isListening(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const socket = connect({ hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) });
  const isOpen = await within(socket.opened, PROBE_TIMEOUT_MS).then(
    () => true,
    () => false,
  );
  socket.close().catch(() => undefined);
  return isOpen;
}
