import { DurableObject } from 'cloudflare:workers';
import { equalInConstantTime, hmacBase64 } from '../platform/crypto.ts';
import { logError } from '../platform/log.ts';
import { migrate } from '../platform/migrate.ts';
import {
  Datasets,
  type Page,
  type RecordContent,
  type RecordSource,
  type StoredDataset,
  type StoredRecord,
} from './datasets.sql.ts';
import { runSlice } from './file-import.ts';
import {
  Files,
  type FileEnd,
  type FileFilter,
  type NewFile,
  type StoredFile,
} from './files.sql.ts';
import { WORKSPACE_MIGRATIONS } from './schema.ts';
import { Tasks, type StoredTask } from './tasks.sql.ts';

/** Chunks of a file stay well below the 2 MB that a row of SQLite may have here. */
export const FILE_CHUNK_BYTES = 512 * 1024;

const DAY_MS = 86_400_000;
/** After a fault of our own the next slice waits, so that a task that cannot go on does not spin. */
const PAUSE_AFTER_FAULT_MS = 5000;

/** Who a workspace belongs to, as the answers of the API name it. */
export interface WorkspaceIdentity {
  workspaceId: string;
  ownerId: string;
}

/**
 * The built-in backend's store: files, datasets, records and import tasks of one workspace, in SQLite. Import tasks
 * run here too, a slice per alarm, so that they go on after a restart with no request made.
 */
