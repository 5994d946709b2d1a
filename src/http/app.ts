import { Hono } from 'hono/tiny';
import { methodNotAllowed as onlyKnownMethods } from 'hono/method-not-allowed';
import { DOWNLOADS_PATH } from '../builtin/downloads.ts';
import type { AppEnv } from './context.ts';
import { configured } from './middleware/configured.ts';
import { cors } from './middleware/cors.ts';
import { observe } from './middleware/observe.ts';
import { requestId } from './middleware/request-id.ts';
import { answerError, methodNotAllowed, notFound } from './refusals.ts';
import { adminClientRoutes } from './routes/admin-clients.ts';
import { adminSampleRoutes } from './routes/admin-samples.ts';
import { chatRoutes } from './routes/chat.ts';
import { datasetExportRoutes } from './routes/dataset-export.ts';
import { datasetImportRoutes } from './routes/dataset-imports.ts';
import { datasetRecordRoutes } from './routes/dataset-records.ts';
import { datasetRoutes } from './routes/datasets.ts';
import { downloadRoutes } from './routes/downloads.ts';
import { eventRoutes } from './routes/events.ts';
import { healthRoutes } from './routes/health.ts';
import { hookCallRoutes } from './routes/hook-calls.ts';
import { hookRoutes } from './routes/hooks.ts';
import { importRoutes, redeliverRoutes } from './routes/imports.ts';
import { jsonlImportRoutes } from './routes/jsonl-imports.ts';
import { docsRoutes, openApiRoutes } from './routes/openapi.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { usageRoutes } from './routes/usage.ts';
import { v1ImportRoutes } from './routes/v1-imports.ts';
import { v1Routes } from './routes/v1.ts';
import { webhookRoutes } from './routes/webhooks.ts';

/** The map of the service: what every request passes, and which file serves which path. */
export const app = new Hono<AppEnv>();

app.use(requestId, observe, configured, cors);
app.use(onlyKnownMethods({ app, onMethodNotAllowed: methodNotAllowed }));

app.route('/health', healthRoutes);
app.route('/openapi.json', openApiRoutes);
app.route('/docs', docsRoutes);
app.route('/admin/clients', adminClientRoutes);
app.route('/admin/samples', adminSampleRoutes);
// What it does not track it leaves to the next.
app.route('/v1', v1ImportRoutes);
app.route('/v1', v1Routes);
app.route('/chat', chatRoutes);
app.route('/events', eventRoutes);
app.route('/datasets', datasetRoutes);
app.route('/datasets', datasetRecordRoutes);
app.route('/datasets', datasetExportRoutes);
// What is not JSONL it leaves to the next.
app.route('/datasets', jsonlImportRoutes);
app.route('/datasets', datasetImportRoutes);
// Before the others, which ask for the scope to read of whatever comes to them.
app.route('/imports', redeliverRoutes);
app.route('/imports', importRoutes);
app.route('/hooks', hookRoutes);
app.route('/hooks', hookCallRoutes);
app.route('/schedules', scheduleRoutes);
app.route('/webhooks', webhookRoutes);
app.route('/usage', usageRoutes);
app.route(DOWNLOADS_PATH, downloadRoutes);

app.notFound(notFound);
app.onError(answerError);
