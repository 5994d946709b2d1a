import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { isObject, type JsonObject } from '../../domain/json.ts';
import { OBSERVABILITY_PREFIX } from '../../mistral/errors.ts';
import type { AppEnv } from '../context.ts';
import { datasetIdOf } from '../import-request.ts';
import { pageFields } from '../list-query.ts';
import { clientWith } from '../middleware/auth.ts';
import { jsonBody, valid } from '../middleware/json-body.ts';
import { linkNext } from '../next-link.ts';
import { observabilityOf } from '../observability.ts';

/** An object with any content, handed on as it was parsed: keys such as `__proto__` stay. */
const anyObject = () =>
  z.custom<JsonObject>(isObject, { error: 'must be an object', abort: false });

/** The query of `GET /datasets/:dataset_id/records`. */
export const recordsQuery = z.lazy(() => z.strictObject(pageFields()));

/** The body of `POST /datasets/:dataset_id/records`. */
export const newRecordBody = z.lazy(() =>
  z
    .strictObject({
      messages: z.optional(z.array(anyObject())),
      payload: z.optional(anyObject()),
      properties: z._default(anyObject(), {}),
    })
    .check(
      z.refine(
        (body: unknown) => !isObject(body) || has(body, 'payload') || has(body, 'messages'),
        {
          ...always,
          path: ['messages'],
          error: 'is missing: send messages, or a payload',
        },
      ),
      z.refine(
        (body: unknown) => !isObject(body) || !has(body, 'payload') || !has(body, 'messages'),
        {
          ...always,
          path: ['payload'],
          error: 'cannot stand beside messages: send one of the two',
        },
      ),
    ),
);

/** Holds for every mistake to be told at once: zod would leave a rule of the whole out after one of a part. */
const always = { when: () => true };

function has(body: JsonObject, field: 'payload' | 'messages'): boolean {
  return body[field] !== undefined;
}

/** `/datasets/:dataset_id/records`: the records of a dataset, the oldest first. */
export const datasetRecordRoutes = new Hono<AppEnv>()
  .get(
    '/:dataset_id/records',
    clientWith('observability:read'),
    valid('query', recordsQuery),
    async (c) => {
      const page = c.req.valid('query');
      const found = await observabilityOf(c).listRecords(datasetIdOf(c), page);
      linkNext(c, 'page', found.nextPage);
      return c.json({ records: found.items, count: found.count, next_page: found.nextPage });
    },
  )
  .post(
    '/:dataset_id/records',
    clientWith('observability:write'),
    jsonBody,
    valid('json', newRecordBody),
    async (c) => {
      const { messages, payload, properties } = c.req.valid('json');
      const content = payload ?? { messages };
      const record = await observabilityOf(c).createRecord(datasetIdOf(c), content, properties);
      // A record by itself is read where the API has it.
      const location = `${OBSERVABILITY_PREFIX}dataset-records/${record.id}`;
      return c.json(record, 201, { location });
    },
  );
