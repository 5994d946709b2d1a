import * as z from 'zod/mini';
import { partsOfIds, type ImportPart } from './import-parts.ts';
import { IMPORT_EVENTS } from './import.ts';
import { isDeeperThan } from './json.ts';
import { readWhere, type ReadWhere } from './where.ts';

const MAX_METADATA_BYTES = 16_000;
/** Values that are nested far deeper cannot be handed to a Durable Object. */
export const MAX_DEPTH = 1000;
export const TOO_DEEP = `must be nested at most ${MAX_DEPTH} levels deep`;

/** What a client may have echoed back with an import. */
export const importMetadata = z.lazy(() =>
  z.record(z.string(), z.unknown()).check(
    z.refine((value) => !isDeeperThan(value, MAX_DEPTH), { error: TOO_DEEP, abort: true }),
    z.refine(
      (value) => new TextEncoder().encode(JSON.stringify(value)).length <= MAX_METADATA_BYTES,
      {
        error: `must have at most ${MAX_METADATA_BYTES} bytes as JSON`,
      },
    ),
  ),
);

/** Where the webhooks of an import go. */
export const importCallback = z.lazy(() =>
  z.strictObject({
    url: z.string().check(z.maxLength(2000)),
    events: z.nullish(z.array(z.enum(IMPORT_EVENTS)).check(z.minLength(1))),
  }),
);

const id = z.lazy(() => z.string().check(z.minLength(1), z.maxLength(200)));
const ids = z.lazy(() => z.array(id).check(z.minLength(1)));

const common = { callback: z.nullish(importCallback), metadata: z.nullish(importMetadata) };

const explorer = {
  source: z.literal('explorer'),
  event_ids: z.optional(ids),
  where: z.optional(z.unknown()),
  ...common,
};
const EITHER = 'give either event_ids or where; a where of null is every event';

const besideExplorer = () =>
  [
    z.strictObject({ source: z.literal('campaign'), campaign_id: id, ...common }),
    z.strictObject({ source: z.literal('file'), file_id: id, ...common }),
    z.strictObject({ source: z.literal('playground'), conversation_ids: ids, ...common }),
    z.strictObject({ source: z.literal('dataset'), record_ids: ids, ...common }),
  ] as const;

/** What an import is made of, as JSON: one of five sources. */
export const importBody = z.lazy(() =>
  z.discriminatedUnion('source', [
    z.strictObject(explorer).check(
      z.refine((body) => (body.event_ids === undefined) !== (body.where === undefined), {
        error: EITHER,
      }),
    ),
    ...besideExplorer(),
  ]),
);

/**
 * What is imported again and again: an import, or with `incremental` the events that were not imported yet; of those a
 * `where` that is left out means all, as in a search.
 */
export const importTemplate = z.lazy(() =>
  z.discriminatedUnion('source', [
    z.strictObject({ ...explorer, incremental: z.optional(z.boolean()) }).check(
      z.refine(
        ({ event_ids, where, incremental }) =>
          incremental === true || (event_ids === undefined) !== (where === undefined),
        { error: EITHER },
      ),
      z.refine((body) => body.event_ids === undefined || body.incremental !== true, {
        error: 'only a where can be incremental',
        path: ['incremental'],
      }),
    ),
    ...besideExplorer(),
  ]),
);

export type ImportBody = z.infer<typeof importBody>;
export type ImportTemplate = z.infer<typeof importTemplate>;

/** The start calls of an import, or the search that tells them; or the mistake in its `where`. */
export type ImportPlan =
  | { ok: true; parts: ImportPart[]; search: { filters: unknown } | null }
  | Extract<ReadWhere, { ok: false }>;

/** @param now milliseconds since the epoch, which relative times in a `where` count from */
export function planImport(body: ImportBody | ImportTemplate, now: number): ImportPlan {
  switch (body.source) {
    case 'campaign':
      return single({ campaign_id: body.campaign_id });
    case 'file':
      return single({ file_id: body.file_id });
    case 'playground':
      return listed(partsOfIds('playground', body.conversation_ids));
    case 'dataset':
      return listed(partsOfIds('dataset', body.record_ids));
    case 'explorer': {
      if (body.event_ids !== undefined) return listed(partsOfIds('explorer', body.event_ids));
      const read = readWhere(body.where, now);
      return read.ok ? { ok: true, parts: [], search: { filters: read.filters } } : read;
    }
  }
}

function single(startBody: object): ImportPlan {
  return listed([{ body: JSON.stringify(startBody), weight: 1 }]);
}

function listed(parts: ImportPart[]): ImportPlan {
  return { ok: true, parts, search: null };
}
