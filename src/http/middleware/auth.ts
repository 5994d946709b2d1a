import type { MiddlewareHandler } from 'hono';
import { Refusal } from '../../domain/failures.ts';
import type { Scope } from '../../domain/scopes.ts';
import { equalInConstantTime } from '../../platform/crypto.ts';
import { Clients } from '../../store/clients.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { withinRateLimit } from './rate-limit.ts';

const KEY_FORM = /^wsk_[A-Za-z0-9_-]{43}$/;

/**
 * Admits the bearer of a client key with a scope.
 * @param scope the scope, or how to tell it from the request; with null any key will do
 */
export function clientWith(
  scope: Scope | null | ((c: AppContext) => Scope),
): MiddlewareHandler<AppEnv> {
  return async function clientAuth(c, next) {
    await admitClient(c, typeof scope === 'function' ? scope(c) : scope);
    await next();
  };
}

/**
 * Admits the bearer of a client key with a scope, within the client's rate limit, and puts what the key grants into the
 * context. By itself for a handler that leaves some requests to the next one, which admits them.
 * @throws {Refusal} `unauthorized`, `rate_limited` or `forbidden`
 */
export async function admitClient(c: AppContext, scope: Scope | null): Promise<void> {
  const key = bearerOf(c);
  if (key === null || !KEY_FORM.test(key)) throw unauthorized('a client key (wsk_…)');
  const grant = await new Clients(c.env.KV).grantOf(key, Date.now());
  if (grant === null) throw unauthorized('a client key that is known and has not expired');
  await withinRateLimit(c.env.RATE_LIMITER, grant);
  if (scope !== null && !grant.scopes.includes(scope)) {
    const message = `This key lacks the scope ${scope}. PATCH /admin/clients/:id can add it.`;
    throw new Refusal({ code: 'forbidden', message });
  }
  c.set('grant', grant);
}

/** Admits the bearer of `ADMIN_KEY`. */
export const admin: MiddlewareHandler<AppEnv> = async function adminAuth(c, next) {
  const key = bearerOf(c);
  if (key === null || !(await equalInConstantTime(key, c.get('config').adminKey))) {
    throw unauthorized('the ADMIN_KEY');
  }
  await next();
};

function bearerOf(c: AppContext): string | null {
  return /^Bearer +(\S+)\s*$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? null;
}

function unauthorized(what: string): Refusal {
  const message = `Send \`authorization: Bearer …\` with ${what}.`;
  return new Refusal({
    code: 'unauthorized',
    message,
    headers: { 'www-authenticate': 'Bearer' },
  });
}
