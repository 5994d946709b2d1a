import type { JudgeDefinition, JudgeOutputDefinition } from '../domain/judge.ts';
import type { Page } from './datasets.sql.ts';

/** A saved judge; times in milliseconds since the epoch. */
export interface StoredJudge {
  id: string;
  definition: JudgeDefinition;
  createdAt: number;
  updatedAt: number;
}

/** What `GET /v1/observability/judges` filters by; an empty list lets everything pass. */
export interface JudgeFilter {
  /** Looked for in the name, in any case. */
  q: string | null;
  types: readonly JudgeOutputDefinition['type'][];
  models: readonly string[];
}

export type JudgeUpdate = 'updated' | 'not_found' | 'used' | 'unchanged' | 'name_taken';

interface JudgeRow {
  [column: string]: SqlStorageValue;
  id: string;
  name: string;
  description: string;
  model_name: string;
  output: string;
  instructions: string;
  tools: string;
  created_at: number;
  updated_at: number;
}

/** The saved judges of a workspace. */
export class Judges {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Null when another judge has the name. */
  create(definition: JudgeDefinition, now: number): StoredJudge | null {
    const id = crypto.randomUUID();
    const inserted = this.#sql.exec(
      `INSERT INTO judges
         (name, description, model_name, output, instructions, tools, id, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING RETURNING id`,
      ...columnsOf(definition),
      id,
      now,
      now,
    );
    return inserted.next().done ? null : { id, definition, createdAt: now, updatedAt: now };
  }

  get(id: string): StoredJudge | null {
    const row = this.#sql.exec<JudgeRow>('SELECT * FROM judges WHERE id = ?', id).next();
    return row.done ? null : judgeOf(row.value);
  }

  /** The newest first. */
  list({ page, pageSize }: Page, filter: JudgeFilter): { judges: StoredJudge[]; count: number } {
    const where = `(?1 IS NULL OR instr(lower(name), lower(?1)) > 0)
      AND (?2 = '[]' OR json_extract(output, '$.type') IN (SELECT value FROM json_each(?2)))
      AND (?3 = '[]' OR model_name IN (SELECT value FROM json_each(?3)))`;
    const values = [filter.q, JSON.stringify(filter.types), JSON.stringify(filter.models)];
    const { count } = this.#sql
      .exec<{ count: number }>(`SELECT count(*) AS count FROM judges WHERE ${where}`, ...values)
      .one();
    const rows = this.#sql.exec<JudgeRow>(
      `SELECT * FROM judges WHERE ${where} ORDER BY created_at DESC, rowid DESC LIMIT ?4 OFFSET ?5`,
      ...values,
      pageSize,
      (page - 1) * pageSize,
    );
    return { judges: [...rows].map(judgeOf), count };
  }

  /** Puts another definition in the place of a judge's, or tells why not. */
  update(id: string, definition: JudgeDefinition, now: number): JudgeUpdate {
    const judge = this.get(id);
    if (judge === null) return 'not_found';
    if (this.#isUsed(id)) return 'used';
    const columns = columnsOf(definition);
    const before = columnsOf(judge.definition);
    if (columns.every((value, index) => value === before[index])) return 'unchanged';
    const updated = this.#sql.exec(
      `UPDATE OR IGNORE judges
       SET name = ?, description = ?, model_name = ?, output = ?, instructions = ?, tools = ?, updated_at = ?
       WHERE id = ? RETURNING id`,
      ...columns,
      now,
      id,
    );
    return updated.next().done ? 'name_taken' : 'updated';
  }

  /** Deletes a judge with its annotations; not one that a campaign shows. */
  delete(id: string): 'deleted' | 'not_found' | 'used' {
    if (this.#isUsed(id)) return 'used';
    this.#sql.exec('DELETE FROM annotations WHERE judge_id = ?', id);
    const { rowsWritten } = this.#sql.exec('DELETE FROM judges WHERE id = ?', id);
    return rowsWritten > 0 ? 'deleted' : 'not_found';
  }

  #isUsed(id: string): boolean {
    return !this.#sql.exec('SELECT 1 FROM campaigns WHERE judge_id = ? LIMIT 1', id).next().done;
  }
}

/** In the order in which the statements name them; equal definitions give equal columns. */
function columnsOf(definition: JudgeDefinition): string[] {
  const { name, description, model_name, output, instructions, tools } = definition;
  return [
    name,
    description,
    model_name,
    JSON.stringify(output),
    instructions,
    JSON.stringify(tools),
  ].map((text) => text.toWellFormed());
}

function judgeOf(row: JudgeRow): StoredJudge {
  const { name, description, model_name, instructions } = row;
  return {
    id: row.id,
    definition: {
      name,
      description,
      model_name,
      output: JSON.parse(row.output) as JudgeOutputDefinition,
      instructions,
      tools: JSON.parse(row.tools) as string[],
    },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
