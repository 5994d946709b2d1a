import { builtinUpstream } from '../builtin/app.ts';
import type { Config } from '../config.ts';
import { OBSERVABILITY_PREFIX } from '../mistral/errors.ts';
import { ImportsClient } from '../mistral/imports.ts';
import { mistralUpstream, type Upstream } from '../mistral/upstream.ts';

/** Who asks, for the upstream's sake. */
export interface Caller {
  /** Scheme, host and port under which Windsock was reached, for links in answers. */
  origin: string;
  requestId: string;
}

// Files belong to the backend that imports them and that writes exports.
const FILES_PATH = /^\/v1\/files(?:\/|$)/;

/** Whether a `/v1` path belongs to the observability backend; chat and all else go with the chat backend. */
function isObservabilityPath(path: string): boolean {
  return path.startsWith(OBSERVABILITY_PREFIX) || FILES_PATH.test(path);
}

/** The upstream that serves observability and files. */
export function observabilityUpstream(config: Config, env: Env, caller: Caller): Upstream {
  return choose(config.observabilityBackend, config, env, caller);
}

/** What an import needs of the upstream that serves observability. */
export function importsClient(config: Config, env: Env, caller: Caller): ImportsClient {
  const upstream = observabilityUpstream(config, env, caller);
  return new ImportsClient(upstream, config.upstreamHeadersTimeoutMs, config.secrets);
}

/** The upstream that serves a `/v1` path. @param path as `plainPath` gives it */
export function upstreamFor(path: string, config: Config, env: Env, caller: Caller): Upstream {
  return isObservabilityPath(path)
    ? observabilityUpstream(config, env, caller)
    : choose(config.chatBackend, config, env, caller);
}

function choose(
  backend: Config['chatBackend'],
  config: Config,
  env: Env,
  caller: Caller,
): Upstream {
  if (backend === 'builtin' || config.mistralApiKey === null) {
    return builtinUpstream(env, caller.origin, caller.requestId);
  }
  return mistralUpstream(config.mistralBaseUrl, config.mistralApiKey);
}
