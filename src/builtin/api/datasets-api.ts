import { RpcTarget } from 'cloudflare:workers';
import type {
  Datasets,
  Page,
  RecordContent,
  RecordSource,
  StoredDataset,
  StoredRecord,
} from '../datasets.sql.ts';
import { exportDataset } from '../export.ts';
import type { Files, StoredFile } from '../files.sql.ts';
import type { Tasks } from '../tasks.sql.ts';

/** The datasets of a workspace and their records, over RPC. */
export class DatasetsApi extends RpcTarget {
  readonly #datasets: Datasets;
  readonly #tasks: Tasks;
  readonly #files: Files;

  constructor(datasets: Datasets, tasks: Tasks, files: Files) {
    super();
    this.#datasets = datasets;
    this.#tasks = tasks;
    this.#files = files;
  }

  create(name: string, description: string): StoredDataset {
    return this.#datasets.create(name, description, Date.now());
  }

  get(id: string): StoredDataset | null {
    return this.#datasets.get(id);
  }

  list(page: Page, q: string | null): { datasets: StoredDataset[]; count: number } {
    return this.#datasets.list(page, q);
  }

  update(
    id: string,
    change: { name: string | null; description: string | null },
  ): StoredDataset | null {
    return this.#datasets.update(id, change, Date.now());
  }

  delete(id: string): boolean {
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

  getRecord(id: string): StoredRecord | null {
    return this.#datasets.getRecord(id);
  }

  /** See {@link Datasets.updateRecord}. */
  updateRecord(id: string, change: Partial<RecordContent>): 'updated' | 'not_found' | 'too_large' {
    return this.#datasets.updateRecord(id, change, Date.now());
  }

  /** Deletes the records that are there of those named; how many that were. */
  deleteRecords(ids: readonly string[]): number {
    return this.#datasets.deleteRecords(ids);
  }

  /** Writes the records into a JSONL file that lives for a day; null when there is no such dataset. */
  export(datasetId: string): StoredFile | null {
    const dataset = this.#datasets.get(datasetId);
    return dataset && exportDataset(dataset, this.#datasets, this.#files, Date.now());
  }
}
