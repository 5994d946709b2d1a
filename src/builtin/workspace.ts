import { DurableObject } from 'cloudflare:workers';
import { equalInConstantTime, hmacBase64 } from '../platform/crypto.ts';
import { logError } from '../platform/log.ts';
import { migrate } from '../platform/migrate.ts';
import { DatasetsApi } from './api/datasets-api.ts';
import { FilesApi } from './api/files-api.ts';
import { JudgesApi } from './api/judges-api.ts';
import { TasksApi } from './api/tasks-api.ts';
import { Datasets } from './datasets.sql.ts';
import { Conversations } from './conversations.sql.ts';
import { Events, type NewEvent } from './events.sql.ts';
import { Files, type StoredFile } from './files.sql.ts';
import { runSlice } from './imports/run.ts';
import { Judges } from './judges.sql.ts';
import { WORKSPACE_MIGRATIONS } from './schema.ts';
import { Settings } from './settings.sql.ts';
import { Tasks } from './tasks.sql.ts';

/** After a fault of our own the next slice waits, so that a task that cannot go on does not spin. */
const PAUSE_AFTER_FAULT_MS = 5000;

/** Who a workspace belongs to, as the answers of the API name it. */
export interface WorkspaceIdentity {
  workspaceId: string;
  ownerId: string;
}

/**
 * The built-in backend's store: one workspace in SQLite, its parts reached over RPC as `workspace.files.list(…)` and so
 * on. Tasks run here too, a slice per alarm, so that they go on after a restart with no request made.
 */
export class Workspace extends DurableObject<Env> {
  readonly #settings: Settings;
  readonly #files: Files;
  readonly #datasets: Datasets;
  readonly #tasks: Tasks;
  readonly #events: Events;
  readonly #judges: Judges;
  readonly #conversations: Conversations;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql } = ctx.storage;
    migrate(sql, WORKSPACE_MIGRATIONS);
    this.#settings = new Settings(sql);
    this.#files = new Files(sql);
    this.#datasets = new Datasets(sql);
    this.#tasks = new Tasks(sql);
    this.#events = new Events(sql);
    this.#judges = new Judges(sql);
    this.#conversations = new Conversations(sql);
  }

  get files(): FilesApi {
    return new FilesApi(this.#files);
  }

  get datasets(): DatasetsApi {
    return new DatasetsApi(this.#datasets, this.#tasks, this.#files);
  }

  get tasks(): TasksApi {
    return new TasksApi(this.#tasks, this.#datasets, () => this.#wake());
  }

  get judges(): JudgesApi {
    return new JudgesApi(this.#judges, this.#conversations);
  }

  /** Records chats; those that are there already stay as they are. */
  recordEvents(events: NewEvent[]): void {
    for (const event of events) this.#events.add(event);
  }

  identity(): WorkspaceIdentity {
    return {
      workspaceId: this.#settings.once('workspace_id', () => crypto.randomUUID()),
      ownerId: this.#settings.once('owner_id', () => crypto.randomUUID()),
    };
  }

  /** Signs a download link of a file. @param expiresAt milliseconds since the epoch */
  async signLink(fileId: string, expiresAt: number): Promise<string> {
    const secret = this.#settings.once('link_secret', () =>
      crypto.getRandomValues(new Uint8Array(32)).toBase64(),
    );
    const mac = await hmacBase64(Uint8Array.fromBase64(secret), `${fileId}.${expiresAt}`);
    return mac.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  }

  /** The file behind a signed link, or null when the link is wrong, has expired, or its file is gone. */
  async openLink(fileId: string, expiresAt: number, signature: string): Promise<StoredFile | null> {
    const expected = await this.signLink(fileId, expiresAt);
    const valid = await equalInConstantTime(expected, signature);
    return valid && expiresAt > Date.now() ? this.#files.get(fileId, Date.now()) : null;
  }

  override async alarm(): Promise<void> {
    const task = this.#tasks.nextRunning();
    if (task === null) return;
    // Armed before the work: whatever happens in it, the task goes on.
    await this.ctx.storage.setAlarm(Date.now() + PAUSE_AFTER_FAULT_MS);
    try {
      this.ctx.storage.transactionSync(() => {
        const stores = { files: this.#files, datasets: this.#datasets, events: this.#events };
        this.#tasks.save(runSlice(task, stores, Date.now()));
      });
    } catch (error) {
      logError('import_slice_failed', error, { task_id: task.id });
      return;
    }
    if (this.#tasks.nextRunning() === null) await this.ctx.storage.deleteAlarm();
    else await this.#wake();
  }

  #wake(): Promise<void> {
    return this.ctx.storage.setAlarm(Date.now());
  }
}
