import type { Page } from './datasets.sql.ts';

export type TaskStatus = 'RUNNING' | 'COMPLETED' | 'FAILED';

export type TaskKind = 'file' | 'explorer' | 'playground' | 'campaign' | 'dataset';

/**
 * What a task imports. `input` is a file's id; for a campaign the properties that all its records share, as JSON; for
 * the rest empty. Ids of events and records lie one by one in `task_ids`.
 */
export interface TaskInput {
  kind: TaskKind;
  input: string;
}

/** An import task; times in milliseconds since the epoch. */
export interface StoredTask extends TaskInput {
  id: string;
  datasetId: string;
  status: TaskStatus;
  progress: number;
  message: string | null;
  /** A file is read twice: first every line is checked, then every line is imported. A list of ids is only imported. */
  phase: 'checking' | 'importing';
  /** Byte of the file, or position in the list of ids, at which the next slice begins. */
  offset: number;
  /** Lines read so far in this phase. */
  line: number;
  createdAt: number;
  updatedAt: number;
}

interface TaskRow {
  [column: string]: SqlStorageValue;
  id: string;
  dataset_id: string;
  kind: TaskKind;
  input: string;
  status: TaskStatus;
  progress: number;
  message: string | null;
  phase: StoredTask['phase'];
  offset: number;
  line: number;
  created_at: number;
  updated_at: number;
}

/** Import tasks of a workspace. */
export class Tasks {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  create(datasetId: string, { kind, input }: TaskInput, now: number): StoredTask {
    const task: StoredTask = {
      id: crypto.randomUUID(),
      datasetId,
      kind,
      input,
      status: 'RUNNING',
      progress: 0,
      message: null,
      phase: kind === 'file' ? 'checking' : 'importing',
      offset: 0,
      line: 0,
      createdAt: now,
      updatedAt: now,
    };
    this.#sql.exec(
      `INSERT INTO tasks (id, dataset_id, kind, input, status, progress, phase, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      task.id,
      datasetId,
      kind,
      input,
      task.status,
      task.progress,
      task.phase,
      now,
      now,
    );
    return task;
  }

  save(task: StoredTask): void {
    this.#sql.exec(
      `UPDATE tasks SET status = ?, progress = ?, message = ?, phase = ?, offset = ?, line = ?, updated_at = ?
       WHERE id = ?`,
      task.status,
      task.progress,
      task.message,
      task.phase,
      task.offset,
      task.line,
      task.updatedAt,
      task.id,
    );
  }

  get(datasetId: string, id: string): StoredTask | null {
    const row = this.#sql
      .exec<TaskRow>('SELECT * FROM tasks WHERE id = ? AND dataset_id = ?', id, datasetId)
      .next();
    return row.done ? null : taskOf(row.value);
  }

  /** The newest first. */
  list(datasetId: string, { page, pageSize }: Page): { tasks: StoredTask[]; count: number } {
    const { count } = this.#sql
      .exec<{ count: number }>(
        'SELECT count(*) AS count FROM tasks WHERE dataset_id = ?',
        datasetId,
      )
      .one();
    const rows = this.#sql.exec<TaskRow>(
      'SELECT * FROM tasks WHERE dataset_id = ? ORDER BY created_at DESC, id LIMIT ? OFFSET ?',
      datasetId,
      pageSize,
      (page - 1) * pageSize,
    );
    return { tasks: [...rows].map(taskOf), count };
  }

  /** The running task that has waited longest, so that a long import does not hold up a short one. */
  nextRunning(): StoredTask | null {
    const row = this.#sql
      .exec<TaskRow>("SELECT * FROM tasks WHERE status = 'RUNNING' ORDER BY updated_at LIMIT 1")
      .next();
    return row.done ? null : taskOf(row.value);
  }

  deleteOfDataset(datasetId: string): void {
    this.#sql.exec(
      'DELETE FROM task_ids WHERE task_id IN (SELECT id FROM tasks WHERE dataset_id = ?)',
      datasetId,
    );
    this.#sql.exec('DELETE FROM tasks WHERE dataset_id = ?', datasetId);
  }
}

function taskOf(row: TaskRow): StoredTask {
  return {
    id: row.id,
    datasetId: row.dataset_id,
    kind: row.kind,
    input: row.input,
    status: row.status,
    progress: row.progress,
    message: row.message,
    phase: row.phase,
    offset: row.offset,
    line: row.line,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
