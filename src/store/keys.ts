// Every key that Windsock writes to KV. KV is eventually consistent (60 s and more between places), takes one write
// a second per key and has no compare-and-set: it holds copies and configuration, never a lock or a counter.

/** A client's record, by id: {@link ClientRecord}; list fields in the metadata. */
export const clientKey = (clientId: string) => `client:${clientId}`;
export const CLIENT_PREFIX = 'client:';

/** What a client key admits to, by the SHA-256 of the key: {@link KeyGrant}. */
export const grantKey = (keyHash: string) => `key:${keyHash}`;

const MAX_TIME = 9_999_999_999_999;

/**
 * The copy of an import. KV lists keys in order, so the creation time is counted down from the year 2286:
 * a client's newest import comes first.
 * @param createdAt milliseconds since the epoch
 */
export const importKey = (clientId: string, createdAt: number, importId: string) =>
  `${importPrefix(clientId)}${String(MAX_TIME - createdAt).padStart(13, '0')}:${importId}`;
export const importPrefix = (clientId: string) => `import:${clientId}:`;
export const ALL_IMPORTS_PREFIX = 'import:';

/** The import id in a key made by {@link importKey}. */
export const importIdOf = (key: string) => key.slice(key.lastIndexOf(':') + 1);

/** How far the reconcile cron has come: a cursor of `ImportCopies.behind`; none at the beginning. */
export const RECONCILE_CURSOR_KEY = 'reconcile:cursor';
