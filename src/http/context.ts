import type { Context } from 'hono';
import type { Config } from '../config.ts';
import type { Caller } from '../relay/backends.ts';
import type { KeyGrant } from '../store/clients.ts';

/** What handlers find in Hono's context. */
export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    config: Config;
    /** Set where a client key was asked for. */
    grant: KeyGrant;
    /** Time until the upstream's headers, where there was an upstream. */
    upstreamMs: number;
  };
}

export type AppContext = Context<AppEnv>;

/** Who asks, as an upstream is told. */
export function callerOf(c: AppContext): Caller {
  return { origin: new URL(c.req.url).origin, requestId: c.get('requestId') };
}
