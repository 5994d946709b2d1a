import { readdirSync, readFileSync } from 'node:fs';

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** A Markdown table: one column per run, one row per figure. */
export function table(head: string, runs: Record<string, Record<string, number>>): string {
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
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return 0;
  }
  return pids.reduce((sum, pid) => sum + memoryOf(pid), 0);
}

function memoryOf(pid: string): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const isOurs = status.includes('Name:\tworkerd') && status.includes(`PPid:\t${process.pid}\n`);
    const [, kilobytes = '0'] = /^VmRSS:\s+(\d+)/m.exec(status) ?? [];
    return isOurs ? Number(kilobytes) * 1024 : 0;
  } catch {
    // The process ended between the two looks.
    return 0;
  }
}
