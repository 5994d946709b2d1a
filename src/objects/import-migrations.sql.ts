/** The schema of one import's SQLite, for {@link migrate}; `outbox` and `attempts` belong to the deliveries. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE import (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    state TEXT NOT NULL,
    copied INTEGER NOT NULL DEFAULT 0,
    copied_at INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER
  );
  CREATE TABLE attempts (
    number INTEGER PRIMARY KEY,
    delivery_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status INTEGER,
    error TEXT,
    response_excerpt TEXT NOT NULL
  );
  `,
  // An import has several tasks, each with a start call of its own, and the state of the first version becomes one.
  // There, `nextPollAt` of a starting import was the next try of its start, and null while one was under way: that one is
  // looked for, with the turn that a look takes. It may have been sent at any time until now.
  `
  CREATE TABLE parts (position INTEGER PRIMARY KEY, body TEXT NOT NULL);
  ALTER TABLE import ADD COLUMN answer TEXT;
  ALTER TABLE import ADD COLUMN copy_due_at INTEGER;
  ALTER TABLE outbox ADD COLUMN round_attempts INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE outbox ADD COLUMN attempting INTEGER NOT NULL DEFAULT 0;
  UPDATE outbox SET round_attempts = attempts;
  INSERT INTO parts SELECT 0, json_extract(state, '$.startBody') FROM import;
  UPDATE import SET copy_due_at = CASE WHEN copied THEN NULL ELSE 0 END, state = json_remove(json_set(state,
    '$.isRelayed', json('false'),
    '$.startPath', '/v1/observability/datasets/' || json_extract(state, '$.datasetId') || '/imports/from-file',
    '$.search', NULL, '$.turnEnd', NULL, '$.startFailures', 0, '$.listPages', 1,
    '$.progressAt', json_extract(state, '$.createdAt'),
    '$.nextStartAt', CASE
      WHEN json_extract(state, '$.status') = 'starting' THEN coalesce(json_extract(state, '$.nextPollAt'), 0) END,
    '$.nextPollAt', CASE
      WHEN json_extract(state, '$.status') <> 'starting' THEN json_extract(state, '$.nextPollAt') END,
    '$.hasTurn', json(CASE
      WHEN json_extract(state, '$.status') = 'starting' AND json_extract(state, '$.nextPollAt') IS NULL
      THEN 'true' ELSE 'false' END),
    '$.openStart', json(CASE
      WHEN json_extract(state, '$.status') = 'starting' AND json_extract(state, '$.nextPollAt') IS NULL
      THEN json_object('position', 0, 'sentAt', json_extract(state, '$.createdAt'),
        'settledAt', max(json_extract(state, '$.createdAt'), unixepoch() * 1000) + 10000) END),
    '$.tasks', json_array(json_object(
      'id', json_extract(state, '$.task.id'), 'weight', 1,
      'status', coalesce(json_extract(state, '$.task.status'), ''),
      'progress', json_extract(state, '$.task.progress'), 'message', json_extract(state, '$.message'),
      'missing', json_extract(state, '$.missing'),
      'startedAt', CASE
        WHEN json_extract(state, '$.task.id') IS NOT NULL THEN json_extract(state, '$.createdAt') END,
      'end', CASE WHEN json_extract(state, '$.finishedAt') IS NOT NULL THEN json_extract(state, '$.status') END
    ))), '$.task', '$.startBody', '$.missing');
  `,
  // A row holds two megabytes, a start call more: it is kept in pieces.
  `
  CREATE TABLE part_pieces (
    position INTEGER NOT NULL,
    piece INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (position, piece)
  );
  INSERT INTO part_pieces SELECT position, 0, CAST(body AS BLOB) FROM parts;
  DROP TABLE parts;
  `,
];
