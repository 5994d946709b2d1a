import type { SkippedIds } from '../domain/import-message.ts';

/** SQLite takes values of up to 2 MB; an id has at most 500 characters. */
const IDS_PER_INSERT = 500;

/** Why an id was not imported. */
type SkipReason = SkippedIds['reason'];

/** The ids that tasks are to import, in order; an ended task has none. */
export class TaskIds {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(taskId: string, ids: readonly string[]): void {
    for (let start = 0; start < ids.length; start += IDS_PER_INSERT) {
      this.#sql.exec(
        `INSERT INTO task_ids (task_id, position, id)
         SELECT ?, ? + key, value FROM json_each(?)`,
        taskId,
        start,
        JSON.stringify(ids.slice(start, start + IDS_PER_INSERT)),
      );
    }
  }

  /** The ids at a position and after it. */
  read(taskId: string, position: number, limit: number): string[] {
    const rows = this.#sql.exec<{ id: string }>(
      'SELECT id FROM task_ids WHERE task_id = ? AND position >= ? ORDER BY position LIMIT ?',
      taskId,
      position,
      limit,
    );
    return [...rows].map(({ id }) => id);
  }

  count(taskId: string): number {
    return this.#sql
      .exec<{ count: number }>(
        'SELECT coalesce(max(position) + 1, 0) AS count FROM task_ids WHERE task_id = ?',
        taskId,
      )
      .one().count;
  }

  skip(taskId: string, position: number, reason: SkipReason): void {
    this.#sql.exec(
      'UPDATE task_ids SET skipped = ? WHERE task_id = ? AND position = ?',
      reason,
      taskId,
      position,
    );
  }

  /** What was skipped so far. @param few how many ids are named for each reason */
  skipped(taskId: string, few: number): SkippedIds[] {
    const counts = this.#sql.exec<{ reason: SkipReason; count: number }>(
      `SELECT skipped AS reason, count(*) AS count FROM task_ids
       WHERE task_id = ? AND skipped IS NOT NULL GROUP BY skipped ORDER BY skipped DESC`,
      taskId,
    );
    return [...counts].map(({ reason, count }) => {
      const first = this.#sql.exec<{ id: string }>(
        'SELECT id FROM task_ids WHERE task_id = ? AND skipped = ? ORDER BY position LIMIT ?',
        taskId,
        reason,
        few,
      );
      return { reason, count, first: [...first].map(({ id }) => id) };
    });
  }

  delete(taskId: string): void {
    this.#sql.exec('DELETE FROM task_ids WHERE task_id = ?', taskId);
  }
}
