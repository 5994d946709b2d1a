import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { boundaryOf } from '../../domain/multipart.ts';
import { originOf, workspaceOf, type BuiltinEnv } from '../context.ts';
import { contentOf, signedLink } from '../downloads.ts';
import { fileNotFound, requestInvalid } from '../errors.ts';
import { storeUpload } from '../upload.ts';
import { readQuery, readUuid, wholeNumber } from '../validate.ts';
import { fileView } from '../views.ts';

/** A key given once or several times; SQLite here takes at most 100 values in a statement. */
const listOf = <T extends string>(item: z.ZodMiniType<T>) =>
  z._default(
    z.union([
      z.pipe(
        item,
        z.transform((one) => [one]),
      ),
      z.array(item).check(z.maxLength(20)),
    ]),
    [],
  );

const listQuery = z.lazy(() =>
  z.object({
    page: wholeNumber(0, 1_000_000_000, 0),
    page_size: wholeNumber(0, 1000, 100),
    include_total: z._default(z.enum(['true', 'false']), 'true'),
    search: z.nullish(z.string()),
    purpose: z.nullish(z.enum(['fine-tune', 'batch', 'ocr'])),
    sample_type: listOf(
      z.enum(['pretrain', 'instruct', 'batch_request', 'batch_result', 'batch_error']),
    ),
    source: listOf(z.enum(['upload', 'repository', 'mistral'])),
    mimetypes: listOf(z.string()),
  }),
);

const urlQuery = z.lazy(() =>
  z.object({
    expiry: wholeNumber(1, 168, 24),
  }),
);

const HOUR_MS = 3_600_000;

/** `/v1/files`: upload, list, retrieve, content, signed url, delete. */
export const fileRoutes = new Hono<BuiltinEnv>()
  .post('/', async (c) => {
    const boundary = boundaryOf(c.req.header('content-type') ?? '');
    const { body } = c.req.raw;
    if (boundary === null || body === null) {
      const msg = 'Send the file as multipart/form-data, in a part named "file"';
      throw requestInvalid([{ type: 'missing', loc: ['body', 'file'], msg }]);
    }
    const stored = await storeUpload(body, boundary, workspaceOf(c.env));
    if ('part' in stored) {
      throw requestInvalid([
        { type: 'value_error', loc: ['body', stored.part], msg: stored.message },
      ]);
    }
    return c.json(fileView(stored));
  })
  .get('/', async (c) => {
    const query = readQuery(c, listQuery, requestInvalid);
    const { files, total } = await workspaceOf(c.env).files.list({
      page: query.page,
      pageSize: query.page_size,
      search: query.search ?? null,
      purpose: query.purpose ?? null,
      sampleTypes: query.sample_type,
      sources: query.source,
      mimetypes: query.mimetypes,
    });
    return c.json({
      data: files.map(fileView),
      object: 'list',
      total: query.include_total === 'true' ? total : null,
    });
  })
  .get('/:file_id', async (c) => {
    const id = readUuid(c, 'file_id', requestInvalid);
    const file = await workspaceOf(c.env).files.get(id);
    if (file === null) throw fileNotFound(id);
    return c.json({ ...fileView(file), deleted: false });
  })
  .delete('/:file_id', async (c) => {
    const id = readUuid(c, 'file_id', requestInvalid);
    if (!(await workspaceOf(c.env).files.delete(id))) throw fileNotFound(id);
    return c.json({ id, object: 'file', deleted: true });
  })
  .get('/:file_id/content', async (c) => {
    const id = readUuid(c, 'file_id', requestInvalid);
    const file = await workspaceOf(c.env).files.get(id);
    if (file === null) throw fileNotFound(id);
    return contentOf(file, workspaceOf(c.env));
  })
  .get('/:file_id/url', async (c) => {
    const id = readUuid(c, 'file_id', requestInvalid);
    const { expiry } = readQuery(c, urlQuery, requestInvalid);
    const workspace = workspaceOf(c.env);
    if ((await workspace.files.get(id)) === null) throw fileNotFound(id);
    const url = await signedLink(id, Date.now() + expiry * HOUR_MS, originOf(c), workspace);
    return c.json({ url });
  });
