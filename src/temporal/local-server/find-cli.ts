import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { cacheDirectory } from '../../cache-directory.ts';
import { HoldfastError } from '../../errors.ts';
import { buildTemporalCli } from './build-cli.ts';
import { checkCli, firstLine, MIN_CLI_VERSION, PINNED_CLI_VERSION } from './cli-version.ts';
import { downloadTemporalCli } from './download-cli.ts';

export interface TemporalCli {
  path: string;
  source: 'path' | 'cache' | 'download' | 'build';
  /** `1.9.1`, or `0.0.0-DEV (server 1.32.0)` for a build from source. */
  version: string;
}

export interface FindOptions {
  /** PATH, HOME, XDG_CACHE_HOME, proxies and Go's settings are read from here; default `process.env`. */
  env?: NodeJS.ProcessEnv;
  /** One line a person can read: what is skipped and why, and how far a download or build is. */
  onProgress?: (line: string) => void;
}

/**
 * Finds a Temporal CLI that can serve: on the PATH, in our cache, by a download, by a Go build, in this order. The last
 * two leave their binary in the cache, so they happen once per machine. Throws `temporal.no_server`, which lists
 * what was tried and what to install.
 */
export async function findTemporalCli(options: FindOptions = {}): Promise<TemporalCli> {
  const env = options.env ?? process.env;
  const onProgress = options.onProgress ?? (() => undefined);
  const tried: string[] = [];
  const skip = (line: string): void => {
    tried.push(line);
    onProgress(`Temporal: ${line}`);
  };

  const candidates = await executablesOnPath(env.PATH ?? '');
  if (candidates.length === 0) tried.push('PATH: no `temporal` there');
  for (const path of candidates) {
    const check = await checkCli(path);
    if (check.usable) return { path, source: 'path', version: check.version };
    skip(`skipped ${path}: ${check.why}`);
  }

  const target = join(cliDirectory(env), executableName());
  if (await isExecutableFile(target)) {
    const check = await checkCli(target);
    if (check.usable) return { path: target, source: 'cache', version: check.version };
    skip(`skipped ${target}: ${check.why}`);
  }

  for (const [source, obtain] of [
    ['download', downloadTemporalCli],
    ['build', buildTemporalCli],
  ] as const) {
    try {
      const version = await obtain({ target, env, onProgress });
      return { path: target, source, version };
    } catch (error) {
      skip(`${source}: ${firstLine(error)}`);
    }
  }
  throw new HoldfastError(
    'temporal.no_server',
    [
      `No Temporal server found. Install the \`temporal\` CLI (${MIN_CLI_VERSION} or later, https://docs.temporal.io/cli), ` +
        'or set TEMPORAL_ADDRESS to a running server. Tried:',
      ...tried.map((line) => `  - ${line}`),
    ].join('\n'),
    { details: { tried } },
  );
}

/** Where downloaded and built binaries of the pinned version live. */
export function cliDirectory(env: NodeJS.ProcessEnv): string {
  return join(cacheDirectory(env), `temporal-${PINNED_CLI_VERSION}`);
}

async function executablesOnPath(path: string): Promise<string[]> {
  const found: string[] = [];
  for (const directory of path.split(delimiter)) {
    if (directory === '') continue;
    const file = join(directory, executableName());
    if (!found.includes(file) && (await isExecutableFile(file))) found.push(file);
  }
  return found;
}

async function isExecutableFile(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false; // Absent or not ours to run: the search goes on.
  }
}

function executableName(): string {
  return process.platform === 'win32' ? 'temporal.exe' : 'temporal';
}
