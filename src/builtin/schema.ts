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
];
