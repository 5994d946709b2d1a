import { Refusal } from '../domain/failures.ts';
import type { AppContext } from './context.ts';

/** The object of the hook in the path. @throws {Refusal} 404 for what cannot be the id of one */
export function hookOf(c: AppContext) {
  const id = c.req.param('id') ?? '';
  if (!/^hook_[A-Za-z0-9_-]{22}$/.test(id)) throw noSuchHook();
  return c.env.HOOK.getByName(id);
}

/** The object that knows which client has which hooks. */
export function hookRegistry(env: Env) {
  return env.REGISTRY.getByName('hooks');
}

/** There is no hook of this id, or it is another client's. */
export function noSuchHook(): Refusal {
  return new Refusal({ code: 'not_found', message: 'There is no such hook.' });
}

/** Deletes all hooks of a client. */
export async function deleteHooksOf(env: Env, clientId: string): Promise<void> {
  const registry = hookRegistry(env);
  for (;;) {
    const page = await registry.list(clientId, 100, null);
    if (page === 'bad_cursor' || page.ids.length === 0) return;
    for (const id of page.ids) {
      await env.HOOK.getByName(id).remove(clientId);
      await registry.remove(id);
    }
  }
}
