import { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import { Refusal } from '../../domain/failures.ts';
import { iso } from '../../domain/time.ts';
import { SCOPES } from '../../domain/scopes.ts';
import {
  Clients,
  type ClientRecord,
  type ClientSettings,
  type ClientSummary,
} from '../../store/clients.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { deleteHooksOf } from '../hooks.ts';
import { cursorFields } from '../list-query.ts';
import { admin } from '../middleware/auth.ts';
import { jsonBody, valid } from '../middleware/json-body.ts';
import { linkNext } from '../next-link.ts';
import { badCursor } from '../refusals.ts';
import { SHOWN_ONCE } from '../shown-once.ts';
import { deleteSchedulesOf } from '../schedules.ts';

const name = () => z.string().check(z.trim(), z.minLength(1), z.maxLength(100));
const scopes = () =>
  z.pipe(
    z.array(z.enum(SCOPES)).check(z.minLength(1)),
    z.transform((list) => [...new Set(list)]),
  );
const rateLimit = () => z.nullable(z.int().check(z.minimum(1), z.maximum(1_000_000)));

/** The body of `POST /admin/clients`. */
export const newClientBody = z.lazy(() =>
  z.strictObject({
    name: name(),
    scopes: z._default(scopes(), [...SCOPES]),
    rate_limit: z._default(rateLimit(), null),
  }),
);
/** The body of `PATCH /admin/clients/:id`. */
export const clientChangeBody = z.lazy(() =>
  z.strictObject({
    name: z.optional(name()),
    scopes: z.optional(scopes()),
    rate_limit: z.optional(rateLimit()),
  }),
);
/** The body of `POST /admin/clients/:id/rotate`. */
export const rotateBody = z.lazy(() =>
  z.strictObject({
    what: z.enum(['key', 'signing_secret']),
    overlap_s: z._default(z.int().check(z.minimum(0), z.maximum(2_592_000)), 86_400),
  }),
);
/** The query of `GET /admin/clients`. */
export const clientListQuery = z.lazy(() => z.strictObject(cursorFields(100, 1000)));

/** `/admin/clients`: who may call Windsock. Keys and signing secrets are shown once, where they are made. */
export const adminClientRoutes = new Hono<AppEnv>()
  .use(admin)
  .post('/', jsonBody, valid('json', newClientBody), async (c) => {
    const { rate_limit, ...rest } = c.req.valid('json');
    const settings = { ...rest, rateLimit: rate_limit };
    const { client, key, signingSecret } = await clientsOf(c).create(settings, Date.now());
    const { id, created_at, ...shown } = view(client);
    return c.json(
      { id, ...shown, key, signing_secret: signingSecret, created_at },
      201,
      SHOWN_ONCE,
    );
  })
  .get('/', valid('query', clientListQuery), async (c) => {
    const { limit, cursor = null } = c.req.valid('query');
    const page = await clientsOf(c).list(limit, cursor);
    if (page === 'bad_cursor') throw badCursor();
    linkNext(c, 'cursor', page.cursor);
    return c.json({ clients: page.clients.map(view), next_cursor: page.cursor });
  })
  .get('/:id', async (c) => c.json(view(await known(c))))
  .patch('/:id', jsonBody, valid('json', clientChangeBody), async (c) => {
    const { rate_limit, ...rest } = c.req.valid('json');
    const settings: Partial<ClientSettings> = {
      ...(rest.name !== undefined && { name: rest.name }),
      ...(rest.scopes !== undefined && { scopes: rest.scopes }),
      ...(rate_limit !== undefined && { rateLimit: rate_limit }),
    };
    return c.json(view(await clientsOf(c).update(await known(c), settings, Date.now())));
  })
  .delete('/:id', async (c) => {
    const client = await known(c);
    await clientsOf(c).revokeKeys(client);
    await deleteHooksOf(c.env, client.id);
    await deleteSchedulesOf(c.env, client.id);
    // The client last: a Worker makes a thousand calls, and of one with more hooks and schedules the rest is asked for again.
    await clientsOf(c).delete(client);
    return c.body(null, 204);
  })
  .post('/:id/rotate', jsonBody, valid('json', rotateBody), async (c) => {
    const { what, overlap_s } = c.req.valid('json');
    const client = await known(c);
    const overlapMs = overlap_s * 1000;
    if (what === 'key') {
      const key = await clientsOf(c).rotateKey(client, overlapMs, Date.now());
      return c.json({ key }, 200, SHOWN_ONCE);
    }
    const secret = await clientsOf(c).rotateSigningSecret(client, overlapMs, Date.now());
    return c.json({ signing_secret: secret }, 200, SHOWN_ONCE);
  });

function clientsOf(c: AppContext): Clients {
  return new Clients(c.env.KV);
}

async function known(c: AppContext): Promise<ClientRecord> {
  const id = c.req.param('id') ?? '';
  const client = /^cl_[\w-]{1,64}$/.test(id) ? await clientsOf(c).get(id) : null;
  if (client === null) {
    throw new Refusal({ code: 'not_found', message: 'There is no such client.' });
  }
  return client;
}

function view(client: ClientSummary) {
  return {
    id: client.id,
    name: client.name,
    scopes: client.scopes,
    rate_limit: client.rateLimit,
    created_at: iso(client.createdAt),
  };
}