export class Workspace extends DurableObject<Env> {
  readonly #files: Files;
  readonly #datasets: Datasets;
  readonly #tasks: Tasks;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrate(ctx.storage.sql, WORKSPACE_MIGRATIONS);
    this.#files = new Files(ctx.storage.sql);
    this.#datasets = new Datasets(ctx.storage.sql);
    this.#tasks = new Tasks(ctx.storage.sql);
  }

  identity(): WorkspaceIdentity {
    return {
      workspaceId: this.#setting('workspace_id', () => crypto.randomUUID()),
      ownerId: this.#setting('owner_id', () => crypto.randomUUID()),
    };
  }

  /** Makes room for a file and returns its id; see {@link Files}. */
  beginFile(file: NewFile): string {
    const now = Date.now();
    this.#files.sweep(now, now - DAY_MS);
    return this.#files.begin(file, now);
  }

  writeFile(id: string, offset: number, bytes: Uint8Array): void {
    this.#files.write(id, offset, bytes);
  }

  completeFile(id: string, end: FileEnd): StoredFile | null {
    this.#files.complete(id, end);
    return this.getFile(id);
  }

  getFile(id: string): StoredFile | null {
    return this.#files.get(id, Date.now());
  }

  listFiles(filter: FileFilter): { files: StoredFile[]; total: number } {
    return this.#files.list(filter, Date.now());
  }

  /** The chunk that begins at an offset; null at the end. */
  readFile(id: string, offset: number): Uint8Array | null {
    return this.#files.read(id, offset);
  }

  deleteFile(id: string): boolean {
    return this.getFile(id) !== null && this.#files.delete(id);
  }

  /** Signs a download link of a file. @param expiresAt milliseconds since the epoch */
  async signLink(fileId: string, expiresAt: number): Promise<string> {
    const secret = this.#setting('link_secret', () =>
      crypto.getRandomValues(new Uint8Array(32)).toBase64(),
    );
    const mac = await hmacBase64(Uint8Array.fromBase64(secret), `${fileId}.${expiresAt}`);
    return mac.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  }

  /** The file behind a signed link, or null when the link is wrong, has expired, or its file is gone. */
  async openLink(fileId: string, expiresAt: number, signature: string): Promise<StoredFile | null> {
    const expected = await this.signLink(fileId, expiresAt);
    const valid = await equalInConstantTime(expected, signature);
    return valid && expiresAt > Date.now() ? this.getFile(fileId) : null;
  }

  createDataset(name: string, description: string): StoredDataset {
    return this.#datasets.create(name, description, Date.now());
  }

  getDataset(id: string): StoredDataset | null {
    return this.#datasets.get(id);
  }

  listDatasets(page: Page, q: string | null): { datasets: StoredDataset[]; count: number } {
    return this.#datasets.list(page, q);
  }

  updateDataset(
    id: string,
    change: { name: string | null; description: string | null },
  ): StoredDataset | null {
    return this.#datasets.update(id, change, Date.now());
  }

  deleteDataset(id: string): boolean {
    this.#tasks.deleteOfDataset(id);
    return this.#datasets.delete(id);
  }

  /** Null when there is no such dataset. */
  createRecord(
    datasetId: string,
    content: RecordContent,
    source: RecordSource,
  ): StoredRecord | null {
    if (this.#datasets.get(datasetId) === null) return null;
    return this.#datasets.addRecord(datasetId, content, source, null, Date.now());
  }

  /** Null when there is no such dataset. */
  countRecords(datasetId: string): number | null {
    return this.#datasets.get(datasetId) && this.#datasets.countRecords(datasetId);
  }

  /** See {@link Datasets.listRecords}. */
  listRecords(datasetId: string, offset: number, limit: number): StoredRecord[] {
    return this.#datasets.listRecords(datasetId, offset, limit);
  }

  /** Writes the records into a JSONL file that lives for a day; null when there is no such dataset. */
  exportDataset(datasetId: string): StoredFile | null {
    const dataset = this.#datasets.get(datasetId);
    if (dataset === null) return null;
    const id = this.beginFile({
      filename: `${dataset.name.replaceAll(/[^\w.-]+/g, '-')}.jsonl`,
      mimetype: 'application/jsonl',
      source: 'mistral',
    });
    const encoder = new TextEncoder();
    let offset = 0;
    let lines = 0;
    let text = '';
    const flush = () => {
      const bytes = encoder.encode(text);
      for (let at = 0; at < bytes.byteLength; at += FILE_CHUNK_BYTES) {
        const chunk = bytes.subarray(at, at + FILE_CHUNK_BYTES);
        this.#files.write(id, offset, chunk);
        offset += chunk.byteLength;
      }
      text = '';
    };
    for (const line of this.#datasets.exportLines(datasetId)) {
      text += line;
      lines++;
      if (text.length >= FILE_CHUNK_BYTES) flush();
    }
    flush();
    return this.completeFile(id, {
      purpose: 'batch',
      visibility: 'workspace',
      expiresAt: Date.now() + DAY_MS,
      bytes: offset,
      lines,
    });
  }

  /** Starts an import task; null when there is no such dataset, `no_file` when there is no such file. */
  async startFileImport(datasetId: string, fileId: string): Promise<StoredTask | 'no_file' | null> {
    if (this.#datasets.get(datasetId) === null) return null;
    if (this.getFile(fileId) === null) return 'no_file';
    const task = this.#tasks.create(datasetId, fileId, Date.now());
    await this.ctx.storage.setAlarm(Date.now());
    return task;
  }

  getTask(datasetId: string, taskId: string): StoredTask | null {
    return this.#tasks.get(datasetId, taskId);
  }

  /** Null when there is no such dataset. */
  listTasks(datasetId: string, page: Page): { tasks: StoredTask[]; count: number } | null {
    return this.#datasets.get(datasetId) && this.#tasks.list(datasetId, page);
  }

  override async alarm(): Promise<void> {
    const task = this.#tasks.nextRunning();
    if (task === null) return;
    // Armed before the work: whatever happens in it, the task goes on.
    await this.ctx.storage.setAlarm(Date.now() + PAUSE_AFTER_FAULT_MS);
    try {
      this.ctx.storage.transactionSync(() => {
        const stores = { files: this.#files, datasets: this.#datasets };
        this.#tasks.save(runSlice(task, stores, Date.now()));
      });
    } catch (error) {
      logError('import_slice_failed', error, { task_id: task.id });
      return;
    }
    if (this.#tasks.nextRunning() === null) await this.ctx.storage.deleteAlarm();
    else await this.ctx.storage.setAlarm(Date.now());
  }

  #setting(name: string, create: () => string): string {
    const { sql } = this.ctx.storage;
    sql.exec('INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)', name, create());
    return sql.exec<{ value: string }>('SELECT value FROM settings WHERE name = ?', name).one()
      .value;
  }
}
