// What processes take, from /proc; undefined or empty on systems without it.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const ticksASecond = () =>
  Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).trim());
let tickMs: number | undefined;

/** The workerd processes that this one started. */
export function workerdPids(): number[] {
  try {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map(Number).filter((pid) => {
      const status = statusOf(pid);
      return status.includes('Name:\tworkerd') && status.includes(`PPid:\t${process.pid}\n`);
    });
  } catch {
    return [];
  }
}

/** CPU time that a process took so far, user and system, all threads, in milliseconds. */
export function cpuMs(pid: number): number | undefined {
  try {
    // Fields 14 and 15, counted from behind the name, which may hold blanks (proc_pid_stat(5)).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    tickMs ??= 1000 / ticksASecond();
    return (Number(fields[11]) + Number(fields[12])) * tickMs;
  } catch {
    return undefined;
  }
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number | undefined {
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(statusOf(pid)) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/** Empty where there is no such process, or no /proc. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}
