import type { DatasetRow } from '../domain/jsonl.ts';

/** A dataset; times in milliseconds since the epoch. */
export interface StoredDataset {
  id: string;
  name: string;
  description: string;
  createdAt: number;
  updatedAt: number;
}

export type RecordSource = 'EXPLORER' | 'UPLOADED_FILE' | 'DIRECT_INPUT' | 'PLAYGROUND';

/** A record; `payload` and `properties` are JSON texts, handed on without being parsed. */
export interface StoredRecord {
  id: string;
  datasetId: string;
  payload: string;
  properties: string;
  source: RecordSource;
  createdAt: number;
  updatedAt: number;
}

/** One page of a list; pages count from 1. */
export interface Page {
  page: number;
  pageSize: number;
}

interface DatasetRowSql {
  [column: string]: SqlStorageValue;
  id: string;
  name: string;
  description: string;
  created_at: number;
  updated_at: number;
}

interface RecordRowSql {
  [column: string]: SqlStorageValue;
  seq: number;
  id: string;
  dataset_id: string;
  payload: string;
  properties: string;
  source: RecordSource;
  created_at: number;
  updated_at: number;
}

/** A record has to fit in one row of SQLite, whose limit is 2 MB. */
const MAX_RECORD_BYTES = 1_900_000;

/** What a record holds, as the JSON texts that are stored: RPC and SQLite need not look into them. */
export interface RecordContent {
  payload: string;
  properties: string;
}

/** The content of a row, or why it cannot be stored; its JSON may be longer than the text it was read from. */
export function recordContent(row: DatasetRow): RecordContent | { problem: string } {
  let content: RecordContent;
  try {
    content = { payload: JSON.stringify(row.payload), properties: JSON.stringify(row.properties) };
  } catch {
    // Reading JSON takes any depth, writing it does not.
    return { problem: 'is nested too deeply' };
  }
  return fitsInRow(content)
    ? content
    : { problem: `makes a record of more than ${MAX_RECORD_BYTES} bytes` };
}

/** Whether a record is small enough to be stored. */
export function fitsInRow({ payload, properties }: RecordContent): boolean {
  // A UTF-16 unit becomes at most three bytes.
  if ((payload.length + properties.length) * 3 <= MAX_RECORD_BYTES) return true;
  return new TextEncoder().encode(payload + properties).byteLength <= MAX_RECORD_BYTES;
}

/** An RPC call carries at most 32 MiB. */
const MAX_BATCH_UNITS = 4_000_000;

