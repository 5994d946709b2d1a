import type { MiddlewareHandler } from 'hono';
import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { importBody, planImport } from '../../domain/import-body.ts';
import { startPath } from '../../domain/import-parts.ts';
import { isJsonType } from '../../domain/json.ts';
import { keptCallback } from '../callback.ts';
import type { AppEnv } from '../context.ts';
import { answerStart } from '../import-answer.ts';
import {
  datasetIdOf,
  idempotencyKeyOf,
  importIdFor,
  refuseBadTarget,
  requestHash,
} from '../import-request.ts';
import { clientWith } from '../middleware/auth.ts';
import { jsonBody, notJson, valid } from '../middleware/json-body.ts';
import { invalidFilter } from '../refusals.ts';

/** A callback in the query is for JSONL; beside JSON it would be missed too late. */
const noQuery = z.lazy(() => z.strictObject({}));

/** Rows that are not declared as such come here as well: whoever sends them is told how. */
const jsonOrRows: MiddlewareHandler<AppEnv> = async function jsonOrRows(c, next) {
  if (isJsonType(c.req.header('content-type') ?? '')) return next();
  throw notJson(', or the rows themselves, with `application/jsonl`');
};

/** `POST /datasets/:dataset_id/imports`: starts an import and has an `ImportJob` watch over it. */
export const datasetImportRoutes = new Hono<AppEnv>().post(
  '/:dataset_id/imports',
  clientWith('observability:write'),
  jsonOrRows,
  jsonBody,
  valid('query', noQuery),
  valid('json', importBody, '/where'),
  async (c) => {
    const body = c.req.valid('json');
    const datasetId = datasetIdOf(c);
    const { callback, metadata, source } = body;
    if (callback) refuseBadTarget(c, callback.url, '/callback/url');
    const plan = planImport(body, Date.now());
    if (!plan.ok) throw invalidFilter(plan, '/where');
    const { clientId } = c.get('grant');
    const id = await importIdFor(clientId, idempotencyKeyOf(c));
    const result = await c.env.IMPORT_JOB.getByName(id).start({
      id,
      clientId,
      datasetId,
      source,
      isRelayed: false,
      startPath: startPath(datasetId, source),
      parts: plan.parts,
      search: plan.search,
      requestHash: await requestHash(datasetId, body),
      metadata: metadata ?? {},
      callback: keptCallback(callback),
      origin: new URL(c.req.url).origin,
      headers: {},
    });
    return answerStart(c, id, result, 'where' in body ? body.where : null);
  },
);
