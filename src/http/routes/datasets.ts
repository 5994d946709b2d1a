import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import type { AppEnv } from '../context.ts';
import { datasetIdOf } from '../import-request.ts';
import { pageFields } from '../list-query.ts';
import { clientWith } from '../middleware/auth.ts';
import { jsonBody, valid } from '../middleware/json-body.ts';
import { linkNext } from '../next-link.ts';
import { observabilityOf } from '../observability.ts';

const name = () => z.string().check(z.minLength(5), z.maxLength(50));
const description = () => z.string().check(z.maxLength(200));

/** The query of `GET /datasets`; `q` is part of a name. */
export const datasetsQuery = z.lazy(() =>
  z.strictObject({ ...pageFields(), q: z.optional(z.string()) }),
);

/** The body of `POST /datasets`. */
export const newDatasetBody = z.lazy(() =>
  z.strictObject({ name: name(), description: z._default(description(), '') }),
);

/** The body of `PATCH /datasets/:dataset_id`. */
export const datasetChangeBody = z.lazy(() =>
  z
    .strictObject({ name: z.optional(name()), description: z.optional(description()) })
    .check(z.refine((body) => Object.keys(body).length > 0, 'must have a name or a description')),
);

const reader = clientWith('observability:read');
const writer = clientWith('observability:write');

/** `/datasets`: the datasets of the workspace. */
export const datasetRoutes = new Hono<AppEnv>()
  .get('/', reader, valid('query', datasetsQuery), async (c) => {
    const { q, ...page } = c.req.valid('query');
    const { items, count, nextPage } = await observabilityOf(c).listDatasets(page, q || null);
    linkNext(c, 'page', nextPage);
    return c.json({ datasets: items, count, next_page: nextPage });
  })
  .post('/', writer, jsonBody, valid('json', newDatasetBody), async (c) => {
    const { name, description } = c.req.valid('json');
    const dataset = await observabilityOf(c).createDataset(name, description);
    return c.json(dataset, 201, { location: `/datasets/${dataset.id}` });
  })
  .get('/:dataset_id', reader, async (c) =>
    c.json(await observabilityOf(c).fetchDataset(datasetIdOf(c))),
  )
  .patch('/:dataset_id', writer, jsonBody, valid('json', datasetChangeBody), async (c) => {
    const change = c.req.valid('json');
    return c.json(await observabilityOf(c).updateDataset(datasetIdOf(c), change));
  })
  .delete('/:dataset_id', writer, async (c) => {
    await observabilityOf(c).deleteDataset(datasetIdOf(c));
    return c.body(null, 204);
  });
