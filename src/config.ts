import * as z from 'zod/mini';
import { DEFAULT_RETRY_S } from './domain/retry.ts';
import './platform/schema-messages.ts';

const integer = (fallback: number, min: number, max = Number.MAX_SAFE_INTEGER) =>
  z._default(
    z.pipe(
      z.transform((value) => (isBlank(value) ? fallback : Number(value))),
      z.int(`must be a whole number, ${min} or more`).check(z.minimum(min), z.maximum(max)),
    ),
    fallback,
  );

const choice = <const T extends readonly [string, ...string[]]>(values: T, fallback: T[number]) =>
  z.pipe(
    z.transform((value) => (isBlank(value) ? fallback : value)),
    z.enum(values),
  );

const isBlank = (value: unknown) => value === undefined || value === null || value === '';

const blankAsAbsent = (value: unknown) => (isBlank(value) ? undefined : value);

const seconds = () =>
  z.pipe(
    z
      .pipe(z.transform(blankAsAbsent), z.optional(z.string()))
      .check(
        z.refine(
          (text) =>
            text === undefined || /^\s*\d+(?:\.\d+)?\s*(?:,\s*\d+(?:\.\d+)?\s*)*$/.test(text),
          { error: 'must be seconds separated by commas, such as 0,5,300' },
        ),
      ),
    z.transform((text) => (text === undefined ? DEFAULT_RETRY_S : text.split(',').map(Number))),
  );

/** Built where it is used, once per isolate: at the top level it would add to the start-up time. */
const buildSchema = () =>
  z.object({
    MISTRAL_BASE_URL: z.pipe(
      z.transform((value) => (isBlank(value) ? 'https://api.mistral.ai' : value)),
      z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }),
    ),
    MISTRAL_API_KEY: z.pipe(z.transform(blankAsAbsent), z.optional(z.string())),
    CHAT_BACKEND: choice(['auto', 'mistral', 'builtin'], 'auto'),
    OBSERVABILITY_BACKEND: choice(['auto', 'mistral', 'builtin'], 'auto'),
    ADMIN_KEY: z.pipe(
      z.transform(blankAsAbsent),
      z.string('is missing: set it with `wrangler secret put ADMIN_KEY`, or in .dev.vars'),
    ),
    DEFAULT_MODEL: z.pipe(
      z.transform((value) => (isBlank(value) ? 'mistral-small-latest' : value)),
      z.string('must be the name of a model'),
    ),
    CORS_ORIGINS: z.pipe(
      z.pipe(
        z.transform((value) => value ?? ''),
        z.string(),
      ),
      z.transform((text) =>
        text
          .split(',')
          .map((origin) => origin.trim().replace(/\/+$/, ''))
          .filter((origin) => origin !== ''),
      ),
    ),
    MAX_BODY_BYTES: integer(10_485_760, 1),
    POLL_MIN_MS: integer(1000, 1),
    POLL_MAX_MS: integer(30_000, 1),
    IMPORT_DEADLINE_MS: integer(86_400_000, 1),
    WEBHOOK_RETRY_S: seconds(),
    WEBHOOK_TIMEOUT_MS: integer(15_000, 1, 300_000),
    CALLBACK_ALLOW_PRIVATE: choice(['true', 'false'], 'false'),
    STREAM_HEARTBEAT_MS: integer(15_000, 1),
    STREAM_IDLE_TIMEOUT_MS: integer(300_000, 1),
    UPSTREAM_HEADERS_TIMEOUT_MS: integer(120_000, 1),
    CAPTURE: choice(['on', 'off'], 'on'),
    RETENTION_DAYS: z.pipe(
      z.transform((value) => (isBlank(value) ? 30 : Number(value))),
      z.number('must be a number of days').check(z.minimum(0), z.maximum(3650)),
    ),
  });

type Backend = 'mistral' | 'builtin';

/** What the Worker runs with; times in milliseconds unless a name says otherwise. */
export interface Config {
  mistralBaseUrl: string;
  mistralApiKey: string | null;
  /** What must not occur in any log, answer or message, should an upstream or a receiver echo it. */
  secrets: readonly string[];
  chatBackend: Backend;
  observabilityBackend: Backend;
  adminKey: string;
  /** The model of `POST /chat` when none is named. */
  defaultModel: string;
  corsOrigins: string[];
  maxBodyBytes: number;
  pollMinMs: number;
  pollMaxMs: number;
  importDeadlineMs: number;
  webhookRetryS: readonly number[];
  webhookTimeoutMs: number;
  callbackAllowPrivate: boolean;
  streamHeartbeatMs: number;
  streamIdleTimeoutMs: number;
  upstreamHeadersTimeoutMs: number;
  /** Whether chats are recorded as events of the built-in backend. */
  capture: boolean;
  retentionMs: number;
}

/** Names every var that is missing or wrong; values stay out of it, because some are secrets. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads vars and secrets into a {@link Config}.
 * @throws {ConfigError} when a value is missing or wrong.
 */
export function parseConfig(vars: object): Config {
  const parsed = buildSchema().safeParse({ ...vars });
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
    throw new ConfigError(`Configuration: ${problems.join('; ')}`);
  }
  const raw = parsed.data;
  if (raw.POLL_MAX_MS < raw.POLL_MIN_MS) {
    throw new ConfigError('Configuration: POLL_MAX_MS must not be below POLL_MIN_MS');
  }
  const key = raw.MISTRAL_API_KEY ?? null;
  const resolve = (name: string, choice: 'auto' | Backend): Backend => {
    if (choice === 'mistral' && key === null) {
      throw new ConfigError(`Configuration: ${name}=mistral needs MISTRAL_API_KEY`);
    }
    return choice === 'auto' ? (key === null ? 'builtin' : 'mistral') : choice;
  };
  return {
    mistralBaseUrl: raw.MISTRAL_BASE_URL.replace(/\/+$/, ''),
    mistralApiKey: key,
    secrets: key === null ? [raw.ADMIN_KEY] : [raw.ADMIN_KEY, key],
    chatBackend: resolve('CHAT_BACKEND', raw.CHAT_BACKEND),
    observabilityBackend: resolve('OBSERVABILITY_BACKEND', raw.OBSERVABILITY_BACKEND),
    adminKey: raw.ADMIN_KEY,
    defaultModel: raw.DEFAULT_MODEL,
    corsOrigins: raw.CORS_ORIGINS,
    maxBodyBytes: raw.MAX_BODY_BYTES,
    pollMinMs: raw.POLL_MIN_MS,
    pollMaxMs: raw.POLL_MAX_MS,
    importDeadlineMs: raw.IMPORT_DEADLINE_MS,
    webhookRetryS: raw.WEBHOOK_RETRY_S,
    webhookTimeoutMs: raw.WEBHOOK_TIMEOUT_MS,
    callbackAllowPrivate: raw.CALLBACK_ALLOW_PRIVATE === 'true',
    streamHeartbeatMs: raw.STREAM_HEARTBEAT_MS,
    streamIdleTimeoutMs: raw.STREAM_IDLE_TIMEOUT_MS,
    upstreamHeadersTimeoutMs: raw.UPSTREAM_HEADERS_TIMEOUT_MS,
    capture: raw.CAPTURE === 'on',
    retentionMs: raw.RETENTION_DAYS * 86_400_000,
  };
}

const parsedOnce = new WeakMap<object, Config>();

/** The {@link Config} of an environment, parsed once per isolate. */
export function configOf(env: object): Config {
  let config = parsedOnce.get(env);
  if (config === undefined) {
    config = parseConfig(env);
    parsedOnce.set(env, config);
  }
  return config;
}
