import type { Context } from 'hono';
import type { Workspace } from './workspace.ts';

/** What the handlers of the built-in backend find in Hono's context. */
export interface BuiltinEnv {
  Bindings: Env;
}

/** The workspace that all clients share, as they share one Mistral key. */
export const WORKSPACE_NAME = 'default';

/** The object of the workspace {@link WORKSPACE_NAME}. */
export function workspaceOf(env: Env): DurableObjectStub<Workspace> {
  return env.WORKSPACE.getByName(WORKSPACE_NAME);
}

/** Scheme, host and port under which the caller reached Windsock. */
export function originOf(c: Context<BuiltinEnv>): string {
  return new URL(c.req.url).origin;
}
