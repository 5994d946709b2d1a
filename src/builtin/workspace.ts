import { DurableObject } from 'cloudflare:workers';
import { configOf } from '../config.ts';
import type { NewEvent } from '../domain/event.ts';
import { equalInConstantTime, hmacBytes } from '../platform/crypto.ts';
import { tokenOf } from '../platform/ids.ts';
import { migrate } from '../platform/migrate.ts';
import { CampaignsApi } from './api/campaigns-api.ts';
import { DatasetsApi } from './api/datasets-api.ts';
import { EventsApi } from './api/events-api.ts';
import { FilesApi } from './api/files-api.ts';
import { JudgesApi } from './api/judges-api.ts';
import { TasksApi } from './api/tasks-api.ts';
import { Campaigns } from './campaigns.sql.ts';
import { Conversations } from './conversations.sql.ts';
import { Datasets } from './datasets.sql.ts';
import { EventSearch } from './event-search.ts';
import { Events } from './events.sql.ts';
import { FieldOptions } from './field-options.ts';
import { Files, type StoredFile } from './files.sql.ts';
import type { ImportStores } from './imports/stores.ts';
import { Runner } from './runner.ts';
import { sampleEvents } from './samples.ts';
import { Judges } from './judges.sql.ts';
import { WORKSPACE_MIGRATIONS } from './schema.ts';
import { Settings } from './settings.sql.ts';
import { TaskIds } from './task-ids.sql.ts';
import { Tasks } from './tasks.sql.ts';

/** Who a workspace belongs to, as the answers of the API name it. */
export interface WorkspaceIdentity {
  workspaceId: string;
  ownerId: string;
}

/**
 * The built-in backend's store: one workspace in SQLite, its parts reached over RPC as `workspace.files.list(…)` and so
 * on. Tasks run here too, see {@link Runner}.
 */
export class Workspace extends DurableObject<Env> {
  readonly #settings: Settings;
  readonly #files: Files;
  readonly #datasets: Datasets;
  readonly #tasks: Tasks;
  readonly #events: Events;
  readonly #campaigns: Campaigns;
  readonly #imports: ImportStores;
  readonly #runner: Runner;
  readonly #judges: Judges;
  readonly #conversations: Conversations;
  readonly #search: EventSearch;
  readonly #options: FieldOptions;

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
    this.#campaigns = new Campaigns(sql);
    this.#imports = {
      files: this.#files,
      datasets: this.#datasets,
      conversations: this.#conversations,
      taskIds: new TaskIds(sql),
    };
    this.#runner = new Runner(
      ctx.storage,
      this.#tasks,
      this.#imports,
      { campaigns: this.#campaigns, judges: this.#judges, conversations: this.#conversations },
      () => configOf(env),
    );
    this.#settings.once('samples', () => {
      for (const event of sampleEvents(Date.now())) this.#events.add(event);
      return 'added';
    });
    this.#search = new EventSearch(sql);
    this.#options = new FieldOptions(sql, this.#search);
  }

  get files(): FilesApi {
    return new FilesApi(this.#files);
  }

  get datasets(): DatasetsApi {
    return new DatasetsApi(this.#datasets, this.#tasks, this.#files);
  }

  get tasks(): TasksApi {
    return new TasksApi(this.#tasks, this.#imports, this.#campaigns, this.#judges, () =>
      this.#runner.wake(),
    );
  }

  get campaigns(): CampaignsApi {
    return new CampaignsApi(this.#campaigns, this.#judges, this.#search, () => this.#runner.wake());
  }

  get judges(): JudgesApi {
    return new JudgesApi(this.#judges, this.#conversations);
  }

  get events(): EventsApi {
    return new EventsApi(this.#search, this.#options);
  }

  identity(): WorkspaceIdentity {
    return {
      workspaceId: this.#settings.once('workspace_id', () => crypto.randomUUID()),
      ownerId: this.#settings.once('owner_id', () => crypto.randomUUID()),
    };
  }

  /** Records chats; one that is there already changes nothing. */
  recordEvents(events: NewEvent[]): void {
    for (const event of events) this.#events.add(event);
  }

  /** Takes the sample events away, for good. */
  deleteSamples(): void {
    this.#events.deleteSamples();
  }

  /** Signs a download link of a file. @param expiresAt milliseconds since the epoch */
  async signLink(fileId: string, expiresAt: number): Promise<string> {
    const secret = this.#settings.once('link_secret', () =>
      crypto.getRandomValues(new Uint8Array(32)).toBase64(),
    );
    const signed = new TextEncoder().encode(`${fileId}.${expiresAt}`);
    return tokenOf(await hmacBytes(Uint8Array.fromBase64(secret), signed));
  }

  /** The file behind a signed link, or null when the link is wrong, has expired, or its file is gone. */
  async openLink(fileId: string, expiresAt: number, signature: string): Promise<StoredFile | null> {
    const expected = await this.signLink(fileId, expiresAt);
    const valid = await equalInConstantTime(expected, signature);
    return valid && expiresAt > Date.now() ? this.#files.get(fileId, Date.now()) : null;
  }

  override alarm(): Promise<void> {
    return this.#runner.alarm();
  }
}
