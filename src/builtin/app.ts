import { Hono } from 'hono/tiny';
import { mistralError, observabilityError, OBSERVABILITY_PREFIX } from '../mistral/errors.ts';
import type { Upstream } from '../mistral/upstream.ts';
import type { BuiltinEnv } from './context.ts';
import { BuiltinError } from './errors.ts';
import { campaignRoutes } from './routes/campaigns.ts';
import { chatRoutes } from './routes/chat.ts';
import { datasetImportRoutes } from './routes/dataset-imports.ts';
import { datasetRecordRoutes } from './routes/dataset-records.ts';
import { datasetRoutes } from './routes/datasets.ts';
import { eventRoutes } from './routes/events.ts';
import { fieldRoutes } from './routes/fields.ts';
import { fileRoutes } from './routes/files.ts';
import { judgeRoutes } from './routes/judges.ts';
import { liveJudgingRoutes } from './routes/live-judging.ts';
import { modelRoutes } from './routes/models.ts';

const CORRELATION_ID = 'mistral-correlation-id';

/** The built-in backend: the paths of the Mistral API that it serves. */
const builtin = new Hono<BuiltinEnv>()
  // The tiny preset's router takes a path and the same with a slash for one; the API does not.
  .use((c, next) => (c.req.path.endsWith('/') ? Promise.resolve(c.notFound()) : next()))
  .route('/v1/chat', chatRoutes)
  .route('/v1/models', modelRoutes)
  .route('/v1/files', fileRoutes)
  .route('/v1/observability/datasets', datasetRoutes)
  .route('/v1/observability/datasets', datasetImportRoutes)
  .route('/v1/observability/dataset-records', datasetRecordRoutes)
  .route('/v1/observability/campaigns', campaignRoutes)
  .route('/v1/observability/judges', judgeRoutes)
  .route('/v1/observability/chat-completion-events', liveJudgingRoutes)
  .route('/v1/observability/chat-completion-events', eventRoutes)
  .route('/v1/observability/chat-completion-fields', fieldRoutes)
  .notFound((c) => {
    const message = `The built-in backend does not offer ${c.req.method} ${c.req.path}.`;
    return c.req.path.startsWith(OBSERVABILITY_PREFIX)
      ? c.json(observabilityError(message, 'FEATURE_NOT_SUPPORTED'), 404)
      : c.json(mistralError(message, 'not_found'), 404);
  })
  .onError((error, c) => {
    if (error instanceof BuiltinError) return c.json(error.body, error.status);
    throw error;
  });

/**
 * The built-in backend as an upstream.
 * @param origin scheme, host and port for the links in its answers
 * @param requestId becomes the answer's `mistral-correlation-id`
 */
export function builtinUpstream(env: Env, origin: string, requestId: string): Upstream {
  return async function answer({ method, path, headers, body, signal }) {
    const request = new Request(origin + path, { method, headers, body, signal });
    const response = await builtin.fetch(request, env);
    const answered = new Response(response.body, response);
    answered.headers.set(CORRELATION_ID, requestId);
    return answered;
  };
}
