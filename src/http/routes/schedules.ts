import { Hono } from 'hono/tiny';
import type { MiddlewareHandler } from 'hono';
import * as z from 'zod/mini';
import { cronMistake, isTimezone } from '../../domain/cron.ts';
import { Refusal } from '../../domain/failures.ts';
import { importCallback, importTemplate, type ImportTemplate } from '../../domain/import-body.ts';
import type { Callback } from '../../domain/import.ts';
import { newSchedule, type ScheduleSettings } from '../../domain/schedule.ts';
import { newId } from '../../platform/ids.ts';
import { keptCallback } from '../callback.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { refuseBadTarget } from '../import-request.ts';
import { cursorFields } from '../list-query.ts';
import { clientWith } from '../middleware/auth.ts';
import { jsonBody, valid } from '../middleware/json-body.ts';
import { linkNext } from '../next-link.ts';
import { badCursor } from '../refusals.ts';
import { refuseBadTemplate } from '../schedule-request.ts';
import { failureRefusal } from '../upstream-refusal.ts';

const MAX_OVERLAP_S = 2_592_000;

const name = () => z.string().check(z.trim(), z.minLength(1), z.maxLength(200));
const cron = () =>
  z.string().check((payload) => {
    const message = cronMistake(payload.value);
    if (message !== null) {
      payload.issues.push({ code: 'custom', input: payload.value, message });
    }
  });
const timezone = () =>
  z.string().check(
    z.refine(isTimezone, {
      error: 'must be the name of an IANA time zone, such as Europe/Paris',
    }),
  );
const overlap = () => z.int().check(z.minimum(0), z.maximum(MAX_OVERLAP_S));
const datasetId = () =>
  z.pipe(
    z.guid(),
    z.transform((id) => id.toLowerCase()),
  );

/** What a schedule is made of. */
export const scheduleBody = z.lazy(() =>
  z.strictObject({
    name: name(),
    cron: cron(),
    timezone: z._default(timezone(), 'UTC'),
    dataset_id: datasetId(),
    import: importTemplate,
    callback: z.nullish(importCallback),
    overlap_s: z._default(overlap(), 900),
    backfill: z.nullish(z.strictObject({ from: z.iso.datetime({ offset: true }) })),
    notify_empty: z._default(z.boolean(), false),
  }),
);

/** What can be changed of a schedule; what is left out stays. */
export const schedulePatch = z.lazy(() =>
  z.strictObject({
    name: z.optional(name()),
    cron: z.optional(cron()),
    timezone: z.optional(timezone()),
    dataset_id: z.optional(datasetId()),
    import: z.optional(importTemplate),
    callback: z.nullish(importCallback),
    overlap_s: z.optional(overlap()),
    notify_empty: z.optional(z.boolean()),
  }),
);

/** How a schedule is to run now. */
export const scheduleRunBody = z.lazy(() => z.strictObject({ dry_run: z.optional(z.boolean()) }));

/** A page of schedules or of runs. */
export const scheduleListQuery = z.lazy(() => z.strictObject(cursorFields(50, 100)));

const READ = 'observability:read';
const WRITE = 'observability:write';
const JSON_TYPE = { 'content-type': 'application/json' };

/** `POST /schedules/:id/run` can do without a body. */
const jsonBodyIfAny: MiddlewareHandler<AppEnv> = async function jsonBodyIfAny(c, next) {
  const isDeclared = c.req.header('content-type') !== undefined;
  const isEmpty = c.req.raw.body === null || c.req.header('content-length') === '0';
  return isEmpty && !isDeclared ? next() : jsonBody(c, next);
};

