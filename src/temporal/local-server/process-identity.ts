import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HAS_PROC = process.platform === 'linux';
const POLL_MS = 20;

/**
 * When process `pid` began, as text to compare with an earlier answer: the same text is the same process, also across
 * reboots and pid reuse. Undefined when there is no such process or only a zombie is left of it, which holds nothing.
 */
export async function processStart(pid: number): Promise<string | undefined> {
  if (!HAS_PROC) {
    const line = await ps(['-o', 'stat=,lstart=', '-p', String(pid)]);
    const match = /^\s*(\S+)\s+(.+?)\s*$/.exec(line);
    return match && !match[1]?.startsWith('Z') ? match[2] : undefined;
  }
  const stat = await readGone(`/proc/${pid}/stat`);
  // Field 2 is the command in parentheses and may hold blanks; state is field 3, the start in ticks since boot field 22.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A killed process is a zombie while threads of it still hold its ports and files: field 20 counts them.
  if (!fields || fields[0] === 'X' || (fields[0] === 'Z' && Number(fields[17]) <= 1)) return undefined;
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  return `${boot.trim()}:${fields[19]}`;
}

/** Whether `pid` is a process that runs. */
export async function isAlive(pid: number): Promise<boolean> {
  return (await processStart(pid)) !== undefined;
}

/** The separator in command lines as told here: `ps` knows no better one than a blank. */
export const ARGUMENT_SEPARATOR = HAS_PROC ? '\0' : ' ';

/** The command line of `pid`, each argument followed by ARGUMENT_SEPARATOR; empty when it is gone. */
export async function commandLine(pid: number): Promise<string> {
  if (!HAS_PROC) return `${(await ps(['-ww', '-o', 'args=', '-p', String(pid)])).trim()} `;
  return (await readGone(`/proc/${pid}/cmdline`)) ?? '';
}

/** Every process of this machine whose command line satisfies `matches`. */
export async function processesWhere(matches: (commandLine: string) => boolean): Promise<number[]> {
  const found: number[] = [];
  if (!HAS_PROC) {
    for (const line of (await ps(['-ww', '-axo', 'pid=,args='])).split('\n')) {
      const match = /^\s*(\d+)\s+(.*)$/.exec(line);
      if (match && matches(`${match[2]?.trim()} `)) found.push(Number(match[1]));
    }
    return found;
  }
  for (const name of await readdir('/proc')) {
    if (/^\d+$/.test(name) && matches(await commandLine(Number(name)))) found.push(Number(name));
  }
  return found;
}

/** A process and the proof that a pid is still it. */
export interface ProcessIdentity {
  pid: number;
  start: string;
}

/** Whether the process with that identity still runs. */
export async function isSame({ pid, start }: ProcessIdentity): Promise<boolean> {
  return (await processStart(pid)) === start;
}

/**
 * Ends that process and no other: SIGTERM, then SIGKILL once `graceMs` have passed. Returns when it is gone. Throws what
 * the system says when the process may not be signalled (EPERM).
 */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGTERM', graceMs],
    ['SIGKILL', graceMs],
  ] as const) {
    if (!(await isSame(identity))) return;
    if (!send(identity.pid, signal)) return;
    const deadline = performance.now() + waitMs;
    while (performance.now() < deadline) {
      if (!(await isSame(identity))) return;
      await sleep(POLL_MS);
    }
  }
  throw new Error(`process ${identity.pid} survived SIGKILL`);
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (isCode(error, 'ESRCH')) return false;
    throw error;
  }
}

async function readGone(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ESRCH')) return undefined;
    throw error;
  }
}

/** `ps` exits 1 without output when no process matches. */
async function ps(args: string[]): Promise<string> {
  try {
    return (await run('ps', args, { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, LC_ALL: 'C' } })).stdout;
  } catch (error) {
    if (isCode(error, 1)) return '';
    throw error;
  }
}

/** Whether a system call's error carries that code. */
export function isCode(error: unknown, code: string | number): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
