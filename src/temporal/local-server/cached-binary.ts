import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { checkCli } from './cli-version.ts';
import { isAlive } from './process-identity.ts';

/** What a download and a build are given: `target` is the binary's place in the cache. */
export interface ObtainOptions {
  target: string;
  env: NodeJS.ProcessEnv;
  onProgress: (line: string) => void;
}

const UNFINISHED = /^\.unfinished-(\d+)-/;

/**
 * Puts a binary into the cache so that a kill at any moment, or two processes at once, leave a whole binary or none:
 * `produce` writes into a directory of its own and returns the file it made; that file is run once, then renamed to
 * `target`. Returns the binary's version.
 */
export async function placeInCache(target: string, produce: (directory: string) => Promise<string>): Promise<string> {
  return inUnfinishedDirectory(dirname(target), async (directory) => {
    const made = await produce(directory);
    await chmod(made, 0o755);
    const check = await checkCli(made);
    if (!check.usable) throw new Error(`the new ${basename(target)} ${check.why}`);
    await rename(made, target);
    return check.version;
  });
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
