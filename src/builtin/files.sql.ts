import { concat } from '../domain/bytes.ts';

/** Chunks of a file stay well below the 2 MB that a row of SQLite may have here. */
export const FILE_CHUNK_BYTES = 512 * 1024;

/** What is known of a file before its bytes come. */
export interface NewFile {
  filename: string;
  mimetype: string;
  source: 'upload' | 'mistral';
}

/** What is known of a file once its bytes are there; times in milliseconds since the epoch. */
export interface FileEnd {
  purpose: string;
  visibility: string;
  expiresAt: number | null;
  bytes: number;
  /** Lines, counted for JSON Lines only. */
  lines: number | null;
}

export interface StoredFile extends NewFile, FileEnd {
  id: string;
  sampleType: string;
  createdAt: number;
}

/** What `GET /v1/files` filters by. */
export interface FileFilter {
  page: number;
  pageSize: number;
  search: string | null;
  purpose: string | null;
  sampleTypes: readonly string[];
  sources: readonly string[];
  mimetypes: readonly string[];
}

interface FileRow {
  [column: string]: SqlStorageValue;
  id: string;
  filename: string;
  purpose: string;
  sample_type: string;
  mimetype: string;
  source: 'upload' | 'mistral';
  visibility: string;
  bytes: number;
  lines: number | null;
  created_at: number;
  expires_at: number | null;
}

/** What a file holds follows from its purpose and from who made it. */
const SAMPLE_TYPE = `CASE WHEN purpose <> 'batch' THEN 'instruct'
  WHEN source = 'mistral' THEN 'batch_result' ELSE 'batch_request' END`;

const VISIBLE = 'complete = 1 AND (expires_at IS NULL OR expires_at > ?)';

/** Files of a workspace: their rows, and their bytes in chunks below SQLite's row limit of 2 MB. */
export class Files {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Makes room for a file; it is visible to nobody before {@link complete}. */
  begin(file: NewFile, now: number): string {
    const id = crypto.randomUUID();
    this.#sql.exec(
      'INSERT INTO files (id, filename, mimetype, source, created_at) VALUES (?, ?, ?, ?, ?)',
      id,
      file.filename,
      file.mimetype,
      file.source,
      now,
    );
    return id;
  }

  /** Adds bytes at an offset; adding the same again changes nothing. */
  write(id: string, offset: number, bytes: Uint8Array): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO file_chunks (file_id, offset, bytes) VALUES (?, ?, ?)',
      id,
      offset,
      bytes,
    );
  }

  complete(id: string, end: FileEnd): void {
    this.#sql.exec(
      `UPDATE files SET complete = 1, purpose = ?, visibility = ?, expires_at = ?, bytes = ?, lines = ?
       WHERE id = ?`,
      end.purpose,
      end.visibility,
      end.expiresAt,
      end.bytes,
      end.lines,
      id,
    );
  }

  get(id: string, now: number): StoredFile | null {
    const row = this.#sql
      .exec<FileRow>(
        `SELECT *, ${SAMPLE_TYPE} AS sample_type FROM files WHERE id = ? AND ${VISIBLE}`,
        id,
        now,
      )
      .next();
    return row.done ? null : fileOf(row.value);
  }

  list(filter: FileFilter, now: number): { files: StoredFile[]; total: number } {
    const { where, values } = conditions(filter, now);
    const { total } = this.#sql
      .exec<{ total: number }>(`SELECT count(*) AS total FROM files WHERE ${where}`, ...values)
      .one();
    const rows = this.#sql.exec<FileRow>(
      `SELECT *, ${SAMPLE_TYPE} AS sample_type FROM files WHERE ${where} ORDER BY created_at DESC, id LIMIT ? OFFSET ?`,
      ...values,
      filter.pageSize,
      filter.page * filter.pageSize,
    );
    return { files: [...rows].map(fileOf), total };
  }

  /** The chunk that begins at an offset, or null at the end of the file. */
  read(id: string, offset: number): Uint8Array | null {
    const row = this.#sql
      .exec<{ bytes: ArrayBuffer }>(
        'SELECT bytes FROM file_chunks WHERE file_id = ? AND offset = ?',
        id,
        offset,
      )
      .next();
    return row.done ? null : new Uint8Array(row.value.bytes);
  }

  /** Up to `length` bytes from any offset on, gathered over chunks. */
  slice(id: string, offset: number, length: number): Uint8Array {
    const rows = this.#sql.exec<{ offset: number; bytes: ArrayBuffer }>(
      `SELECT offset, bytes FROM file_chunks
       WHERE file_id = ?1 AND offset < ?3
         AND offset >= coalesce((SELECT max(offset) FROM file_chunks WHERE file_id = ?1 AND offset <= ?2), 0)
       ORDER BY offset`,
      id,
      offset,
      offset + length,
    );
    const parts = [...rows].map((row) =>
      new Uint8Array(row.bytes).subarray(
        Math.max(0, offset - row.offset),
        offset + length - row.offset,
      ),
    );
    return concat(parts);
  }

  /** True when there was such a file. */
  delete(id: string): boolean {
    this.#sql.exec('DELETE FROM file_chunks WHERE file_id = ?', id);
    return this.#sql.exec('DELETE FROM files WHERE id = ?', id).rowsWritten > 0;
  }

  /** Drops files that have expired, and uploads that broke off before a time. */
  sweep(now: number, brokenBefore: number): void {
    const rows = this.#sql.exec<{ id: string }>(
      'SELECT id FROM files WHERE expires_at <= ? OR (complete = 0 AND created_at < ?)',
      now,
      brokenBefore,
    );
    for (const { id } of [...rows]) this.delete(id);
  }
}

function conditions(filter: FileFilter, now: number) {
  const parts = [VISIBLE];
  const values: SqlStorageValue[] = [now];
  if (filter.search !== null) {
    parts.push('instr(lower(filename), lower(?)) > 0');
    values.push(filter.search);
  }
  if (filter.purpose !== null) {
    parts.push('purpose = ?');
    values.push(filter.purpose);
  }
  for (const [column, list] of [
    [SAMPLE_TYPE, filter.sampleTypes],
    ['source', filter.sources],
    ['mimetype', filter.mimetypes],
  ] as const) {
    if (list.length === 0) continue;
    parts.push(`${column} IN (${list.map(() => '?').join(', ')})`);
    values.push(...list);
  }
  return { where: parts.join(' AND '), values };
}

function fileOf(row: FileRow): StoredFile {
  return {
    id: row.id,
    filename: row.filename,
    purpose: row.purpose,
    sampleType: row.sample_type,
    mimetype: row.mimetype,
    source: row.source,
    visibility: row.visibility,
    expiresAt: row.expires_at,
    bytes: row.bytes,
    lines: row.lines,
    createdAt: row.created_at,
  };
}
