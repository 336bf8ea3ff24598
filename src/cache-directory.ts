/** Where what is made once is kept for later starts, of every Holdfast of this user. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './temporal/local-server/process-identity.ts';

const UNFINISHED = /^\.unfinished-(\d+)-/;

/** `~/.cache/holdfast`, or in the place of `~/.cache` what XDG_CACHE_HOME says. */
export function cacheDirectory(env: NodeJS.ProcessEnv): string {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'holdfast');
}

/**
 * Gives `work` a directory of its own in `cache`, from which it renames what is whole; the rest is removed. Directories of
 * processes that are gone are removed first.
 */
export async function inUnfinishedDirectory<T>(cache: string, work: (directory: string) => Promise<T>): Promise<T> {
  await mkdir(cache, { recursive: true });
  await removeAbandoned(cache);
  const directory = join(cache, `.unfinished-${process.pid}-${randomUUID()}`);
  await mkdir(directory);
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const pid = Number(UNFINISHED.exec(name)?.[1]);
    if (pid > 0 && !(await isAlive(pid))) await rm(join(cache, name), { recursive: true, force: true });
  }
}