/** Datasets of a workspace and their records. */
export class Datasets {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  create(name: string, description: string, now: number): StoredDataset {
    const id = crypto.randomUUID();
    this.#sql.exec(
      'INSERT INTO datasets (id, name, description, created_at, updated_at) VALUES (?, ?, ?, ?, ?)',
      id,
      name,
      description,
      now,
      now,
    );
    return { id, name, description, createdAt: now, updatedAt: now };
  }

  get(id: string): StoredDataset | null {
    const row = this.#sql.exec<DatasetRowSql>('SELECT * FROM datasets WHERE id = ?', id).next();
    return row.done ? null : datasetOf(row.value);
  }

  /** The newest first; `q` is looked for in the name, in any case. */
  list({ page, pageSize }: Page, q: string | null): { datasets: StoredDataset[]; count: number } {
    const where = '?1 IS NULL OR instr(lower(name), lower(?1)) > 0';
    const { count } = this.#sql
      .exec<{ count: number }>(`SELECT count(*) AS count FROM datasets WHERE ${where}`, q)
      .one();
    const rows = this.#sql.exec<DatasetRowSql>(
      `SELECT * FROM datasets WHERE ${where} ORDER BY created_at DESC, id LIMIT ?2 OFFSET ?3`,
      q,
      pageSize,
      (page - 1) * pageSize,
    );
    return { datasets: [...rows].map(datasetOf), count };
  }

  update(
    id: string,
    change: { name: string | null; description: string | null },
    now: number,
  ): StoredDataset | null {
    this.#sql.exec(
      `UPDATE datasets SET name = coalesce(?, name), description = coalesce(?, description), updated_at = ?
       WHERE id = ?`,
      change.name,
      change.description,
      now,
      id,
    );
    return this.get(id);
  }

  /** Deletes a dataset with its records; true when there was one. */
  delete(id: string): boolean {
    this.#sql.exec('DELETE FROM records WHERE dataset_id = ?', id);
    return this.#sql.exec('DELETE FROM datasets WHERE id = ?', id).rowsWritten > 0;
  }

  addRecord(
    datasetId: string,
    content: RecordContent,
    source: RecordSource,
    taskId: string | null,
    now: number,
  ): StoredRecord {
    const record: StoredRecord = {
      id: crypto.randomUUID(),
      datasetId,
      ...content,
      source,
      createdAt: now,
      updatedAt: now,
    };
    this.#sql.exec(
      `INSERT INTO records (id, dataset_id, payload, properties, source, task_id, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      record.id,
      datasetId,
      record.payload,
      record.properties,
      source,
      taskId,
      now,
      now,
    );
    return record;
  }

  countRecords(datasetId: string): number {
    return this.#sql
      .exec<{ count: number }>(
        'SELECT count(*) AS count FROM records WHERE dataset_id = ?',
        datasetId,
      )
      .one().count;
  }

  /** Up to `limit` records in the order in which they were added, fewer where they are large; one at least. */
  listRecords(datasetId: string, offset: number, limit: number): StoredRecord[] {
    const rows = this.#sql.exec<RecordRowSql>(
      'SELECT * FROM records WHERE dataset_id = ? ORDER BY seq LIMIT ? OFFSET ?',
      datasetId,
      limit,
      offset,
    );
    const records: StoredRecord[] = [];
    let units = 0;
    for (const row of rows) {
      records.push(recordOf(row));
      units += row.payload.length + row.properties.length;
      if (units >= MAX_BATCH_UNITS) break;
    }
    return records;
  }

  /** A record of any dataset. */
  getRecord(id: string): StoredRecord | null {
    const row = this.#sql.exec<RecordRowSql>('SELECT * FROM records WHERE id = ?', id).next();
    return row.done ? null : recordOf(row.value);
  }

  /** Puts another payload or other properties in the place of a record's. */
  updateRecord(
    id: string,
    change: Partial<RecordContent>,
    now: number,
  ): 'updated' | 'not_found' | 'too_large' {
    const record = this.getRecord(id);
    if (record === null) return 'not_found';
    const { payload, properties } = { ...record, ...change };
    if (!fitsInRow({ payload, properties })) return 'too_large';
    this.#sql.exec(
      'UPDATE records SET payload = ?, properties = ?, updated_at = ? WHERE id = ?',
      payload,
      properties,
      now,
      id,
    );
    return 'updated';
  }

  /** How many of the records there were. @param ids one text, because a statement takes 100 values at most */
  deleteRecords(ids: readonly string[]): number {
    return this.#sql
      .exec(
        'DELETE FROM records WHERE id IN (SELECT value FROM json_each(?)) RETURNING id',
        JSON.stringify(ids),
      )
      .toArray().length;
  }

  /** Every record as a line of JSON, in order, read from SQLite as they are taken. */
  *exportLines(datasetId: string): Generator<string> {
    const rows = this.#sql.exec<RecordRowSql>(
      'SELECT payload, properties FROM records WHERE dataset_id = ? ORDER BY seq',
      datasetId,
    );
    for (const row of rows) {
      yield `{"payload":${row.payload},"properties":${row.properties}}\n`;
    }
  }

  /** Takes back what a task had added. */
  deleteRecordsOfTask(datasetId: string, taskId: string): void {
    this.#sql.exec('DELETE FROM records WHERE dataset_id = ? AND task_id = ?', datasetId, taskId);
  }
}

function datasetOf(row: DatasetRowSql): StoredDataset {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function recordOf(row: RecordRowSql): StoredRecord {
  return {
    id: row.id,
    datasetId: row.dataset_id,
    payload: row.payload,
    properties: row.properties,
    source: row.source,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
