import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { recordContent } from '../datasets.sql.ts';
import { originOf, workspaceOf, type BuiltinEnv } from '../context.ts';
import { signedLink } from '../downloads.ts';
import { datasetNotFound, notFound, observabilityInvalid } from '../errors.ts';
import { anyObject, pageOf, pageQuery, readBody, readQuery, readUuid } from '../validate.ts';
import { recordsBody } from '../records-body.ts';
import { datasetView, pageLinks, paginated, recordView, taskView } from '../views.ts';

const createDataset = z.lazy(() =>
  z.object({
    name: z.string().check(z.minLength(5), z.maxLength(50)),
    description: z.string().check(z.maxLength(200)),
  }),
);
const updateDataset = z.lazy(() =>
  z.object({
    name: z.nullish(z.string()),
    description: z.nullish(z.string()),
  }),
);
const createRecord = z.lazy(() =>
  z.object({ payload: anyObject, properties: z._default(anyObject, {}) }),
);

const EXPORT_LINK_MS = 86_400_000;

const onlyPageQuery = z.lazy(pageQuery);
const listQuery = z.lazy(() => z.extend(pageQuery(), { q: z.nullish(z.string()) }));

const datasetId = (c: Parameters<typeof readUuid>[0]) =>
  readUuid(c, 'dataset_id', observabilityInvalid);

/** `/v1/observability/datasets`: datasets, their records, tasks and exports. */
export const datasetRoutes = new Hono<BuiltinEnv>()
  .get('/', async (c) => {
    const query = readQuery(c, listQuery, observabilityInvalid);
    const page = pageOf(query);
    const workspace = workspaceOf(c.env);
    const [{ datasets, count }, identity] = await Promise.all([
      workspace.datasets.list(page, query.q ?? null),
      workspace.identity(),
    ]);
    const views = datasets.map((dataset) => datasetView(dataset, identity));
    return c.json({ datasets: paginated(views, count, page, c.req.url) });
  })
  .post('/', async (c) => {
    const { name, description } = await readBody(c, createDataset, observabilityInvalid);
    const workspace = workspaceOf(c.env);
    const dataset = await workspace.datasets.create(name, description);
    return c.json(datasetView(dataset, await workspace.identity()), 201);
  })
  .get('/:dataset_id', async (c) => {
    const id = datasetId(c);
    const workspace = workspaceOf(c.env);
    const dataset = await workspace.datasets.get(id);
    if (dataset === null) throw datasetNotFound(id);
    return c.json(datasetView(dataset, await workspace.identity()));
  })
  .patch('/:dataset_id', async (c) => {
    const id = datasetId(c);
    const { name = null, description = null } = await readBody(
      c,
      updateDataset,
      observabilityInvalid,
    );
    const workspace = workspaceOf(c.env);
    const dataset = await workspace.datasets.update(id, { name, description });
    if (dataset === null) throw datasetNotFound(id);
    return c.json(datasetView(dataset, await workspace.identity()));
  })
  .delete('/:dataset_id', async (c) => {
    const id = datasetId(c);
    if (!(await workspaceOf(c.env).datasets.delete(id))) throw datasetNotFound(id);
    return c.body(null, 204);
  })
  .get('/:dataset_id/records', async (c) => {
    const id = datasetId(c);
    const query = readQuery(c, onlyPageQuery, observabilityInvalid);
    const page = pageOf(query);
    const workspace = workspaceOf(c.env);
    const count = await workspace.datasets.countRecords(id);
    if (count === null) throw datasetNotFound(id);
    const links = pageLinks(count, page, c.req.url);
    return c.body(recordsBody(id, page, links, workspace), 200, {
      'content-type': 'application/json',
    });
  })
  .post('/:dataset_id/records', async (c) => {
    const id = datasetId(c);
    const row = await readBody(c, createRecord, observabilityInvalid);
    const content = recordContent(row);
    if ('problem' in content) {
      throw observabilityInvalid([{ type: 'value_error', loc: ['body'], msg: content.problem }]);
    }
    const record = await workspaceOf(c.env).datasets.createRecord(id, content, 'DIRECT_INPUT');
    if (record === null) throw datasetNotFound(id);
    return c.body(recordView(record), 201, { 'content-type': 'application/json' });
  })
  .get('/:dataset_id/tasks', async (c) => {
    const id = datasetId(c);
    const query = readQuery(c, onlyPageQuery, observabilityInvalid);
    const page = pageOf(query);
    const workspace = workspaceOf(c.env);
    const found = await workspace.tasks.list(id, page);
    if (found === null) throw datasetNotFound(id);
    const identity = await workspace.identity();
    const views = found.tasks.map((task) => taskView(task, identity));
    return c.json({ tasks: paginated(views, found.count, page, c.req.url) });
  })
  .get('/:dataset_id/tasks/:task_id', async (c) => {
    const id = datasetId(c);
    const taskId = readUuid(c, 'task_id', observabilityInvalid);
    const workspace = workspaceOf(c.env);
    const task = await workspace.tasks.get(id, taskId);
    if (task === null) {
      if ((await workspace.datasets.get(id)) === null) throw datasetNotFound(id);
      throw notFound('Task', taskId, 'DATASET_TASK_NOT_FOUND');
    }
    return c.json(taskView(task, await workspace.identity()));
  })
  .get('/:dataset_id/exports/to-jsonl', async (c) => {
    const id = datasetId(c);
    const workspace = workspaceOf(c.env);
    const file = await workspace.datasets.export(id);
    if (file === null) throw datasetNotFound(id);
    const expiresAt = Date.now() + EXPORT_LINK_MS;
    return c.json({ file_url: await signedLink(file.id, expiresAt, originOf(c), workspace) });
  });
