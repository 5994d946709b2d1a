import { residentBytes, workerdPids } from './processes.ts';

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** The value that a share of the others, such as 0.99, is not above (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** A Markdown table: one column per run, one row per figure. */
export function table(head: string, runs: Record<string, Record<string, number | string>>): string {
  const columns = Object.keys(runs);
  const figures = Object.keys(Object.values(runs)[0] ?? {});
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [
    row([head, ...columns]),
    row(['---', ...columns.map(() => '---:')]),
    ...figures.map((figure) =>
      row([figure, ...columns.map((column) => runs[column]?.[figure] ?? '')]),
    ),
  ].join('\n');
}

/** Resident memory of all workerd processes that this one started, in bytes; 0 where /proc is not there. */
export function workerdMemory(): number {
  return workerdPids().reduce((sum, pid) => sum + (residentBytes(pid) ?? 0), 0);
}
