import type { ImportView } from '../domain/import-view.ts';
import { isTerminal, type ImportStatus } from '../domain/import.ts';
import { listPage } from './list-page.ts';
import { ALL_IMPORTS_PREFIX, importIdOf, importKey, importPrefix } from './keys.ts';

/** List fields, in the metadata of a copy (at most 1,024 bytes); times in milliseconds since the epoch. */
interface ImportListFields {
  datasetId: string;
  status: ImportStatus;
  updatedAt: number;
  /** Since when, or from when on, a webhook is to be delivered; null where none is, left out by an earlier version. */
  deliveryDueAt?: number | null;
}

/** What `GET /imports` filters by. */
export interface ImportFilter {
  datasetId: string | null;
  status: ImportStatus | null;
}

/** A copy by its name in KV. */
export interface CopyName {
  name: string;
  importId: string;
}

interface Cursor {
  /** KV's own cursor of the page, null for the first. */
  page: string | null;
  /**
   * The key that was listed last, without the prefix; empty for none. By name, not by place: what is added or dropped
   * meanwhile moves the others.
   */
  seen: string;
}

const BEGINNING: Cursor = { page: null, seen: '' };

/**
 * A copy is taken away by its import; should that have lost its alarm, it is found by its copy, which has to be there
 * still. One that is left behind goes after so long.
 */
const LEFT_BEHIND_S = 604_800;
const PAGE_SIZE = 1000;
/** Bounds the work of one request where a filter matches little. */
const MAX_PAGES = 10;

/** The copies of imports in KV, written only by the Durable Object of each import. */
export class ImportCopies {
  readonly #kv: KVNamespace;

  constructor(kv: KVNamespace) {
    this.#kv = kv;
  }

  /** @param expiresAt when the import goes, milliseconds since the epoch; null while it is not terminal */
  async put(
    clientId: string,
    view: ImportView,
    status: ImportStatus,
    expiresAt: number | null,
  ): Promise<void> {
    const metadata: ImportListFields = {
      datasetId: view.dataset_id,
      status,
      updatedAt: Date.parse(view.updated_at),
      deliveryDueAt: deliveryDueAt(view),
    };
    await this.#kv.put(this.#key(clientId, view), JSON.stringify(view), {
      metadata,
      ...(expiresAt !== null && { expirationTtl: ttlUntil(expiresAt) }),
    });
  }

  async delete(clientId: string, view: ImportView): Promise<void> {
    await this.#kv.delete(this.#key(clientId, view));
  }

  /** A client's imports, the newest first; `cursor` is null after the last and opaque otherwise. */
  async list(
    clientId: string,
    filter: ImportFilter,
    limit: number,
    cursor: string | null,
  ): Promise<{ imports: ImportView[]; cursor: string | null } | 'bad_cursor'> {
    const prefix = importPrefix(clientId);
    const start = cursor === null ? BEGINNING : readCursor(cursor);
    if (start === null) return 'bad_cursor';
    const isWanted = (fields: ImportListFields) => matches(fields, filter);
    const { names, next } = await this.#find(prefix, isWanted, limit, start);
    if (next === 'bad_cursor') return next;
    const after = next && writeCursor(next);
    if (names.length === 0) return { imports: [], cursor: after };
    const copies = await this.#kv.get<ImportView>(names, 'json');
    return { imports: names.flatMap((name) => copies.get(name) ?? []), cursor: after };
  }

  /**
   * Copies of any client that have fallen behind, from where the search before came to.
   * @param before milliseconds since the epoch: open imports that were last touched before `touched`, ended ones that
   * ended before `ended`, any whose webhook was due before `touched`
   * @param limit how many at most
   */
  async behind(
    before: { touched: number; ended: number },
    limit: number,
    cursor: string | null,
  ): Promise<{ copies: CopyName[]; cursor: string | null }> {
    const start = cursor === null ? BEGINNING : (readCursor(cursor) ?? BEGINNING);
    const isWanted = (fields: ImportListFields) => isBehind(fields, before);
    const { names, next } = await this.#find(ALL_IMPORTS_PREFIX, isWanted, limit, start);
    return {
      copies: names.map((name) => ({ name, importId: importIdOf(name) })),
      // KV does not keep its cursors for ever.
      cursor: next === 'bad_cursor' ? null : next && writeCursor(next),
    };
  }

  /** Takes away a copy whose import is gone. */
  async drop({ name }: CopyName): Promise<void> {
    await this.#kv.delete(name);
  }

  /**
   * The keys of a prefix whose list fields are wanted, in order, from a place on: `limit` at most, out of
   * {@link MAX_PAGES} pages of KV at most.
   * @returns the keys, and where to go on; null after the last, `bad_cursor` where KV did not take its own
   */
  async #find(
    prefix: string,
    isWanted: (fields: ImportListFields) => boolean,
    limit: number,
    start: Cursor,
  ): Promise<{ names: string[]; next: Cursor | null | 'bad_cursor' }> {
    const names: string[] = [];
    let { page } = start;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const found: KVNamespaceListResult<ImportListFields> | 'bad_cursor' = await listPage(
        this.#kv,
        { prefix, limit: PAGE_SIZE, cursor: page },
      );
      if (found === 'bad_cursor') return { names, next: found };
      for (const { name, metadata } of found.keys) {
        if (name <= prefix + start.seen || !metadata || !isWanted(metadata)) continue;
        if (names.length === limit) {
          const seen = names.at(-1)?.slice(prefix.length) ?? '';
          return { names, next: { page, seen } };
        }
        names.push(name);
      }
      if (found.list_complete) return { names, next: null };
      page = found.cursor;
    }
    return { names, next: { page, seen: '' } };
  }

  #key(clientId: string, view: ImportView): string {
    return importKey(clientId, Date.parse(view.created_at), view.id);
  }
}

function ttlUntil(expiresAt: number): number {
  return Math.max(0, Math.ceil((expiresAt - Date.now()) / 1000)) + LEFT_BEHIND_S;
}

function matches(fields: ImportListFields, filter: ImportFilter): boolean {
  return (
    (filter.datasetId === null || fields.datasetId === filter.datasetId) &&
    (filter.status === null || fields.status === filter.status)
  );
}

function isBehind(
  { status, updatedAt, deliveryDueAt = null }: ImportListFields,
  before: { touched: number; ended: number },
): boolean {
  if (deliveryDueAt !== null && deliveryDueAt < before.touched) return true;
  return updatedAt < (isTerminal(status) ? before.ended : before.touched);
}

/** Of a webhook that is on its way the copy knows no time: then it is due since the import last changed. */
function deliveryDueAt({ delivery, updated_at }: ImportView): number | null {
  const isOnItsWay = delivery.status === 'pending' && delivery.next_attempt_at === null;
  const dueAt = isOnItsWay ? updated_at : delivery.next_attempt_at;
  return dueAt === null ? null : Date.parse(dueAt);
}

function writeCursor(cursor: Cursor): string {
  return btoa(JSON.stringify([cursor.page, cursor.seen]));
}

function readCursor(text: string): Cursor | null {
  try {
    const value: unknown = JSON.parse(atob(text));
    if (!Array.isArray(value)) return null;
    const [page, seen] = value as unknown[];
    if (page !== null && typeof page !== 'string') return null;
    return typeof seen === 'string' ? { page, seen } : null;
  } catch {
    return null;
  }
}
