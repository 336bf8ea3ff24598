import { chmod, rename } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { inUnfinishedDirectory } from '../../cache-directory.ts';
import { checkCli } from './cli-version.ts';

/** What a download and a build are given: `target` is the binary's place in the cache. */
export interface ObtainOptions {
  target: string;
  env: NodeJS.ProcessEnv;
  onProgress: (line: string) => void;
}

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