/** `/schedules`: imports that are made again and again, each kept by a `Schedule`. */
export const scheduleRoutes = new Hono<AppEnv>()
  .post(
    '/',
    clientWith(WRITE),
    jsonBody,
    valid('json', scheduleBody, '/import/where'),
    async (c) => {
      const body = c.req.valid('json');
      const now = Date.now();
      const from = body.backfill ? Date.parse(body.backfill.from) : null;
      refuseBadTemplate(body.import, now, from);
      refuseBadCallbacks(c, body);
      const settings: ScheduleSettings = {
        name: body.name,
        cron: body.cron,
        timezone: body.timezone,
        datasetId: body.dataset_id,
        template: templateOf(body.import),
        callback: callbackOf(body),
        overlapMs: body.overlap_s * 1000,
        notifyEmpty: body.notify_empty,
        origin: new URL(c.req.url).origin,
      };
      const state = newSchedule(newId('sch'), c.get('grant').clientId, settings, from, now);
      const view = await c.env.SCHEDULE.getByName(state.id).create(state);
      return c.body(view, 201, { ...JSON_TYPE, location: `/schedules/${state.id}` });
    },
  )
  .get('/', clientWith(READ), valid('query', scheduleListQuery), async (c) => {
    const { limit, cursor = null } = c.req.valid('query');
    const { clientId } = c.get('grant');
    const registry = c.env.REGISTRY.getByName('schedules');
    const page = await registry.list(clientId, limit, cursor);
    if (page === 'bad_cursor') throw badCursor();
    const views = await Promise.all(
      page.ids.map((id) => c.env.SCHEDULE.getByName(id).read(clientId)),
    );
    // One that has just been deleted may still be listed.
    const schedules = views.flatMap((view) => (view === null ? [] : [JSON.parse(view) as object]));
    linkNext(c, 'cursor', page.cursor);
    return c.json({ schedules, next_cursor: page.cursor });
  })
  .get('/:id', clientWith(READ), async (c) => {
    const view = await scheduleOf(c).read(c.get('grant').clientId);
    return c.body(known(view), 200, JSON_TYPE);
  })
  .patch(
    '/:id',
    clientWith(WRITE),
    jsonBody,
    valid('json', schedulePatch, '/import/where'),
    async (c) => {
      const body = c.req.valid('json');
      if (body.import !== undefined) refuseBadTemplate(body.import, Date.now(), null);
      refuseBadCallbacks(c, body);
      const isCallbackChanged = body.callback !== undefined || body.import?.callback;
      const change: Partial<ScheduleSettings> = {
        ...(body.name !== undefined && { name: body.name }),
        ...(body.cron !== undefined && { cron: body.cron }),
        ...(body.timezone !== undefined && { timezone: body.timezone }),
        ...(body.dataset_id !== undefined && { datasetId: body.dataset_id }),
        ...(body.import !== undefined && { template: templateOf(body.import) }),
        ...(isCallbackChanged && { callback: callbackOf(body) }),
        ...(body.overlap_s !== undefined && { overlapMs: body.overlap_s * 1000 }),
        ...(body.notify_empty !== undefined && { notifyEmpty: body.notify_empty }),
        origin: new URL(c.req.url).origin,
      };
      const view = await scheduleOf(c).update(c.get('grant').clientId, change);
      return c.body(known(view), 200, JSON_TYPE);
    },
  )
  .delete('/:id', clientWith(WRITE), async (c) => {
    if (!(await scheduleOf(c).remove(c.get('grant').clientId))) throw noSuchSchedule();
    return c.body(null, 204);
  })
  .post('/:id/run', clientWith(WRITE), jsonBodyIfAny, valid('json', scheduleRunBody), async (c) => {
    const { clientId } = c.get('grant');
    if (c.req.valid('json').dry_run !== true) {
      return c.body(known(await scheduleOf(c).run(clientId)), 202, JSON_TYPE);
    }
    const counted = known(await scheduleOf(c).dryRun(clientId));
    if (counted.kind === 'refused') throw failureRefusal(counted.failure);
    if (counted.kind === 'counted') return c.json({ ...counted.report, imported: 0 });
    const message = 'What this import holds cannot be counted before it is made.';
    throw new Refusal({ code: 'invalid_request', message });
  })
  .get('/:id/runs', clientWith(READ), valid('query', scheduleListQuery), async (c) => {
    const { limit, cursor = null } = c.req.valid('query');
    const page = await scheduleOf(c).runs(c.get('grant').clientId, limit, cursor);
    if (page === 'bad_cursor') throw badCursor();
    const { body, cursor: next } = known(page);
    linkNext(c, 'cursor', next);
    return c.body(body, 200, JSON_TYPE);
  });

/** The callback is kept beside the import alone, so that there is one to be changed. */
function templateOf(template: ImportTemplate): ImportTemplate {
  return { ...template, callback: undefined };
}

/** A callback in the import holds, else the one beside it, as for hooks. */
function callbackOf(body: z.infer<typeof schedulePatch>): Callback | null {
  return keptCallback(body.import?.callback ?? body.callback);
}

function refuseBadCallbacks(c: AppContext, body: z.infer<typeof schedulePatch>): void {
  if (body.callback) refuseBadTarget(c, body.callback.url, '/callback/url');
  const inner = body.import?.callback;
  if (inner) refuseBadTarget(c, inner.url, '/import/callback/url');
}

function scheduleOf(c: AppContext) {
  const id = c.req.param('id') ?? '';
  if (!/^sch_[A-Za-z0-9_-]{22}$/.test(id)) throw noSuchSchedule();
  return c.env.SCHEDULE.getByName(id);
}

function known<T>(value: T | null): T {
  if (value === null) throw noSuchSchedule();
  return value;
}

function noSuchSchedule(): Refusal {
  return new Refusal({ code: 'not_found', message: 'There is no such schedule.' });
}
