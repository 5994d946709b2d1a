import type { MiddlewareHandler } from 'hono';
import { configOf } from '../../config.ts';
import type { AppEnv } from '../context.ts';

/** Puts the typed config into the context; a bad one fails every request with its `ConfigError`. */
export const configured: MiddlewareHandler<AppEnv> = async function configured(c, next) {
  c.set('config', configOf(c.env));
  await next();
};
