import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { Refusal } from '../../domain/failures.ts';
import { templateMistakes, touches } from '../../domain/hook-map.ts';
import {
  callView,
  hookView,
  VERIFICATIONS,
  type HookChanges,
  type HookDefinition,
} from '../../domain/hook.ts';
import { importCallback, MAX_DEPTH, TOO_DEEP } from '../../domain/import-body.ts';
import { isDeeperThan } from '../../domain/json.ts';
import { valueAt } from '../../domain/json-pointer.ts';
import { readWhere } from '../../domain/where.ts';
import { newId } from '../../platform/ids.ts';
import { keptCallback } from '../callback.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { hookOf, hookRegistry, noSuchHook } from '../hooks.ts';
import { refuseBadTarget } from '../import-request.ts';
import { cursorFields } from '../list-query.ts';
import { clientWith } from '../middleware/auth.ts';
import { jsonBody, valid } from '../middleware/json-body.ts';
import { linkNext } from '../next-link.ts';
import { badCursor, invalidFilter } from '../refusals.ts';
import { SHOWN_ONCE } from '../shown-once.ts';

/** The hook is one row, which may have 2 MB. */
const MAX_TEMPLATE_BYTES = 1_000_000;
const MAX_MAPPED = 50;

const name = () => z.string().check(z.trim(), z.minLength(1), z.maxLength(100));
const datasetId = () => z.guid().check(z.toLowerCase());
const template = () =>
  z.record(z.string(), z.unknown()).check(
    z.refine((value) => !isDeeperThan(value, MAX_DEPTH), { error: TOO_DEEP, abort: true }),
    z.refine(
      (value) => new TextEncoder().encode(JSON.stringify(value)).length <= MAX_TEMPLATE_BYTES,
      {
        error: `must have at most ${MAX_TEMPLATE_BYTES} bytes as JSON`,
      },
    ),
  );
const pointer = () => z.string().check(z.maxLength(500));
const map = () =>
  z.record(pointer(), pointer()).check(
    z.refine((value) => Object.keys(value).length <= MAX_MAPPED, {
      error: `must have at most ${MAX_MAPPED} entries`,
    }),
  );

/** What `POST /hooks` takes. */
export const hookBody = z.lazy(() =>
  z.strictObject({
    name: name(),
    dataset_id: datasetId(),
    import: template(),
    map: z._default(map(), {}),
    verify: z._default(z.enum(VERIFICATIONS), 'standard-webhooks'),
    callback: z.nullish(importCallback),
  }),
);
/** What `PATCH /hooks/:id` takes. */
export const hookPatch = z.lazy(() =>
  z.strictObject({
    name: z.optional(name()),
    dataset_id: z.optional(datasetId()),
    import: z.optional(template()),
    map: z.optional(map()),
    callback: z.nullish(importCallback),
  }),
);
/** What `POST /hooks/:id/rotate` takes. */
export const hookRotation = z.lazy(() =>
  z.strictObject({
    overlap_s: z._default(z.int().check(z.minimum(0), z.maximum(2_592_000)), 86_400),
  }),
);
/** Query of `GET /hooks`. */
export const hookListQuery = z.lazy(() => z.strictObject(cursorFields(50, 100)));

const reader = clientWith('observability:read');
const writer = clientWith('observability:write');

