/** The SQLite schema of a workspace, one entry per release that changed it; see docs/storage.md. */
export const WORKSPACE_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE files (
    id TEXT PRIMARY KEY,
    filename TEXT NOT NULL,
    mimetype TEXT NOT NULL,
    source TEXT NOT NULL,
    purpose TEXT NOT NULL DEFAULT '',
    visibility TEXT NOT NULL DEFAULT '',
    bytes INTEGER NOT NULL DEFAULT 0,
    lines INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    complete INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX files_by_time ON files (created_at DESC, id);
  CREATE TABLE file_chunks (
    file_id TEXT NOT NULL,
    offset INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (file_id, offset)
  ) WITHOUT ROWID;
  CREATE TABLE datasets (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  );
  CREATE INDEX datasets_by_time ON datasets (created_at DESC, id);
  CREATE TABLE records (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    dataset_id TEXT NOT NULL,
    payload TEXT NOT NULL,
    properties TEXT NOT NULL,
    source TEXT NOT NULL,
    task_id TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  );
  CREATE INDEX records_by_dataset ON records (dataset_id, seq);
  CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    dataset_id TEXT NOT NULL,
    file_id TEXT NOT NULL,
    status TEXT NOT NULL,
    progress INTEGER NOT NULL,
    message TEXT,
    phase TEXT NOT NULL,
    offset INTEGER NOT NULL DEFAULT 0,
    line INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  );
  CREATE INDEX tasks_by_dataset ON tasks (dataset_id, created_at DESC, id);
  CREATE INDEX tasks_running ON tasks (updated_at) WHERE status = 'RUNNING';
  `,
  // What a search looks at is kept apart from what only an event's own page shows: a scan reads narrow rows.
  // A column …_folded holds the folded text only where folding is more than SQLite's ASCII upper().
  `
  ALTER TABLE tasks RENAME COLUMN file_id TO input;
  ALTER TABLE tasks ADD COLUMN kind TEXT NOT NULL DEFAULT 'file';
  CREATE TABLE task_ids (
    task_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    skipped TEXT,
    PRIMARY KEY (task_id, position)
  ) WITHOUT ROWID;
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    correlation_id TEXT NOT NULL,
    completion_id TEXT,
    created_at INTEGER NOT NULL,
    model_name TEXT NOT NULL,
    model_name_folded TEXT,
    input_tokens INTEGER,
    output_tokens INTEGER,
    total_time_elapsed REAL,
    last_user_message_preview TEXT,
    last_user_message_preview_folded TEXT,
    response_messages_preview TEXT,
    response_messages_preview_folded TEXT,
    first_system_message TEXT,
    first_system_message_folded TEXT,
    api_agent_id TEXT,
    invoked_tools TEXT NOT NULL,
    metadata TEXT NOT NULL,
    streamed INTEGER NOT NULL,
    nb_messages INTEGER NOT NULL,
    is_sample INTEGER NOT NULL
  );
  CREATE INDEX events_by_time ON events (created_at, seq);
  CREATE INDEX events_by_model ON events (model_name, created_at, seq);
  CREATE INDEX events_by_completion ON events (completion_id) WHERE completion_id IS NOT NULL;
  CREATE INDEX events_samples ON events (seq) WHERE is_sample = 1;
  CREATE TABLE event_bodies (
    seq INTEGER PRIMARY KEY,
    request_messages TEXT NOT NULL,
    response_messages TEXT NOT NULL,
    enabled_tools TEXT NOT NULL
  );
  CREATE VIRTUAL TABLE event_text USING fts5 (text, content = '', contentless_delete = 1);
  CREATE TABLE judges (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    model_name TEXT NOT NULL,
    output TEXT NOT NULL,
    instructions TEXT NOT NULL,
    tools TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  );
  CREATE TABLE annotations (
    judge_id TEXT NOT NULL,
    event_seq INTEGER NOT NULL,
    answer TEXT NOT NULL,
    analysis TEXT NOT NULL,
    PRIMARY KEY (judge_id, event_seq)
  ) WITHOUT ROWID;
  CREATE INDEX annotations_by_event ON annotations (event_seq);
  CREATE TABLE campaigns (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    judge_id TEXT NOT NULL,
    max_nb_events INTEGER NOT NULL,
    filters TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT,
    nb_events INTEGER NOT NULL,
    position INTEGER NOT NULL DEFAULT 0,
    judged INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  );
  CREATE INDEX campaigns_by_time ON campaigns (created_at);
  CREATE INDEX campaigns_by_judge ON campaigns (judge_id);
  CREATE INDEX campaigns_running ON campaigns (updated_at) WHERE status = 'RUNNING';
  CREATE TABLE campaign_events (
    campaign_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    event_seq INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, position)
  ) WITHOUT ROWID;
  `,
];
