/** What a process has used, as Linux tells. */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second in /proc: 100 on every Linux that Node runs on. */
const TICK_MS = 10;
/** Fields of proc_pid_stat(5), counted from the one after the name. */
const [UTIME, STIME, CUTIME, CSTIME] = [11, 12, 13, 14];
const PARENT = 1;

/** Milliseconds of CPU that a process and its threads have used. */
export function cpuMs(pid: number): number {
  return ticks(pid, [UTIME, STIME]) * TICK_MS;
}

/** That of Holdfast's worker and its API, which may be one process. */
export const cpuMsOf = ({ api, worker }: { api: number; worker: number }): number =>
  cpuMs(worker) + (api === worker ? 0 : cpuMs(api));

/** That of a process with its children, those that have ended included: a PostgreSQL server is its sessions. */
export function cpuMsWithChildren(pid: number): number {
  const own = ticks(pid, [UTIME, STIME, CUTIME, CSTIME]);
  return (own + childrenOf(pid).reduce((sum, child) => sum + ticks(child, [UTIME, STIME]), 0)) * TICK_MS;
}

/** Bytes of memory that a process holds now. */
export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * 1_024;
}

function ticks(pid: number, wanted: number[]): number {
  const fields = statOf(pid);
  return wanted.reduce((sum, field) => sum + Number(fields[field] ?? 0), 0);
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((it) => it > 0 && Number(statOf(it)[PARENT]) === pid);
}

/** Empty for a process that has ended. */
function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