/** `/hooks`: what other systems may start by a call. Their secrets are shown once, where they are made. */
export const hookRoutes = new Hono<AppEnv>()
  .post('/', writer, jsonBody, valid('json', hookBody), async (c) => {
    const { callback, ...body } = c.req.valid('json');
    const now = Date.now();
    const hook: HookDefinition = {
      id: newId('hook'),
      clientId: c.get('grant').clientId,
      name: body.name,
      datasetId: body.dataset_id,
      template: body.import,
      map: body.map,
      verify: body.verify,
      callback: keptCallback(callback),
      createdAt: now,
      updatedAt: now,
    };
    refuseMistakes(c, hook);
    // Listed first: a hook that exists and is in no list could not be found again.
    await hookRegistry(c.env).put(hook.id, hook.clientId, null);
    const secret = await c.env.HOOK.getByName(hook.id).create(hook);
    const { id, object, url, ...rest } = view(c, hook);
    const headers = { ...SHOWN_ONCE, location: `/hooks/${id}` };
    return c.json({ id, object, url, secret, ...rest }, 201, headers);
  })
  .get('/', reader, valid('query', hookListQuery), async (c) => {
    const { limit, cursor = null } = c.req.valid('query');
    const { clientId } = c.get('grant');
    const page = await hookRegistry(c.env).list(clientId, limit, cursor);
    if (page === 'bad_cursor') throw badCursor();
    linkNext(c, 'cursor', page.cursor);
    const read = await Promise.all(page.ids.map((id) => c.env.HOOK.getByName(id).read(clientId)));
    const hooks = read.flatMap((hook) => (hook === null ? [] : [view(c, parsed(hook))]));
    return c.json({ hooks, next_cursor: page.cursor });
  })
  .get('/:id', reader, async (c) => c.json(view(c, await known(c))))
  .patch('/:id', writer, jsonBody, valid('json', hookPatch), async (c) => {
    const { name, dataset_id, import: template, map, callback } = c.req.valid('json');
    const changes: HookChanges = {
      ...(name !== undefined && { name }),
      ...(dataset_id !== undefined && { datasetId: dataset_id }),
      ...(template !== undefined && { template }),
      ...(map !== undefined && { map }),
      ...(callback !== undefined && { callback: keptCallback(callback) }),
    };
    refuseMistakes(c, { ...(await known(c)), ...changes });
    const changed = await hookOf(c).update(c.get('grant').clientId, changes);
    if (changed === null) throw noSuchHook();
    return c.json(view(c, parsed(changed)));
  })
  .delete('/:id', writer, async (c) => {
    const { id } = await known(c);
    if (!(await hookOf(c).remove(c.get('grant').clientId))) throw noSuchHook();
    await hookRegistry(c.env).remove(id);
    return c.body(null, 204);
  })
  .post('/:id/rotate', writer, jsonBody, valid('json', hookRotation), async (c) => {
    const overlapMs = c.req.valid('json').overlap_s * 1000;
    const secret = await hookOf(c).rotate(c.get('grant').clientId, overlapMs);
    if (secret === null) throw noSuchHook();
    return c.json({ secret }, 200, SHOWN_ONCE);
  })
  .get('/:id/calls', reader, async (c) => {
    const calls = await hookOf(c).calls(c.get('grant').clientId);
    if (calls === null) throw noSuchHook();
    return c.json({ calls: calls.map(callView) });
  });

async function known(c: AppContext): Promise<HookDefinition> {
  const hook = await hookOf(c).read(c.get('grant').clientId);
  if (hook === null) throw noSuchHook();
  return parsed(hook);
}

function parsed(hook: string): HookDefinition {
  return JSON.parse(hook) as HookDefinition;
}

function view(c: AppContext, hook: HookDefinition) {
  return hookView(hook, new URL(c.req.url).origin);
}

/**
 * Refuses a hook whose calls could never start an import: what the map writes is looked at when a call comes, the rest
 * now.
 */
function refuseMistakes(c: AppContext, hook: HookDefinition): void {
  const details = templateMistakes(hook.template, hook.map);
  if (details.length > 0) {
    const message = 'The import and the map do not go together; see details.';
    throw new Refusal({ code: 'invalid_request', message, details });
  }
  if (!touches(hook.map, '/where')) {
    const read = readWhere(hook.template['where'], Date.now());
    if (!read.ok) throw invalidFilter(read, '/import/where');
  }
  if (!touches(hook.map, '/callback/url')) {
    const url = valueAt(hook.template, ['callback', 'url'])?.value;
    if (typeof url === 'string') refuseBadTarget(c, url, '/import/callback/url');
  }
  if (hook.callback !== null) refuseBadTarget(c, hook.callback.url, '/callback/url');
}
