import { Hono } from 'hono';
import * as z from 'zod';
import { fitsInRecord, MAX_RECORD_BYTES } from '../datasets.sql.ts';
import { originOf, workspaceOf, type BuiltinEnv } from '../context.ts';
import { signedLink } from '../downloads.ts';
import { notFound, observabilityInvalid } from '../errors.ts';
import { pageQuery, readBody, readQuery, readUuid } from '../validate.ts';
import { datasetView, paginated, recordView, taskView } from '../views.ts';

const object = z.record(z.string(), z.unknown());

const createDataset = z.object({
  name: z.string().min(5).max(50),
  description: z.string().max(200),
});
const updateDataset = z.object({
  name: z.string().nullish(),
  description: z.string().nullish(),
});
const createRecord = z.object({ payload: object, properties: object.default({}) });
const importFromFile = z.object({ file_id: z.string() });

const EXPORT_LINK_MS = 86_400_000;

const datasetNotFound = (id: string) => notFound('Dataset', id, 'DATASET_NOT_FOUND');

const datasetId = (c: Parameters<typeof readUuid>[0]) =>
  readUuid(c, 'dataset_id', observabilityInvalid);

/** `/v1/observability/datasets`: datasets, their records, from-file imports, tasks and exports. */
export const datasetRoutes = new Hono<BuiltinEnv>()
  .get('/', async (c) => {
    const query = readQuery(c, pageQuery.extend({ q: z.string().nullish() }), observabilityInvalid);
    const page = { page: query.page, pageSize: query.page_size };
    const workspace = workspaceOf(c.env);
    const [{ datasets, count }, identity] = await Promise.all([
      workspace.listDatasets(page, query.q ?? null),
      workspace.identity(),
    ]);
    const views = datasets.map((dataset) => datasetView(dataset, identity));
    return c.json({ datasets: paginated(views, count, page, c.req.path) });
  })
  .post('/', async (c) => {
    const { name, description } = await readBody(c, createDataset, observabilityInvalid);
    const workspace = workspaceOf(c.env);
    const dataset = await workspace.createDataset(name, description);
    return c.json(datasetView(dataset, await workspace.identity()), 201);
  })
  .get('/:dataset_id', async (c) => {
    const id = datasetId(c);
    const workspace = workspaceOf(c.env);
    const dataset = await workspace.getDataset(id);
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
    const dataset = await workspace.updateDataset(id, { name, description });
    if (dataset === null) throw datasetNotFound(id);
    return c.json(datasetView(dataset, await workspace.identity()));
  })
  .delete('/:dataset_id', async (c) => {
    const id = datasetId(c);
    if (!(await workspaceOf(c.env).deleteDataset(id))) throw datasetNotFound(id);
    return c.body(null, 204);
  })
  .get('/:dataset_id/records', async (c) => {
    const id = datasetId(c);
    const query = readQuery(c, pageQuery, observabilityInvalid);
    const page = { page: query.page, pageSize: query.page_size };
    const found = await workspaceOf(c.env).listRecords(id, page);
    if (found === null) throw datasetNotFound(id);
    const views = found.records.map(recordView);
    return c.json({ records: paginated(views, found.count, page, c.req.path) });
  })
  .post('/:dataset_id/records', async (c) => {
    const id = datasetId(c);
    const row = await readBody(c, createRecord, observabilityInvalid);
    if (!fitsInRecord(row)) {
      const msg = `A record has at most ${MAX_RECORD_BYTES} bytes`;
      throw observabilityInvalid([{ type: 'too_long', loc: ['body'], msg }]);
    }
    const record = await workspaceOf(c.env).createRecord(id, row, 'DIRECT_INPUT');
    if (record === null) throw datasetNotFound(id);
    return c.json(recordView(record), 201);
  })
  .post('/:dataset_id/imports/from-file', async (c) => {
    const id = datasetId(c);
    const { file_id } = await readBody(c, importFromFile, observabilityInvalid);
    const workspace = workspaceOf(c.env);
    const task = await workspace.startFileImport(id, file_id);
    if (task === null) throw datasetNotFound(id);
    if (task === 'no_file') throw notFound('File', file_id, null);
    return c.json(taskView(task, await workspace.identity()), 202);
  })
  .get('/:dataset_id/tasks', async (c) => {
    const id = datasetId(c);
    const query = readQuery(c, pageQuery, observabilityInvalid);
    const page = { page: query.page, pageSize: query.page_size };
    const workspace = workspaceOf(c.env);
    const found = await workspace.listTasks(id, page);
    if (found === null) throw datasetNotFound(id);
    const identity = await workspace.identity();
    const views = found.tasks.map((task) => taskView(task, identity));
    return c.json({ tasks: paginated(views, found.count, page, c.req.path) });
  })
  .get('/:dataset_id/tasks/:task_id', async (c) => {
    const id = datasetId(c);
    const taskId = readUuid(c, 'task_id', observabilityInvalid);
    const workspace = workspaceOf(c.env);
    const task = await workspace.getTask(id, taskId);
    if (task === null) throw notFound('Task', taskId, 'DATASET_TASK_NOT_FOUND');
    return c.json(taskView(task, await workspace.identity()));
  })
  .get('/:dataset_id/exports/to-jsonl', async (c) => {
    const id = datasetId(c);
    const workspace = workspaceOf(c.env);
    const file = await workspace.exportDataset(id);
    if (file === null) throw datasetNotFound(id);
    const expiresAt = Date.now() + EXPORT_LINK_MS;
    return c.json({ file_url: await signedLink(file.id, expiresAt, originOf(c), workspace) });
  });
