import { DurableObject } from 'cloudflare:workers';
import { RegistryStore } from './registry.sql.ts';
import { seqPage } from './seq-page.ts';

/** An entry that is due; `dueAt` in milliseconds since the epoch. */
export interface DueEntry {
  id: string;
  dueAt: number;
}

/** When an entry is due next, null for never; `gone`: what it stands for does not exist. */
export interface NextDue {
  id: string;
  /** As it was when it was found due. */
  dueAt: number;
  next: number | null | 'gone';
}

/**
 * Which client has which schedules, or which hooks, and when each is due: one object for all of a kind, so that lists
 * and the tick need not ask every one of them. What they are is kept by an object for each.
 */
export class Registry extends DurableObject<Env> {
  readonly #store: RegistryStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new RegistryStore(ctx.storage.sql);
  }

  /** Adds an entry, or sets when it is due. */
  put(id: string, clientId: string, dueAt: number | null): void {
    this.#store.put(id, clientId, dueAt);
  }

  remove(id: string): void {
    this.#store.remove(id);
  }

  /** A client's entries, the newest first. @param cursor as the page before gave it */
  list(
    clientId: string,
    limit: number,
    cursor: string | null,
  ): { ids: string[]; cursor: string | null } | 'bad_cursor' {
    const page = seqPage(limit, cursor, (before, most) =>
      this.#store.ofClient(clientId, before, most),
    );
    if (page === 'bad_cursor') return page;
    return { ids: page.rows.map(({ id }) => id), cursor: page.cursor };
  }

  /** What is due, the longest first. */
  due(now: number, limit: number): DueEntry[] {
    return this.#store.due(now, limit).map(({ id, due_at }) => ({ id, dueAt: due_at }));
  }

  /** Takes in when entries that were due are due next. */
  moveOn(entries: readonly NextDue[]): void {
    for (const { id, dueAt, next } of entries) {
      if (next === 'gone') this.#store.remove(id);
      else this.#store.moveOn(id, dueAt, next);
    }
  }
}
